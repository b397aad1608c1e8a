"""Softmax cross-entropy over all products, forward and backward in one pass.

The logits of 1,024 users and 41,000 products are 168 MB: what autograd would read and write a dozen times is
held once here, kept from step to step, turned into the gradient in place, and multiplied in bfloat16 where the
processor can (float32 accumulation inside the product). Where there are too many products the softmax runs over a
sample whose logits are corrected by log q (Bengio and Senécal 2008).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Asked:
    """What is asked of B users over N columns of products; ragged, by user.

    Shapes:
        rows, columns: (K,) pairs that the user has already and that do not compete.
        target_rows, target_columns: (T,) distinct pairs to predict.
        weight: (T,) of each target in the loss.
        shift: (N,) is added to the logits, or None.
    """

    rows: Tensor
    columns: Tensor
    target_rows: Tensor
    target_columns: Tensor
    weight: Tensor
    shift: Tensor | None


def product_type(device: torch.device) -> torch.dtype:
    """In what large products are computed: bfloat16, or float32 on processors that would only emulate it.

    Emulated it is slower by ten times: 2.5 s against .28 s for the logits of a step on gowalla, one thread with AVX2.
    """
    native = device.type == "cuda" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.bfloat16 if native else torch.float32


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, users: Tensor, products: Tensor, bias: Tensor, asked: Asked, space: Tensor) -> Tensor:
        short = product_type(users.device)
        left, right = users.to(short), products.to(short)
        table = space.resize_(len(users), len(products))
        if short == torch.float32:
            torch.mm(left, right.T, out=table)
        else:
            table.copy_(left @ right.T)
        table += bias if asked.shift is None else bias + asked.shift
        table[asked.rows, asked.columns] = -1e9
        torch.softmax(table, 1, out=table)
        chosen = table[asked.target_rows, asked.target_columns]
        loss = -(asked.weight * chosen.clamp_min(torch.finfo(chosen.dtype).tiny).log()).sum()
        by_user = torch.zeros(len(users), device=users.device).index_add_(0, asked.target_rows, asked.weight)
        table *= by_user[:, None]
        table[asked.target_rows, asked.target_columns] -= asked.weight
        gradient = table.to(short)
        ctx.save_for_backward((gradient @ right).float(), (gradient.T @ left).float(), table.sum(0))
        return loss

    @staticmethod
    def backward(ctx: Any, output: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        users, products, bias = ctx.saved_tensors
        return users * output, products * output, bias * output, None, None


class SoftmaxLoss:
    """Σ_T -weight · log softmax(users · productsᵀ + bias), and the memory that its steps share."""

    def __init__(self, device: str | torch.device) -> None:
        self._space = torch.empty(0, device=device)

    def __call__(self, users: Tensor, products: Tensor, bias: Tensor, asked: Asked) -> Tensor:
        """A scalar.

        Args:
            users: (B, d)
            products: (N, d)
            bias: (N,)
            asked: which pairs compete and which are right.
        """
        loss: Tensor = _Softmax.apply(users, products, bias, asked, self._space)
        return loss
