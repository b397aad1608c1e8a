"""What Prometheus reads, and the dashboard that shows it."""

import json
import re
from pathlib import Path

import pytest
from keyed_shop import KEYS, Keyed, token
from prometheus_client.parser import text_string_to_metric_families
from served_shop import RECOMMEND, event

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "grafana" / "pathrec.json"
DOCUMENT = ROOT / "docs" / "operations.md"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(keyed: Keyed) -> Samples:
    """Name and labels -> value, read as Prometheus reads them."""
    server = keyed.by(KEYS["server"])
    response = server.http.get(f"{server.url}/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def test_a_request_is_counted_by_field_and_code_and_split_into_parts(keyed: Keyed) -> None:
    server = keyed.by(KEYS["server"])
    before = samples(keyed)
    server.ask(RECOMMEND, audience={"userId": "u6"}, first=5)
    server.post('{ explain(audience: {}, productId: "no such") { score } }')
    server.post("{ product(productId: 1) { title } model { version } }")
    server.post("{ nothing }")
    after = samples(keyed)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    for field, status in (
        ("recommendations", "ok"),
        ("explain", "NOT_FOUND"),
        ("none", "GRAPHQL_VALIDATION_FAILED"),
    ):
        assert more("pathrec_request_seconds_count", field=field, status=status) >= 1
    parts = {
        part: more("pathrec_request_part_seconds_sum", field="recommendations", part=part)
        for part in ("store", "score", "hydrate")
    }
    assert all(seconds > 0 for seconds in parts.values())
    whole = more("pathrec_request_seconds_sum", field="recommendations", status="ok")
    assert sum(parts.values()) == pytest.approx(whole)
    assert more("pathrec_store_call_seconds_count") >= 2


def test_events_are_counted_by_what_became_of_them(keyed: Keyed) -> None:
    server = keyed.by(KEYS["server"])
    before = samples(keyed)
    good = event("p1", "view", userId="u6")
    server.record(good, good, event("no such", userId="u6"))
    after = samples(keyed)
    for outcome in ("accepted", "duplicates", "rejected"):
        found = [value(each, "pathrec_events_total", outcome=outcome) for each in (before, after)]
        assert found[1] == found[0] + 1


def test_what_is_refused_is_counted_by_its_code(keyed: Keyed) -> None:
    before = samples(keyed)
    keyed.by("wrong").post("{ model { version } }")
    after = samples(keyed)
    found = [value(each, "pathrec_refused_requests_total", code="UNAUTHENTICATED") for each in (before, after)]
    assert found[1] == found[0] + 1


def test_model_and_parts_are_told(keyed: Keyed) -> None:
    found = samples(keyed)
    version = keyed.by(KEYS["server"]).ask("{ model { version } }")["model"]["version"]
    assert value(found, "pathrec_model_info", version=version) == 1
    assert value(found, "pathrec_ready", part="store") == value(found, "pathrec_ready", part="model") == 1
    assert value(found, "pathrec_ready", part="text_encoder") == 0
    assert value(found, "pathrec_model_as_of_timestamp_seconds") > 1.6e9


@pytest.mark.parametrize("shown", ["nothing", "key", "token"])
def test_numbers_are_not_for_visitors(keyed: Keyed, shown: str) -> None:
    client = keyed.by({"nothing": None, "key": KEYS["storefront"], "token": token("u6")}[shown])
    assert client.http.get(f"{client.url}/metrics").status_code == (401 if shown == "nothing" else 403)


def test_the_dashboard_shows_only_what_there_is(keyed: Keyed) -> None:
    server = keyed.by(KEYS["server"])
    server.record(event("p1", "view", userId="u6"))
    keyed.by("wrong").post("{ model { version } }")
    there = {name for name, _ in samples(keyed)}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = {n for p in panels for t in p["targets"] for n in re.findall(r"\bpathrec_\w+", t["expr"])}
    assert len(shown) >= 10
    assert shown <= there


def test_the_page_on_operations_lists_every_number(keyed: Keyed) -> None:
    server = keyed.by(KEYS["server"])
    text = server.http.get(f"{server.url}/metrics").text
    kinds = dict(re.findall(r"^# TYPE (pathrec_\w+) (\w+)$", text, re.MULTILINE))
    names = {name for name in kinds if not name.endswith("_created")}
    listed = set(re.findall(r"^\| `(pathrec_\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == names
