import pytest
from graphql import parse

from api.graphql.execution import depth


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ model { version } }", 2),
        ("{ a: model { version } b: product(productId: 1) { similar { edges { rank } } } }", 4),
        (
            "{ product(productId: 1) { ...part } } fragment part on Product { categories { name } }",
            3,
        ),
        ("{ node(id: 1) { ... on Product { title } } }", 2),
        ("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }", 0),
    ],
)
def test_depth_counts_fields_through_fragments_without_introspection(query: str, expected: int) -> None:
    assert depth(parse(query)) == expected
