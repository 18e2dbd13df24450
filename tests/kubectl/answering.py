"""A small HTTP server on the loopback interface that answers every request with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class Asked(NamedTuple):
    """One request: what it wants, where, and what it brings.  ``content`` is the type of the body."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    content: str
    accepts: str


@contextmanager
def answering(answer: Callable[[Asked], Answer]) -> Iterator[str]:
    """The address of a server that gives these answers, while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def answered(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            code, found = answer(Asked(
                self.command, url.path, {key: values[0] for key, values in parse_qs(url.query).items()},
                json.loads(self.rfile.read(length)) if length else None, self.headers.get("Content-Type", ""),
                self.headers.get("Accept", "")))
            data = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answered  # noqa: N815 # the names that the server asks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
