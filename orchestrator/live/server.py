"""The page's server: the standard library's, on loopback, with five addresses and nothing that writes.

A name of another host is refused, so that a web page which had its own name point here (DNS rebinding) reads
nothing. The report in the folder may be a stranger's: it may run, and reach nothing.
"""

import json
import sys
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


def server(url: str, port: int | None) -> ThreadingHTTPServer:
    """Of the sweep at `url`, listening on 127.0.0.1; run its `serve_forever`. `port`: None takes PORT, or
    any that is free where that is taken. Raises InputError."""
    watch = Watch(url)

    class Handler(_Handler):
        pass

    Handler.watch = watch
    try:
        return _Server(("127.0.0.1", PORT if port is None else port), Handler)
    except OSError as error:
        if port is not None:
            raise InputError(f"port {port} of this machine is not free: {reason(error)}") from None
        return _Server(("127.0.0.1", 0), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is nobody's trouble."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    watch: Watch

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
            view = self.watch.view(query.get("session", [""])[0], int(since) if since.isdecimal() else -1)
        except Exception as error:  # storage that is away comes back
            said = json.dumps({"error": reason(error)})
            return self._answer(503, "application/json", said.encode())
        return self._answer(200, "application/json", json.dumps(view).encode())

    def _report(self) -> None:
        try:
            page = self.watch.report()
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
