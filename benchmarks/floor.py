"""The floor under `benchmarks.http`: the same model behind one bare FastAPI route, without graph and GraphQL.

    PATHREC_HOME=.pathrec python -m uvicorn --factory benchmarks.floor:app

`POST /top` with `{"user": ID}` answers with the ids of the first 20 products. All histories are read from the store at
the start and kept in memory: nothing of what happens later counts.
"""

from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI

from api import registry
from api.services.live import LiveState, fresh_state
from api.settings import load_settings
from gnn.artifact import load_artifact
from gnn.interests import NOTHING
from gnn.scoring import HistoryRow, bought, top
from graph import Query, Store, connect
from graph.times import from_ms

_HISTORIES = """MATCH (u:User)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
    RETURN u.id AS user, collect([p.id, e.behaviour, e.time]) AS events"""


def app() -> FastAPI:
    """The application, with the published model of the home in the settings."""
    settings = load_settings()
    folder = registry.served(settings.home)
    if folder is None:
        raise SystemExit(f"{settings.home}: no model is published there")
    with connect(settings.store_url) as store:
        state = fresh_state(load_artifact(folder), store)
        histories = read_histories(store)
    routes = FastAPI()

    @routes.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @routes.post("/top")
    async def best(asked: dict[str, Any]) -> list[str]:
        return first(state, histories.get(asked["user"], []), 20)

    return routes


def read_histories(store: Store) -> dict[str, list[HistoryRow]]:
    """What everybody did, by user."""
    histories: dict[str, list[HistoryRow]] = {}
    for row in store.read(Query(_HISTORIES)):
        units: dict[tuple[str, str], list[int]] = {}
        for product, behaviour, time in row["events"]:
            units.setdefault((product, behaviour), []).append(time)
        histories[row["user"]] = [HistoryRow(*unit, len(times), from_ms(max(times))) for unit, times in units.items()]
    return histories


def first(state: LiveState, rows: list[HistoryRow], count: int) -> list[str]:
    """Ids of the best products for a history, best first."""
    scorer = state.scorer
    history = scorer.history(rows)
    scores = state.scores(history, datetime.now(UTC) + state.clock, None, NOTHING)
    allowed = state.shelf.offered & scorer.alive
    allowed &= ~bought(history, scorer.behaviours, scorer.ontology.target_behaviour, scorer.size)
    return [scorer.product_ids[position] for position in top(scores, count, allowed)]
