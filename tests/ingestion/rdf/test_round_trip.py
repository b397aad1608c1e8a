"""What was written as RDF comes back as it was, whatever the texts, numbers and times are."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from small_shop import SmallShop

from graph.rdf import Format, event_triples, link_triples, node_triples, write_rdf, write_triples
from ingestion.errors import SourceError
from ingestion.rdf import load_rdf_mapping, read_rdf
from schema.iris import Names
from schema.ontology import Ontology, parse_ontology
from schema.tables import EVENTS, RELATIONS, node_schema
from tests.ingestion.rdf.conftest import NAMES, Reader

FORMATS = ["shop.nt", "shop.ttl", "shop.jsonld", "shop.rdf", "shop.nt.gz"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
MOMENT = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
PROPERTIES = {"s": "string", "n": "integer", "v": "float", "b": "boolean", "t": "datetime"}
OWN = parse_ontology({"nodes": {"Thing": {"properties": PROPERTIES}}}, where="own")
FEW = settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])


@pytest.fixture(scope="module")
def shop() -> SmallShop:
    return SmallShop(
        products=3,
        users=2,
        events=[(0, 1, "purchase", 0.5, "b/1"), (None, 0, "view", 0.25, "b2"), (1, 2, "rating", 0.75, None)],
        edges={
            "COMPLEMENTS": [(0, 1, 1.0), (1, 0, 0.1), (2, 2, 1e-7)],
            "MADE_BY": [(0, 0, 1.0)],
            "KNOWS": [(0, 1, 3.5)],
        },
        nodes={"Brand": ["Müller & Söhne / ..", ".."], "Category": [""]},
        titles=['Tea "pot"\r\n<b>&amp;', None, "\\u0041 'x' \t"],
        countries=["中国", None],
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_snapshot_comes_back_without_loss(shop: SmallShop, reader: Reader, name: str) -> None:
    snapshot = shop.write(reader.folder / "snapshot")
    write_rdf(snapshot, reader.folder / name, names=NAMES)
    found = reader.read(reader.folder / name)
    for label in snapshot.ontology.nodes:
        there = snapshot.nodes(label).sort_by("id").to_pylist()
        assert found.tables[f"nodes.{label}"].to_pylist() == there if there else f"nodes.{label}" not in found.tables
    assert found.rows("relations.COMPLEMENTS") == [
        {"source": "p0", "target": "p1"},
        {"source": "p1", "target": "p0", "weight": pa.scalar(0.1, pa.float32()).as_py()},
        {"source": "p2", "target": "p2", "weight": pa.scalar(1e-7, pa.float32()).as_py()},
    ]
    assert [row["weight"] for row in found.rows("relations.KNOWS")] == [3.5]
    events = found.tables["events"].sort_by("time")
    stored = snapshot.events()
    for column in ("id", "behaviour", "time", "value", "basket", "session"):
        assert events.column(column).to_pylist() == stored.column(column).to_pylist()
    assert events.column("product").to_pylist() == [f"p{n}" for n in stored.column("product").to_pylist()]
    assert events.column("user").to_pylist() == [None, "u0", "u1"]
    assert found.quarantine == []
    assert found.quality.notes == ()


def test_what_is_gathered_on_disk_gives_the_same(
    shop: SmallShop, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.rdf.rows.PARTS", 3)
    write_rdf(shop.write(reader.folder / "snapshot"), reader.folder / "shop.ttl", names=NAMES)
    in_memory, on_disk = (reader.read(reader.folder / "shop.ttl", few=few) for few in (500_000, 4))
    assert in_memory.tables == on_disk.tables
    assert not list((reader.folder / "work").glob(".rdf.*"))


@FEW
@pytest.mark.parametrize("form", ["ntriples", "turtle", "jsonld", "rdfxml"])
@given(data=st.data())
def test_texts_numbers_and_times_come_back_as_they_were(form: Format, data: st.DataObject) -> None:
    text = XML_TEXT if form == "rdfxml" else TEXT
    columns = {"s": text, "n": st.integers(-(2**63), 2**63 - 1), "v": FLOAT, "b": st.booleans(), "t": MOMENT}
    row = st.fixed_dictionaries({name: st.none() | values for name, values in columns.items()})
    nodes = data.draw(st.dictionaries(text, row, min_size=5, max_size=20))
    table = pa.Table.from_pylist(
        [{"id": key} | values for key, values in nodes.items()], schema=node_schema(OWN, "Thing")
    ).sort_by("id")
    (batch,) = table.combine_chunks().to_batches()
    found = _there_and_back(node_triples(OWN, NAMES, "Thing", batch), form, "nodes.Thing", OWN)
    assert found.to_pylist() == table.to_pylist()


WEIGHT = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)


@FEW
@given(links=st.dictionaries(st.tuples(TEXT, TEXT), st.tuples(WEIGHT, st.none() | MOMENT), min_size=4, max_size=20))
def test_weights_and_times_of_links_come_back_as_they_were(links) -> None:
    rows = [{"source": s, "target": t, "weight": w, "time": when} for (s, t), (w, when) in sorted(links.items())]
    (batch,) = pa.Table.from_pylist(rows, schema=RELATIONS).to_batches()
    found = _there_and_back(link_triples(OWN, NAMES, "COMPLEMENTS", batch), "turtle", "relations.COMPLEMENTS", OWN)
    # An edge without a weight counts as one of weight 1.
    expected = [row | {"weight": None if row["weight"] == 1.0 else row["weight"]} for row in rows]
    key = lambda row: (row["source"], row["target"])  # noqa: E731
    assert sorted(found.to_pylist(), key=key) == sorted(expected, key=key)


@FEW
@given(ids=st.lists(TEXT, min_size=2, max_size=9, unique=True), basket=st.none() | TEXT, value=st.none() | FLOAT)
def test_events_come_back_as_they_were(ids: list[str], basket: str | None, value: float | None) -> None:
    moment = datetime(2020, 2, 29, 23, 59, 59, 999000, tzinfo=UTC)
    rows = [
        {"id": key, "user": key, "product": key, "behaviour": "view", "time": moment, "value": value, "basket": basket}
        for key in sorted(ids)
    ]
    (batch,) = pa.Table.from_pylist(rows, schema=EVENTS).to_batches()
    found = _there_and_back(event_triples(NAMES, batch), "turtle", "events", OWN)
    assert sorted(found.to_pylist(), key=lambda row: row["id"]) == batch.to_pylist()


def _there_and_back(triples, form: Format, name: str, ontology: Ontology) -> pa.Table:
    suffix = {"ntriples": ".nt", "turtle": ".ttl", "jsonld": ".jsonld", "rdfxml": ".rdf"}[form]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"shop{suffix}"
        write_triples(triples, file, form, NAMES)
        rules = load_rdf_mapping("pathrec", ontology=ontology, names=NAMES)
        end = datetime.max.replace(tzinfo=UTC)
        with read_rdf(file, rules, ontology=ontology, names=NAMES, workdir=Path(folder), now=end) as staged:
            section, _, own = name.partition(".")
            batches = staged.tables.events() if section == "events" else getattr(staged.tables, section)(own)
            return pa.Table.from_batches(list(batches))


def test_a_file_of_another_base_says_so(shop: SmallShop, reader: Reader) -> None:
    write_rdf(shop.write(reader.folder / "snapshot"), reader.folder / "shop.ttl", names=Names("urn:other:"))
    with pytest.raises(
        SourceError, match=r"nothing in it is what the mapping pathrec takes.*urn:other:ontology#.*the base"
    ):
        reader.read(reader.folder / "shop.ttl")
