"""GraphQL over HTTP: one route, JSON in, JSON out, and a page for people in front of a browser."""

import json
from importlib.resources import files
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.graphql.context import Context
from api.graphql.execution import Executor, Outcome
from api.services.callers import Caller, Role
from api.services.shop import Shop
from api.telemetry import request_id

ROLE_HEADER = "x-pathrec-role"
TRUSTED = Caller(frozenset({Role.STOREFRONT, Role.SERVER}))
EXPERT = Caller(TRUSTED.roles | {Role.EXPERT})


def router(executor: Executor, threads: int) -> APIRouter:
    """The route `/graphql`."""
    routes = APIRouter()
    limiter = CapacityLimiter(threads)
    page = files("api.graphql").joinpath("graphiql.html").read_text(encoding="utf-8")

    @routes.get("/graphql", include_in_schema=False)
    def graphiql() -> HTMLResponse:
        return HTMLResponse(page)

    @routes.post("/graphql")
    async def graphql(request: Request) -> Response:
        body = await request.body()
        # Only this type: a form or plain text could be sent from any web page without asking.
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            return _response(_wrong("send the query as JSON with content-type application/json", 415))
        shop: Shop | None = request.app.state.runtime.shop
        if shop is None:
            return _response(_wrong("the server has no store yet; /readyz says why", 503, "UNAVAILABLE"))
        caller = EXPERT if request.headers.get(ROLE_HEADER) == Role.EXPERT.value else TRUSTED
        context = Context(shop, request_id(), caller)
        return await to_thread.run_sync(_answer, executor, body, context, limiter=limiter)

    return routes


def _answer(executor: Executor, body: bytes, context: Context) -> Response:
    asked = _parsed(body)
    if isinstance(asked, Outcome):
        return _response(asked)
    return _response(executor.execute(asked["query"], asked.get("variables"), asked.get("operationName"), context))


def _parsed(body: bytes) -> dict[str, Any] | Outcome:
    try:
        asked = json.loads(body)
    except ValueError:
        return _wrong("the body is not JSON")
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return _wrong('the body must be an object with a "query"')
    if not isinstance(asked.get("variables"), dict | None):
        return _wrong('"variables" must be an object')
    if not isinstance(asked.get("operationName"), str | None):
        return _wrong('"operationName" must be a string')
    return asked


def _wrong(message: str, status: int = 400, code: str = "BAD_REQUEST") -> Outcome:
    return Outcome({"errors": [{"message": message, "extensions": {"code": code}}]}, status)


def _response(outcome: Outcome) -> Response:
    return Response(orjson.dumps(outcome.body), outcome.status, media_type="application/json")
