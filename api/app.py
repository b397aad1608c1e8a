"""The web application: routes around one `Runtime`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from anyio import to_thread
from fastapi import FastAPI

from api import explorer, health, images
from api.gate import Gate
from api.graphql import http
from api.graphql.execution import Executor
from api.graphql.schema import executable
from api.runtime import Runtime
from api.settings import Settings
from api.telemetry import RequestLog, configure_logging

_log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The application with some settings; nothing is opened before it starts."""
    configure_logging()
    runtime = Runtime(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(runtime.start)
        _log.info("started", store=settings.store_url, home=str(settings.home))
        yield
        await to_thread.run_sync(runtime.stop)

    app = FastAPI(title="Pathrec", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.runtime = runtime
    app.include_router(health.router())
    app.include_router(images.router(settings.images))
    app.include_router(explorer.router())
    app.include_router(http.router(Executor(executable(), max_depth=settings.max_query_depth), settings.threads))
    app.add_middleware(Gate, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(RequestLog)
    return app
