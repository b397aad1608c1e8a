"""The web application: routes around one `Runtime`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import explorer, health, images, metrics
from api.auth import Authority
from api.gate import Gate
from api.graphql import http, sockets
from api.graphql.execution import Executor
from api.graphql.limits import Limits
from api.graphql.schema import executable
from api.runtime import Runtime
from api.settings import Settings
from api.telemetry import RequestLog, configure_logging
from api.tracing import Traces

_log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The application with some settings; nothing is opened before it starts."""
    configure_logging()
    runtime = Runtime(settings)
    traces = Traces(settings.traces) if settings.traces else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(runtime.start)
        _log.info("started", store=settings.store_url, home=str(settings.home))
        yield
        await to_thread.run_sync(runtime.stop)
        if traces is not None:
            await to_thread.run_sync(traces.close)

    app = FastAPI(title="Pathrec", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.runtime = runtime
    app.state.authority = authority = Authority(settings)
    app.include_router(health.router())
    app.include_router(metrics.router())
    app.include_router(images.router(settings.images))
    app.include_router(explorer.router())
    executor = Executor(executable(), _limits(settings))
    app.include_router(http.router(executor, settings, traces))
    app.include_router(sockets.router(executor, authority, settings))
    app.add_middleware(Gate, authority=authority, settings=settings)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
        expose_headers=["retry-after", "x-request-id"],
    )
    app.add_middleware(RequestLog)
    return app


def _limits(settings: Settings) -> Limits:
    return Limits(
        depth=settings.max_query_depth,
        root_fields=settings.max_root_fields,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        complexity=settings.max_complexity,
        introspection=settings.introspection,
    )
