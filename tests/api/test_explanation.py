"""Paths as a role may see them, without a server."""

from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
import pytest

from api.services.explanation import Contribution, PathNode, PathWriter, reason
from api.services.viewing import Unit
from graph import Store
from schema import default_ontology

ONTOLOGY = default_ontology()
UNIT = Unit("mug", "purchase", 1, datetime(2026, 1, 1, tzinfo=UTC))
START, END = PathNode("Product", ("mug",), (), 1), PathNode("Product", ("lamp",), (), 1)


class Names:
    """A store that knows how nodes are called."""

    def nodes(self, label: str, ids: list[str]) -> pa.Table:
        return pa.table({"id": ids, "name": [f"{label} {key}" for key in ids]})


@pytest.fixture
def writer() -> PathWriter:
    return PathWriter(cast(Store, Names()), minimum_group=5)


def contribution(name: str, *middles: str) -> Contribution:
    term = next(term for term in ONTOLOGY.terms if term.name == name)
    return Contribution("PATH", 1.0, 0.5, UNIT, "lamp", term, middles, len(set(middles)))


def test_steps_are_taken_by_people_that_stay_unnamed(writer: PathWriter) -> None:
    many = contribution("NEXT_PRODUCT", *"abcde")
    assert writer.nodes(many, ONTOLOGY, expert=False) == (START, PathNode("User", (), (), 5), END)
    assert reason(many, "Mug", (), 5).group == 5


def test_somebody_who_takes_a_step_often_is_no_group(writer: PathWriter) -> None:
    one = contribution("NEXT_PRODUCT", *"aaaaaa")
    assert writer.nodes(one, ONTOLOGY, expert=False)[1].count is None
    assert writer.nodes(one, ONTOLOGY, expert=True)[1].count == 1
    assert reason(one, "Mug", (), 5).group is None


@pytest.mark.parametrize("name", ["COMPLEMENTS_SHARED", "COMPLEMENTS_COMMON"])
def test_products_in_the_middle_have_names(writer: PathWriter, name: str) -> None:
    found = contribution(name, "tea", "pot")
    nodes = writer.nodes(found, ONTOLOGY, expert=False)
    assert nodes == (START, PathNode("Product", ("tea", "pot"), ("Product tea", "Product pot"), 2), END)
    assert reason(found, "Mug", nodes, 5).names == ("Product tea", "Product pot")


def test_a_shared_node_is_of_the_type_that_the_relation_leads_to(writer: PathWriter) -> None:
    nodes = writer.nodes(contribution("MADE_BY", "acme"), ONTOLOGY, expert=False)
    assert nodes[1] == PathNode("Brand", ("acme",), ("Brand acme",), 1)


def test_what_everybody_chooses_has_no_path(writer: PathWriter) -> None:
    crowd = Contribution("CROWD", 1.0, 0.5, UNIT, "lamp", None, (), 0)
    assert writer.nodes(crowd, ONTOLOGY, expert=True) == ()
