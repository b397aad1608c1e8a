import pytest
from graphql import parse

from api.graphql.execution import depth


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ model { version } }", 2),
        ("{ a: model { version } b: recommendations(audience: {}) { edges { node { title } } } }", 4),
        (
            "{ recommendations(audience: {}) { ...part } } fragment part on RecommendationConnection { edges { rank } }",
            3,
        ),
        ("{ node(id: 1) { ... on Product { title } } }", 2),
        ("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }", 0),
    ],
)
def test_depth_counts_fields_through_fragments_without_introspection(query: str, expected: int) -> None:
    assert depth(parse(query)) == expected
