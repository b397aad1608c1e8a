from dataclasses import replace
from re import escape

import pytest
from small_shop import checkerboard

from gnn.datasets import DatasetError, read_question


def test_a_relation_that_is_not_there_is_an_error_that_names_those_that_are(snapshot):
    """A relation that the ontology knows and no product has is not there either."""
    there = "the data has no such relation; there is COMPLEMENTS, IN_CATEGORY."
    with pytest.raises(DatasetError, match=escape(f"{snapshot.path}: without MADE_BY: {there}")):
        read_question(snapshot.path, None, (), without=("MADE_BY",))
    with pytest.raises(DatasetError, match=escape(f"{there} Did you mean IN_CATEGORY?")):
        read_question(snapshot.path, None, (), without=("IN_CATEGORI",))


def test_where_there_are_no_relations_none_can_be_left_out(tmp_path):
    bare = replace(checkerboard(), edges={}).write(tmp_path / "bare")
    with pytest.raises(DatasetError, match="without MADE_BY: the data has no relations that could be left out"):
        read_question(bare.path, None, (), without=("MADE_BY",))
