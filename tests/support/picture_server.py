"""A web server on loopback that behaves well, or as badly as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What the server gives: a status, headers, and pieces of a body with a pause before each."""

    body: tuple[bytes, ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0


@dataclass
class PictureServer:
    """Pages by path, and which requests came in: path and headers."""

    url: str
    pages: dict[str, Page]
    asked: list[tuple[str, dict[str, str]]]


@contextmanager
def serving(pages: dict[str, Page]) -> Iterator[PictureServer]:
    """The server, for as long as the block lasts."""
    asked: list[tuple[str, dict[str, str]]] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = pages.get(self.path, Page(status=404))
            etag = page.headers.get("ETag")
            if etag and self.headers.get("If-None-Match") == etag:
                page = Page(status=304)
            self.send_response(page.status)
            length = str(sum(map(len, page.body)))
            for name, value in ({"Content-Length": length} | page.headers).items():
                self.send_header(name, value)
            self.end_headers()
            for piece in page.body:
                if page.pause and over.wait(page.pause):
                    break
                try:
                    self.wfile.write(piece)
                except OSError:  # whoever asked has gone
                    self.close_connection = True
                    break
            if page.headers.get("Content-Length", length) != length:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield PictureServer(f"http://127.0.0.1:{server.server_address[1]}", pages, asked)
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
