from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import vectors
from ingestion.errors import SourceError
from ingestion.vectors import open_vectors

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def parquet(path: Path, column: pa.Array, ids: object = ("a", "b", "c")) -> Path:
    pq.write_table(pa.table({"id": pa.array(list(ids)), "vector": column}), path)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.list_(pa.float16()),
        pa.list_(pa.int8()),
        pa.large_list(pa.float32()),
        pa.list_(pa.float32(), 2),
    ],
)
def test_a_parquet_column_of_lists_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    values = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int8())).cast(pa.list_(kind.value_type)).cast(kind)
    file = open_vectors(parquet(tmp_path / "v.parquet", values))
    assert (file.rows, file.width) == (3, 2)
    (piece,) = file.pieces()
    assert piece.ids == ["a", "b", "c"]
    assert piece.matrix.tolist() == ROWS and piece.matrix.dtype == np.float32


@pytest.mark.parametrize("fixed", [True, False])
def test_gaps_are_not_numbers(tmp_path: Path, fixed: bool) -> None:
    odd = [None, [1.0, 2.0], [3.0, None]] + ([] if fixed else [[1.0], []])
    column = pa.array(odd, pa.list_(pa.float32(), 2) if fixed else pa.list_(pa.float32()))
    (piece,) = open_vectors(parquet(tmp_path / "v.parquet", column, "abcde"[: len(odd)])).pieces()
    assert np.isfinite(piece.matrix).all(axis=1).tolist() == [False, True, False, False, False][: len(odd)]
    assert piece.matrix[1].tolist() == [1, 2]


@pytest.mark.parametrize("form", ["ids.txt", "ids.csv", "ids.parquet"])
def test_the_rows_of_a_matrix_get_their_ids_from_another_file(tmp_path: Path, form: str) -> None:
    np.save(tmp_path / "v.npy", np.array(ROWS, np.float16))
    ids = tmp_path / form
    if form == "ids.parquet":
        pq.write_table(pa.table({"id": [1, 2, 3], "title": ["x", "y", "z"]}), ids)
    else:
        ids.write_text("1\n2\n3\n" if form == "ids.txt" else "title,id\nx,1\ny,2\nz,3\n")
    (piece,) = open_vectors(tmp_path / "v.npy", ids).pieces()
    assert piece.ids == ["1", "2", "3"] and piece.matrix.tolist() == ROWS


def test_many_rows_come_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "PIECE", 2)
    np.save(tmp_path / "v.npy", np.array(ROWS))
    (tmp_path / "ids.txt").write_text("a\nb\nc")
    column = pa.array(ROWS, pa.list_(pa.float32(), 2))
    for file in (
        open_vectors(tmp_path / "v.npy", tmp_path / "ids.txt"),
        open_vectors(parquet(tmp_path / "v.parquet", column)),
    ):
        assert [(piece.first, piece.ids) for piece in file.pieces()] == [(0, ["a", "b"]), (2, ["c"])]


def test_what_is_too_large_for_single_precision_is_infinite(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([[1e300, 0.0]]))
    (tmp_path / "ids.txt").write_text("a")
    (piece,) = open_vectors(tmp_path / "v.npy", tmp_path / "ids.txt").pieces()
    assert np.isinf(piece.matrix[0, 0])


def test_a_file_that_is_not_of_the_form_is_named_with_the_remedy(tmp_path: Path) -> None:
    npy, ids, file = tmp_path / "v.npy", tmp_path / "ids.txt", tmp_path / "v.parquet"
    np.save(npy, np.array(ROWS))
    ids.write_text("a\nb")

    def refused(message: str, path: Path, names: Path | None = None) -> None:
        with pytest.raises(SourceError, match=message):
            open_vectors(path, names)

    refused("name a file of ids", npy)
    refused("3 rows and .* has 2 ids", npy, ids)
    refused("cannot be read as ids", npy, tmp_path / "none.txt")
    refused("No such file", tmp_path / "none.npy", ids)
    refused("No such file", tmp_path / "none.parquet")
    refused("neither .parquet", tmp_path / "v.csv")
    np.save(npy, np.zeros(3))
    refused("a row of numbers for each id", npy, ids)
    np.save(npy, np.array([["a", "b"]]))
    refused("a row of numbers for each id", npy, ids)
    np.save(npy, np.array([[object()]]), allow_pickle=True)
    refused("write it with numpy.save", npy, ids)
    npy.write_bytes(b"hello")
    refused("write it with numpy.save", npy, ids)
    file.write_bytes(b"PAR1 hello")
    refused("export it again", file)
    pq.write_table(pa.table({"id": ["a"], "embedding": [[1.0]]}), file)
    refused("no column vector but id, embedding", file)
    parquet(file, pa.array(["x", "y", "z"]))
    refused("must be a list of numbers", file)
    parquet(file, pa.array([None, None, None], pa.list_(pa.float32())))
    refused("has no vectors", file)
    parquet(file, pa.array(ROWS, pa.list_(pa.float32(), 2)))
    refused("leave .* out", file, ids)
    parquet(file, pa.array(ROWS, pa.list_(pa.float32(), 2)), [1.5, 2.5, 3.5])
    with pytest.raises(SourceError, match="id is double"):
        list(open_vectors(file).pieces())
