from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph import Query, Store, as_text
from graph.cypher import literal, quoted

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# Neo4j replaces \uXXXX before it reads a query, so backslashes deserve a push.
TRICKY = st.text(st.sampled_from("\\'\"`$u0027n{}/*\n\r\t "), max_size=12)
VALUES = st.one_of(TEXT, TRICKY, st.booleans(), st.none(), st.integers(-(2**63) + 1, 2**63 - 1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from("abc"), st.one_of(VALUES, st.lists(TEXT, max_size=3)), min_size=1))
def test_a_pasted_query_means_the_same_as_one_with_parameters(store: Store, values: Mapping[str, object]) -> None:
    text = "RETURN " + ", ".join(f"${name} AS {name}" for name in values)
    assert store.read(Query(as_text(Query(text, values)))) == [dict(values)]


def test_a_quoted_name_cannot_end_early() -> None:
    assert quoted("a`b") == "`a``b`"


def test_what_has_no_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="dict has no literal"):
        literal({})
