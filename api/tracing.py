"""Traces of GraphQL requests by OpenTelemetry, for whoever sets an address for them.

A request becomes one span, with one below it for each call to the store and each scoring; they are made when the
request is over, from what `api.measuring` kept, so that a request pays nothing for them while it runs. Without an
address nothing of OpenTelemetry's SDK is imported.
"""

from typing import Any

from api.measuring import Request
from schema.errors import PathrecError

_NANO = 1_000_000_000


class TracingError(PathrecError):
    """Traces are asked for and cannot be made."""


class Traces:
    """Sends spans to a collector, some at a time, from a thread of its own."""

    def __init__(self, address: str) -> None:
        """Args:
        address: where a collector takes OTLP over HTTP, as `http://localhost:4318/v1/traces`.

        Raises:
            TracingError: the packages for it are not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingError(
                f"PATHREC_TRACES is set and {error.name} is not installed; install pathrec[traces] or unset it"
            ) from error
        self._provider = TracerProvider(resource=Resource.create({"service.name": "pathrec"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
        self._tracer = self._provider.get_tracer("pathrec")

    def add(self, measured: Request, *, field: str, status: str, request_id: str, parent: str | None) -> None:
        """Makes the spans of a request that is over.

        Args:
            measured: its parts.
            field, status: root field and code of the first error, as in the metrics.
            request_id: as in the log.
            parent: the `traceparent` header it came with.
        """
        from opentelemetry.trace import SpanKind, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {})
        attributes = {"graphql.field": field, "pathrec.status": status, "pathrec.request_id": request_id}
        began = int(measured.began * _NANO)
        span = self._tracer.start_span(
            f"graphql {field}", above, kind=SpanKind.SERVER, attributes=attributes, start_time=began
        )
        within: Any = set_span_in_context(span)
        for part in measured.parts:
            child = self._tracer.start_span(part.name, within, start_time=int(part.began * _NANO))
            child.end(int((part.began + part.seconds) * _NANO))
        span.end()

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()
