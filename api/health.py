"""Whether the process lives (/healthz) and whether it can answer (/readyz)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.encoding import EncoderProcess
from api.runtime import Runtime
from graph import StoreError


def router() -> APIRouter:
    """The two routes."""
    routes = APIRouter()

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    def readyz(request: Request) -> JSONResponse:
        found = readiness(request.app.state.runtime)
        caller = request.state.caller
        if caller is None or caller.is_visitor:
            found = _without_problems(found)
        return JSONResponse(found, 200 if found["status"] == "ready" else 503)

    return routes


def readiness(runtime: Runtime) -> dict[str, Any]:
    """What is there and what is not. Store and artifact are needed; without the encoders texts and pictures wait."""
    store, artifact = _store(runtime), _artifact(runtime)
    ready = store["status"] == artifact["status"] == "ready"
    return {
        "status": "ready" if ready else "not ready",
        "store": store,
        "artifact": artifact,
        "encoder": _encoder(runtime.encoder),
        "picture_encoder": _encoder(runtime.pictures),
    }


def _without_problems(found: dict[str, Any]) -> dict[str, Any]:
    """What a stranger may know: a problem names hosts and folders."""
    parts = {name: part for name, part in found.items() if isinstance(part, dict)}
    return found | {name: {k: v for k, v in part.items() if k != "problem"} for name, part in parts.items()}


def _encoder(encoder: EncoderProcess) -> dict[str, Any]:
    """A picture encoder that was never needed is stopped."""
    return {"status": encoder.check(), **({"problem": encoder.problem} if encoder.problem is not None else {})}


def _store(runtime: Runtime) -> dict[str, Any]:
    if runtime.shop is None:
        return {"status": "missing", "problem": runtime.problem}
    try:
        runtime.shop.store.ping()
    except StoreError as error:
        return {"status": "missing", "problem": str(error)}
    return {"status": "ready", "engine": runtime.shop.store.engine}


def _artifact(runtime: Runtime) -> dict[str, Any]:
    live = runtime.shop.live if runtime.shop is not None else None
    state = live.loaded if live is not None else None
    problem = {"problem": live.problem} if live is not None and live.problem else {}
    if state is None:
        return {"status": "missing", **problem}
    # An older model goes on answering while a newer one is refused.
    return {"status": "ready", "model_version": state.model_version, "change_number": state.change, **problem}
