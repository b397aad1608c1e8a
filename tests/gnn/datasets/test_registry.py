from collections.abc import Mapping

import pytest

from gnn.datasets import FORMATS, DatasetError, detect_format, read_benchmark
from gnn.datasets.published import PUBLISHED

LOOKS: Mapping[str, tuple[str, ...]] = {
    "lightgcn": ("train.txt", "test.txt.gz"),
    "pgpr": ("train.tsv", "test.tsv", "kg.tsv.gz", "products.tsv", "users.tsv"),
    "rechorus": ("train.csv.gz", "dev.csv", "test.csv"),
    "mcclk": ("ratings.tsv", "kg.tsv.gz"),
    "recbole": ("any.inter",),
    "snapshot": ("manifest.json",),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_folder_shows_its_format(write, name):
    assert detect_format(write(dict.fromkeys(LOOKS[name], ""))) == name


def test_every_format_can_be_told_by_its_files_or_is_another_way_to_split():
    assert set(FORMATS) - set(LOOKS) == {"recbole-time"}


def test_a_folder_of_no_format_is_an_error_that_names_what_was_looked_for(write):
    with pytest.raises(DatasetError) as error:
        detect_format(write({"readme.md": ""}))
    for words in ("manifest.json", "train.txt", "kg.tsv", "ratings.tsv", "dev.csv", "<name>.inter"):
        assert words in str(error.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_path_that_is_no_folder_is_an_error(tmp_path, name):
    with pytest.raises(DatasetError, match="is not a folder"):
        read_benchmark(tmp_path / "nowhere", name)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_folder_is_an_error_that_names_a_file(write, name):
    with pytest.raises(DatasetError, match=r"no file|needs <name>\.inter"):
        read_benchmark(write({}), name)


def test_an_unknown_format_is_an_error_with_the_likely_spelling(write):
    with pytest.raises(DatasetError, match="Did you mean lightgcn"):
        read_benchmark(write({}), "lightgc")


def test_where_there_are_no_relations_none_can_be_left_out(write):
    folder = write({"train.txt": "0 10 11\n", "test.txt": "0 12\n"})
    with pytest.raises(DatasetError, match=r"^without IN_CATEGORY: the data has no relations that could be left out$"):
        read_benchmark(folder, "lightgcn", without={"IN_CATEGORY"})


def test_published_figures_are_fractions_of_known_metrics():
    for figures in PUBLISHED.values():
        for row in figures:
            assert row.metrics
            assert all(0 < value < 1 for value in row.metrics.values())
            assert all(name == "auc" or name.partition("@")[2].isdigit() for name in row.metrics)
