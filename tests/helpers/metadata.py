"""A stand-in for EC2's instance metadata service, version 2: tokens, and a notice when it is told to give one."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Metadata(ThreadingHTTPServer):
    """`notice`: of the machine's end, as Amazon documents it; None where there is none. `tokens`: given out, of
    which the last alone is good. `asked`: how often for a notice."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.notice: dict[str, str] | None = None
        self.body: bytes | None = None
        self.tokens: list[str] = []
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


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


@contextlib.contextmanager
def metadata() -> Iterator[Metadata]:
    """One that answers."""
    server = Metadata()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
