import math

import pytest
import torch

from ingestion.finetuning.train import TEMPERATURE, info_nce

NOTHING = torch.zeros(2, 2, dtype=torch.bool)


def test_the_loss_by_hand() -> None:
    left = torch.eye(2)
    right = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    # Cosines: pair 0 has 1 with its own and .6 with the other, pair 1 has .8 and 0; columns the other way.
    rows = [(1, 0.6), (0.8, 0)]
    columns = [(1, 0), (0.8, 0.6)]

    def lost(own: float, other: float) -> float:
        return math.log(1 + math.exp((other - own) / TEMPERATURE))

    expected = sum(lost(*pair) for pair in rows + columns) / 4
    assert float(info_nce(left, right, NOTHING)) == pytest.approx(expected, rel=1e-5)


def test_what_is_masked_is_no_negative_in_either_direction() -> None:
    same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(info_nce(same, same, NOTHING)) == pytest.approx(math.log(2))
    masked = torch.tensor([[False, True], [True, False]])
    assert float(info_nce(same, same, masked)) == 0
