from pathlib import Path

import pytest
from themed_shop import themed_shop, titles, write_model

from ingestion.encoders.adapter import HELD_OUT, AdapterError, AdapterManifest, open_adapter
from ingestion.encoders.text import load_text_encoder
from ingestion.finetuning import Course, FinetuningError, finetune
from ingestion.finetuning.exam import load_exam, take_exam
from schema import Snapshot

Trained = tuple[Path, AdapterManifest]


def test_partners_of_products_that_were_held_out_are_found_better(trained: Trained) -> None:
    figures = trained[1].figures
    assert trained[1].gained
    assert figures["after"]["recall@20"] > figures["before"]["recall@20"] + 0.05
    assert figures["after"]["mrr"] > figures["before"]["mrr"]


def test_a_saved_adapter_does_what_it_says(trained: Trained, model: Path) -> None:
    folder, manifest = trained
    asked = load_exam(folder / HELD_OUT)
    assert open_adapter(folder).manifest == manifest
    encoder = load_text_encoder(str(model), adapter=folder, device="cpu")
    assert take_exam(asked, encoder).as_dict() == pytest.approx(manifest.figures["after"], abs=0.02)
    plain = load_text_encoder(str(model), device="cpu")
    assert take_exam(asked, plain).as_dict() == manifest.figures["before"]


def test_the_manifest_says_what_it_was_trained_on(trained: Trained, model: Path) -> None:
    manifest = trained[1]
    assert manifest.base.model == str(model)
    assert (manifest.method, manifest.seed, manifest.earlier) == ("lora", 0, None)
    assert manifest.data["products"] == len(titles())
    assert manifest.data["pairs"] > 0 and manifest.data["described"] == 0


def test_the_same_seed_gives_the_same_adapter(
    trained: Trained, snapshot: Snapshot, model: Path, tmp_path: Path
) -> None:
    again = finetune(snapshot, tmp_path / "again", Course(str(model), device="cpu"))
    assert again.version == trained[1].version


@pytest.mark.parametrize("method", ["ia3", "prefix", "prompt"])
def test_other_methods_train_and_are_read_back(method: str, snapshot: Snapshot, model: Path, tmp_path: Path) -> None:
    manifest = finetune(snapshot, tmp_path / "adapter", Course(str(model), method, device="cpu"))
    assert manifest.method == method
    assert len(set(manifest.training["looks"])) > 1
    encoder = load_text_encoder(adapter=tmp_path / "adapter", device="cpu")
    found = take_exam(load_exam(tmp_path / "adapter" / HELD_OUT), encoder)
    assert found.as_dict() == pytest.approx(manifest.figures["after"], abs=0.02)


def test_going_on_tells_what_was_forgotten(trained: Trained, tmp_path: Path) -> None:
    folder, before = trained
    new = themed_shop(seed=1, baskets=1_500).write(tmp_path / "new")
    manifest = finetune(new, tmp_path / "adapter", Course(earlier=folder, device="cpu"))
    assert manifest.earlier == before.version
    assert (manifest.method, manifest.base) == (before.method, before.base)
    assert manifest.figures["old_earlier"] == pytest.approx(before.figures["after"])
    lost = manifest.figures["old_earlier"]["recall@20"] - manifest.figures["old_after"]["recall@20"]
    assert manifest.forgotten["recall@20"] == pytest.approx(lost)
    assert manifest.figures["earlier"]["recall@20"] > manifest.figures["before"]["recall@20"]
    assert before.forgotten == {}


def test_going_on_by_another_method_is_refused(trained: Trained, snapshot: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(FinetuningError, match="by lora, from which ia3 cannot go on"):
        finetune(snapshot, tmp_path / "adapter", Course(method="ia3", earlier=trained[0]))


def test_going_on_with_another_model_is_refused(trained: Trained, snapshot: Snapshot, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", seed=1)
    with pytest.raises(AdapterError, match=rf"was trained for {trained[1].base.model}"):
        finetune(snapshot, tmp_path / "adapter", Course(str(other), earlier=trained[0], device="cpu"))


def test_an_unknown_method_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(FinetuningError, match=r"no method lorra; .* Did you mean lora\?"):
        finetune(snapshot, tmp_path / "adapter", Course(method="lorra"))
    assert not (tmp_path / "adapter").exists()
