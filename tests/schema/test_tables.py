import pyarrow as pa
import pytest

from schema.errors import RecordError
from schema.ontology import default_ontology, parse_ontology
from schema.tables import EVENTS, RELATIONS, conform, node_schema


def test_columns_of_a_node_type_follow_the_ontology():
    ontology = parse_ontology(
        {"nodes": {"Product": {"properties": {"pages": "integer", "out": "datetime"}}}}, where="own"
    )
    schema = node_schema(ontology, "Product")
    assert schema.field("id").nullable is False
    assert schema.field("price").type == pa.float64()
    assert schema.field("pages").type == pa.int64()
    assert schema.field("out").type == pa.timestamp("ms", tz="UTC")


def test_an_unknown_type_is_named_with_what_there_is():
    with pytest.raises(RecordError, match=r"no node type Produkt.*Did you mean Product"):
        node_schema(default_ontology(), "Produkt")


def test_absent_optional_columns_are_null_and_the_order_is_fixed():
    table = conform(pa.table({"target": ["b"], "source": ["a"]}), RELATIONS, what="edges")
    assert table.schema == RELATIONS
    assert table.to_pylist() == [{"source": "a", "target": "b", "weight": None, "time": None}]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"source": ["a"]}, "column target is missing"),
        ({"source": ["a"], "target": [None]}, "column target has 1 empty values"),
        ({"source": ["a"], "target": ["b"], "colour": ["red"]}, "unknown column colour"),
        ({"source": ["a"], "target": ["b"], "weight": ["heavy"]}, "column weight must be float"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(columns, message):
    with pytest.raises(RecordError, match=message):
        conform(pa.table(columns), RELATIONS, what="edges")


def test_events_need_a_product_and_a_time_but_no_user():
    required = {field.name for field in EVENTS if not field.nullable}
    assert required == {"id", "product", "behaviour", "time"}
