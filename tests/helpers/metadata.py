"""Stand-ins for the metadata services of Amazon (version 2: tokens), Google and Azure, with a notice when they are
told to give one."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar


class _Local(ThreadingHTTPServer):
    """A server of this machine's own. `answering`: its requests."""

    def __init__(self, answering: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Metadata(_Local):
    """`notice`: of the machine's end, as Amazon documents it; None where there is none. `tokens`: given out, of
    which the last alone is good. `asked`: how often for a notice."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.notice: dict[str, str] | None = None
        self.body: bytes | None = None
        self.tokens: list[str] = []
        self.asked = 0


class _Answers(BaseHTTPRequestHandler):
    server: Metadata

    def do_PUT(self) -> None:
        if self.path != "/latest/api/token" or self.headers["X-aws-ec2-metadata-token-ttl-seconds"] is None:
            return self._answer(400)
        self.server.tokens.append(f"token-{len(self.server.tokens)}")
        return self._answer(200, self.server.tokens[-1].encode())

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.headers["X-aws-ec2-metadata-token"] != self.server.tokens[-1]:
            return self._answer(401)
        if self.path != "/latest/meta-data/spot/instance-action" or self.server.notice is None:
            return self._answer(404)
        return self._answer(200, self.server.body or json.dumps(self.server.notice).encode())

    def _answer(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Elsewhere(_Local):
    """Another cloud's. `answers`: a body, with headers of its own, by path; 404 for others. `wants`: a header
    without which nothing is answered. `speaks`: what it says to everything instead, which may be no HTTP."""

    def __init__(self, wants: tuple[str, str]) -> None:
        super().__init__(_AnswersElsewhere)
        self.wants = wants
        self.answers: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.speaks: bytes | None = None


class _AnswersElsewhere(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        if self.server.speaks is not None:
            self.wfile.write(self.server.speaks)
            return
        name, value = self.server.wants
        body, headers = self.server.answers.get(self.path, (b"", {}))
        asked_well = self.headers[name] == value and "X-Forwarded-For" not in self.headers
        self.send_response(200 if body and asked_well else 404)
        for one in headers.items():
            self.send_header(*one)
        self.send_header("Content-Length", str(len(body) if asked_well else 0))
        self.end_headers()
        self.wfile.write(body if asked_well else b"")

    def log_message(self, *_: object) -> None: ...


class Google(Elsewhere):
    """`preempted`: what it says, as Compute Engine documents it."""

    PATH = "/computeMetadata/v1/instance/preempted"

    def __init__(self) -> None:
        super().__init__(("Metadata-Flavor", "Google"))
        self.says(b"FALSE")

    def says(self, preempted: bytes, flavor: str = "Google") -> None:
        self.answers[self.PATH] = (preempted, {"Metadata-Flavor": flavor})


class Azure(Elsewhere):
    """A machine called normsweep_0, with these events, as Azure documents them."""

    def __init__(self) -> None:
        super().__init__(("Metadata", "true"))
        self.answers["/metadata/instance/compute/name?api-version=2021-02-01&format=text"] = (
            b"normsweep_0",
            {},
        )
        self.says()

    def says(self, *events: dict[str, object], body: bytes | None = None) -> None:
        body = body or json.dumps({"DocumentIncarnation": 1, "Events": events}).encode()
        self.answers["/metadata/scheduledevents?api-version=2020-07-01"] = (body, {})


Server = TypeVar("Server", bound=ThreadingHTTPServer)


@contextlib.contextmanager
def metadata() -> Iterator[Metadata]:
    """Amazon's, which answers."""
    with serving(Metadata()) as server:
        yield server


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    """One that answers."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
