"""GraphQL over HTTP: one route, JSON in, JSON out, and a page for people in front of a browser."""

import json
import re
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import measuring, metrics
from api.graphql.context import Context
from api.graphql.execution import Executor, Outcome
from api.packing import WORTH, accepts_gzip, packed
from api.services.errors import OverloadedError
from api.services.shop import Shop
from api.settings import Settings
from api.telemetry import request_id
from api.tracing import Traces

_RETRY_SECONDS = 1
_LONGEST = 5_000
_QUICK = 1
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def router(executor: Executor, settings: Settings, traces: Traces | None = None) -> APIRouter:
    """The route `/graphql`."""
    routes = APIRouter()
    limiter = CapacityLimiter(settings.threads)
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
        # Whoever would wait for longer than is worth while had better know at once.
        waiting = limiter.statistics().tasks_waiting
        metrics.WAITING.set(waiting)
        if waiting >= settings.max_waiting:
            return _overloaded()
        deadline = time.monotonic() + settings.request_seconds
        context = Context(shop, request_id(), request.state.caller, deadline)
        traced = partial(traces.add, parent=request.headers.get("traceparent")) if traces is not None else None
        pack = accepts_gzip(request.headers.get("accept-encoding", ""))
        return await to_thread.run_sync(_answer, executor, body, context, traced, pack, limiter=limiter)

    return routes


def _answer(
    executor: Executor, body: bytes, context: Context, traced: Callable[..., None] | None, pack: bool
) -> Response:
    if time.monotonic() > context.deadline:
        return _overloaded()
    asked = _parsed(body)
    if isinstance(asked, Outcome):
        return _response(asked)
    began = time.perf_counter()
    with measuring.request() as measured:
        outcome = executor.execute(asked["query"], asked.get("variables"), asked.get("operationName"), context)
        response = _response(outcome, pack)
    metrics.answered(measured, outcome.field, outcome.code, time.perf_counter() - began)
    if traced is not None:
        traced(measured, field=outcome.field, status=outcome.code, request_id=context.request_id)
    return response


def _parsed(body: bytes) -> dict[str, Any] | Outcome:
    try:
        text = body.decode()  # json would let halves of characters through
        asked = json.loads(text)
        if _HALF.search(text):
            json.dumps(asked, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return _wrong("the body is not JSON in UTF-8")
    if isinstance(asked, list):
        return _wrong("there are no batches; send each query by itself, or several fields in one")
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return _wrong('the body must be an object with a "query"')
    if not isinstance(asked.get("variables"), dict | None):
        return _wrong('"variables" must be an object')
    if _has_long_list(asked.get("variables")):
        return _wrong(f"a list has more than {_LONGEST} entries; send it in parts", code="BAD_USER_INPUT")
    if not isinstance(asked.get("operationName"), str | None):
        return _wrong('"operationName" must be a string')
    return asked


def _has_long_list(value: Any) -> bool:
    """Looked at before anything is made of the entries."""
    if isinstance(value, list):
        return len(value) > _LONGEST or any(_has_long_list(each) for each in value)
    return isinstance(value, dict) and any(_has_long_list(each) for each in value.values())


def _wrong(message: str, status: int = 400, code: str = "BAD_REQUEST") -> Outcome:
    return Outcome({"errors": [{"message": message, "extensions": {"code": code}}]}, status)


def _overloaded() -> Response:
    metrics.REFUSED.labels(OverloadedError.code).inc()
    error = OverloadedError("more is asked than can be answered in time", remedy="try again after Retry-After seconds")
    extensions = {"code": error.code, "remedy": error.remedy}
    response = _response(Outcome({"errors": [{"message": error.message, "extensions": extensions}]}, 503))
    response.headers["retry-after"] = str(_RETRY_SECONDS)
    return response


def _response(outcome: Outcome, pack: bool = False) -> Response:
    content = orjson.dumps(outcome.body)
    headers = {"vary": "accept-encoding"}
    if pack and len(content) >= WORTH:
        # A list with reasons is a fifth of its size at the quickest level already.
        content, headers["content-encoding"] = packed(content, _QUICK), "gzip"
    return Response(content, outcome.status, headers, "application/json")
