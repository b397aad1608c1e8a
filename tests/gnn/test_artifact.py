import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from random_model import random_model
from small_shop import START

from gnn.artifact import ArtifactError, check_fit, load_artifact, read_manifest, save_artifact
from gnn.erasure import erase
from gnn.explain import unit_scores
from gnn.histories import histories
from schema.files import WriteError
from schema.ontology import default_ontology, parse_ontology
from schema.pseudonym import pseudonym

NOW = START + timedelta(days=100)
ROWS = [("p1", "purchase", 2, NOW), ("p3", "view", 1, START)]


@pytest.fixture
def copy(artifact, tmp_path):
    save_artifact(artifact, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_saved_model_scores_as_before(artifact, copy):
    loaded = load_artifact(copy).scorer
    before = artifact.scorer.score(artifact.scorer.history(ROWS), NOW, "u1")
    assert (loaded.score(loaded.history(ROWS), NOW, "u1") == before).all()


def test_a_saved_model_of_any_graph_scores_as_before(tmp_path):
    model = random_model(tmp_path, seed=3)
    loaded = load_artifact(tmp_path / "artifact").scorer
    history = histories(model.shop).of(1)
    before = unit_scores(model.scorer, history, NOW, "u1")
    # Equal arrays at other places in memory may round differently in the last digit.
    assert unit_scores(loaded, history, NOW, "u1") == pytest.approx(before, abs=1e-6)
    assert [t.term for t in loaded.terms] == [t.term for t in model.scorer.terms]


def test_loading_needs_no_torch(copy):
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from gnn.artifact import load_artifact\n"
        f"print(load_artifact(Path({str(copy)!r})).scorer.size)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "40"


def test_a_folder_without_a_model_says_how_to_make_one(tmp_path):
    with pytest.raises(ArtifactError, match="pathrec train"):
        load_artifact(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    ["products.parquet", "terms/CO_BUYER.npz", "terms/NEXT_PRODUCT.npz", "low_pass.safetensors", "latent.safetensors"],
)
def test_a_damaged_file_is_named(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (copy / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=name.split("/")[-1]):
        load_artifact(copy)


def test_a_missing_file_is_named(copy):
    (copy / "people.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"people\.parquet"):
        load_artifact(copy)


def test_another_format_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    with pytest.raises(ArtifactError, match="format"):
        read_manifest(copy)


def test_the_model_serves_a_store_that_knows_more(artifact):
    more = parse_ontology(
        {"nodes": {"Material": {}}, "relations": {"MADE_OF": {"from": "Product", "to": "Material"}}}, where="own"
    )
    check_fit(artifact.manifest, more)


def test_the_model_is_refused_by_a_store_that_knows_less(artifact):
    more = parse_ontology({"behaviours": {"wish": {}}}, where="own")
    trained = artifact.manifest.model_copy(update={"ontology": more})
    with pytest.raises(ArtifactError, match="no behaviour wish"):
        check_fit(trained, default_ontology())


def test_nothing_takes_the_place_of_a_foreign_folder(artifact, tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(WriteError, match="name another place"):
        save_artifact(artifact, tmp_path)
    assert (tmp_path / "diary.txt").exists()


def test_a_write_that_fails_leaves_the_old_model_and_no_rest(artifact, copy):
    broken = replace(artifact, scorer=replace(artifact.scorer, prior=np.zeros(3)))
    with pytest.raises(Exception, match="length"):
        save_artifact(broken, copy)
    assert load_artifact(copy).scorer.size == 40
    assert [p.name for p in copy.parent.iterdir()] == ["copy"]


def test_an_erased_person_is_nowhere_in_the_folder(artifact, copy):
    key = pseudonym("user", "u1")
    assert any(key.encode() in f.read_bytes() for f in copy.rglob("*.parquet"))
    assert erase(copy, people=[key])
    assert not any(key.encode() in f.read_bytes() for f in copy.rglob("*") if f.is_file())
    scorer = load_artifact(copy).scorer
    assert scorer.person("u1") is None
    for name in ("SAME_BASKET", "NEXT_PRODUCT"):
        term = next(t for t in scorer.terms if t.term.name == name)
        own = np.flatnonzero(term.owner == artifact.scorer.people[key])
        assert len(own)
        assert not term.links[:, own].nnz + term.inwards[:, own].nnz


def test_erasing_nobody_changes_nothing(copy):
    before = (copy / "manifest.json").read_bytes()
    assert not erase(copy, people=[pseudonym("user", "stranger")])
    assert (copy / "manifest.json").read_bytes() == before
