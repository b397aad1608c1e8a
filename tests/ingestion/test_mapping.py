from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion import MappingError, load_mapping, read
from schema import default_ontology

PRODUCTS = {
    "path": "products.csv",
    "columns": {"id": "sku", "title": "name", "price": {"column": "UnitPrice", "type": "float"}},
    "nodes": [{"type": "Product", "id": "id", "properties": {"title": "title", "price": "price"}}],
}


def _mistakes(shop: Any, *sources: dict[str, Any], **more: Any) -> str:
    with pytest.raises(MappingError) as caught:
        shop.mapping(*sources, **more)
    return str(caught.value)


def test_the_example_in_the_docs_is_a_mapping_that_reads_its_files(shop: Any) -> None:
    page = Path(__file__).parents[2] / "docs" / "ingestion.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    path = shop.file("mapping.yaml", example)
    (shop.folder / "pictures").mkdir()
    shop.file("pictures/1.png", b"")
    shop.file(
        "products.csv.gz",
        "product_id,title,unit_price,image,brand,category_id,tags\n"
        "1,Green tea,3.50,1.png,Leaf,tea,organic|loose\n2,Tea pot,20,,Clay,pots,\n",
    )
    shop.file("categories.tsv", "id\tname\tparent\ntea\tTea\t\npots\tPots\t\n")
    shop.file("goes_with.csv", "a;b;strength\n1;2;0.5\n")
    shop.file(
        "events.jsonl",
        '{"event_id":"e1","user_id":"u","session_id":null,"product_id":"1","action":"view","qty":1,'
        '"at":"2011-06-01T12:00:00","order_id":"o"}\n',
    )
    records = read(load_mapping(path, ontology=default_ontology()), workdir=shop.folder / "work")
    assert {name: table.num_rows for name, table in records.nodes.items()} == {
        "Product": 2, "Brand": 2, "Feature": 2, "Category": 2,
    }  # fmt: skip
    assert {name: table.num_rows for name, table in records.relations.items()} == {
        "IN_CATEGORY": 2, "MADE_BY": 2, "HAS_FEATURE": 2, "CHILD_OF": 0, "COMPLEMENTS": 1,
    }  # fmt: skip
    assert records.events["time"].to_pylist()[0].isoformat() == "2011-06-01T11:00:00+00:00"
    assert records.quality.rows_quarantined == 0


def test_a_missing_column_is_named_with_place_line_and_likely_spelling(shop: Any) -> None:
    shop.file("products.csv", "sku,name,UnitPrize\n1,Tea,2.50\n")
    with pytest.raises(MappingError) as caught:
        shop.read(PRODUCTS)
    assert str(caught.value).endswith(
        'mapping.yaml:8: sources[0].columns.price: no column "UnitPrice" in products.csv; '
        "it has UnitPrize, name, sku. Did you mean UnitPrize?"
    )


def test_a_wrong_delimiter_is_told_once_with_the_likely_one(shop: Any) -> None:
    shop.file("products.csv", "sku;name;UnitPrice\n1;Tea;2.50\n")
    with pytest.raises(MappingError) as caught:
        shop.read(PRODUCTS)
    assert str(caught.value).endswith(
        "sources[0].delimiter: the header of products.csv is one column, sku;name;UnitPrice; "
        "its delimiter seems to be ';'"
    )
    assert shop.read(PRODUCTS | {"delimiter": ";"}).quality.rows_kept == 1


def test_all_mistakes_are_reported_at_once_each_with_its_place(shop: Any) -> None:
    message = _mistakes(
        shop,
        {
            "path": "products.csv",
            "columns": {"id": "sku", "price": "p"},
            "clean": [
                {"requires": {"columns": ["id"]}},
                {"positive": {"colum": "price"}},
                {"upper": {"columns": ["xx"]}},
            ],
            "nodes": [
                {"type": "Produkt", "id": "id"},
                {"type": "Product", "id": "idd", "properties": {"prize": "price", "price": "price"}},
            ],
            "relations": [{"name": "IN_CATEGORIES", "source": "id", "target": "id"}],
            "events": [{"product": "id", "behaviour": {"constant": "buy"}, "time": "id"}],
        },
    )
    for expected in (
        "sources[0].clean[0].requires: unknown step; there is",
        "Did you mean require?",
        "sources[0].clean[1].positive.colum: unknown parameter; there is column, unless. Did you mean column?",
        "sources[0].nodes[0].type: no node type Produkt",
        'sources[0].nodes[1].id: no column "idd" under columns; there is id, price. Did you mean id?',
        "sources[0].nodes[1].properties.prize: Product has no property prize",
        "sources[0].nodes[1].properties.price: price is string, not float or integer; give it that type",
        "sources[0].relations[0].name: no relation IN_CATEGORIES",
        "sources[0].events[0].behaviour: no behaviour buy",
        "sources[0].events[0].time: id is string, not datetime",
        "sources[0].events[0].user: an event needs a user, a session or a basket",
    ):
        assert expected in message


def test_unknown_keys_suggest_the_known_ones_of_their_place(shop: Any) -> None:
    message = _mistakes(shop, PRODUCTS | {"delimeter": ";"}, clocks="data")
    assert "sources[0].delimeter: unknown key" in message
    assert "Did you mean delimiter?" in message
    assert "clocks: unknown key" in message
    assert "Did you mean clock?" in message


def test_a_suffix_that_tells_no_format_asks_for_one(shop: Any) -> None:
    assert "sources[0].path: the suffix of products.dat tells no format" in _mistakes(
        shop, PRODUCTS | {"path": "products.dat"}
    )


def test_a_key_written_twice_is_a_mistake_with_both_lines(shop: Any) -> None:
    path = shop.file("m.yaml", yaml.safe_dump({"format": 1, "name": "shop", "sources": [PRODUCTS]}) + "name: again\n")
    with pytest.raises(MappingError, match=r"name: is there twice \(lines 2 and \d+\)"):
        load_mapping(path, ontology=default_ontology())


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not YAML"), ("- a", "must be a mapping with format"), ("", "must be a mapping with format")],
)
def test_a_file_that_is_no_mapping_is_refused(shop: Any, text: str, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        load_mapping(shop.file("m.yaml", text), ontology=default_ontology())


def test_a_missing_mapping_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"cannot be read .* a name: online-retail"):
        load_mapping(tmp_path / "none.yaml", ontology=default_ontology())


def test_the_shipped_mapping_asks_for_its_data() -> None:
    with pytest.raises(MappingError, match="name the file"):
        load_mapping("online-retail", ontology=default_ontology())


@pytest.mark.parametrize("pattern", ["%Q", "%H:%M", "%d/%m/%Y %H", "yyyy-mm-dd"])
def test_a_format_that_reads_no_date_is_refused(shop: Any, pattern: str) -> None:
    columns = PRODUCTS["columns"] | {"at": {"type": "datetime", "format": pattern}}
    assert "sources[0].columns.at: " in _mistakes(shop, PRODUCTS | {"columns": columns})


@pytest.mark.parametrize(
    "pattern", ["%d/%m/%Y", "%m/%d/%y %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%.f", "epoch_s"]
)
def test_a_format_that_reads_a_date_is_taken(shop: Any, pattern: str) -> None:
    columns = PRODUCTS["columns"] | {"at": {"type": "datetime", "format": pattern}}
    assert shop.mapping(PRODUCTS | {"columns": columns}).sources[0].columns["at"].format == pattern


def test_two_rules_cannot_give_one_id_to_two_events(shop: Any) -> None:
    rule = {"product": "id", "user": "title", "behaviour": {"constant": "view"}, "time": "at", "id": "id"}
    columns = PRODUCTS["columns"] | {"at": {"type": "datetime"}}
    message = _mistakes(shop, PRODUCTS | {"columns": columns, "events": [rule, rule]})
    assert "sources[0].events[1].id: another rule takes id too" in message


def test_a_word_stands_for_one_category(shop: Any) -> None:
    tree = {"Kitchen": {"Mugs": ["mug"], "Cups": ["cup", "mugs"]}, "mugs": {}}
    message = _mistakes(shop, PRODUCTS, categories={"from": "titel", "tree": tree, "motifs": {"Birds": ["owl"]}})
    assert "categories.from: no source gives products a titel; there is price, title. Did you mean title?" in message
    assert "categories.tree.Kitchen.Cups: mugs is in Mugs too" in message
    assert "categories.tree.mugs: its id mugs is that of Mugs too" in message
    assert "categories.motifs.Birds: no category Birds in the tree" in message


def test_lists_may_only_be_ids_and_ends(shop: Any) -> None:
    source = PRODUCTS | {"columns": {"id": "sku", "title": {"split": "|"}, "price": {"type": "float"}}}
    assert "properties.title: title is a list" in _mistakes(shop, source)
