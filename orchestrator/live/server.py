"""The page's server: the standard library's, on loopback, with five addresses and nothing that writes.

A name of another host is refused, so that a web page which had its own name point here (DNS rebinding) reads
nothing. The report in the folder may be a stranger's: it may run, and reach nothing.
"""

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from model.errors import InputError, reason
from orchestrator.live.watch import Watch

PORT = 8420
_HOSTS = {"localhost", "127.0.0.1", "::1"}
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:"
)
#: For the report, which has a stricter one of its own.
_OFFLINE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def server(url: str, port: int | None) -> "PageServer":
    """Of the sweep at `url`, listening on 127.0.0.1; run its `serve_forever`. `port`: see `listen`. Raises
    InputError."""
    watch = Watch(url)
    page = listen(port)
    page.watch = watch
    return page


def listen(port: int | None) -> "PageServer":
    """A server that has its port, and is to be given its `watch`. `port`: None takes PORT, or any that is
    free where that is taken. Raises InputError."""
    try:
        return PageServer(("127.0.0.1", PORT if port is None else port), _Handler)
    except OSError as error:
        if port is not None:
            raise InputError(f"port {port} of this machine is not free: {reason(error)}") from None
        return PageServer(("127.0.0.1", 0), _Handler)


@contextmanager
def serving(page: "PageServer", url: str) -> Iterator[None]:
    """The page of the sweep at `url` while the block runs. Raises InputError where there is no sweep yet."""
    page.watch = Watch(url)
    thread = threading.Thread(target=page.serve_forever, name="live page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        page.shutdown()
        thread.join()


class PageServer(ThreadingHTTPServer):
    """`watch`: of the sweep that it shows."""

    daemon_threads = True
    watch: Watch

    @property
    def addresses(self) -> tuple[str, str]:
        """Its address on this machine, and how it is reached from another."""
        port = self.server_port
        return f"http://127.0.0.1:{port}/", f"ssh -N -L {port}:127.0.0.1:{port} {socket.gethostname()}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is nobody's trouble."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """GET and HEAD are all that is answered."""
        if urlsplit(f"//{self.headers.get('Host')}").hostname not in _HOSTS:
            return self._answer(403, "text/plain", b"This page is for localhost alone.\n")
        asked = urlsplit(self.path)
        if asked.path in _FILES:
            name, kind = _FILES[asked.path]
            return self._answer(200, kind, (resources.files(__package__) / name).read_bytes())
        if asked.path == "/state":
            return self._state(parse_qs(asked.query))
        if asked.path == "/report":
            return self._report()
        return self._answer(404, "text/plain", b"There is nothing here.\n")

    do_HEAD = do_GET

    def _state(self, query: dict[str, list[str]]) -> None:
        since = query.get("since", [""])[0]
        try:
            view = self.server.watch.view(
                query.get("session", [""])[0], int(since) if since.isdecimal() else -1
            )
        except Exception as error:  # storage that is away comes back
            said = json.dumps({"error": reason(error)})
            return self._answer(503, "application/json", said.encode())
        return self._answer(200, "application/json", json.dumps(view).encode())

    def _report(self) -> None:
        try:
            page = self.server.watch.report()
        except Exception:
            return self._answer(404, "text/plain", b"There is no report yet.\n")
        return self._answer(200, "text/html; charset=utf-8", page, _OFFLINE)

    def _answer(self, code: int, kind: str, body: bytes, policy: str = _POLICY) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads a line for each question."""
