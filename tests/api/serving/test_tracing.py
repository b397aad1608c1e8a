"""Traces go to a collector if one is set, and the SDK is not even loaded if none is."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from keyed_shop import KEYS, keyed_here
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """A collector's address, and what it was sent."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            spans.extend(span for r in sent.resource_spans for scope in r.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
        server.shutdown()
        thread.join()


def test_a_request_becomes_a_span_with_its_parts_below(home: Path, untouched: Path) -> None:
    with collector() as (address, spans), keyed_here(home, traces=address) as keyed:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-request-id": "the-request"}
        query = '{ recommendations(audience: {userId: "u1"}, first: 1) { edges { node { title } } } }'
        keyed.by(KEYS["server"]).ask(query, headers)
    whole = next(span for span in spans if span.name == "graphql recommendations")
    parts = [span for span in spans if span.parent_span_id == whole.span_id]
    assert whole.trace_id.hex() == TRACE
    assert {a.key: a.value.string_value for a in whole.attributes} == {
        "graphql.field": "recommendations",
        "pathrec.status": "ok",
        "pathrec.request_id": "the-request",
    }
    assert {part.name for part in parts} == {"store", "score"}
    assert all(whole.start_time_unix_nano <= part.start_time_unix_nano + 1e6 for part in parts)
    assert all(part.end_time_unix_nano <= whole.end_time_unix_nano for part in parts)


def test_without_an_address_nothing_of_the_sdk_is_loaded() -> None:
    code = "import sys, api.server; print(*[name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
