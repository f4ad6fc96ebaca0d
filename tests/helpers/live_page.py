"""The live page of a results folder, served as `status --serve` does."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.live.server import server


@contextlib.contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port that it listens on."""
    page = server(str(folder), None)
    thread = threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield page.server_port
    finally:
        page.shutdown()
        page.server_close()
        thread.join()


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def state(port: int, query: str = "") -> dict[str, Any]:
    code, _, body = asked(port, f"/state{query}")
    assert code == 200, body
    content: dict[str, Any] = json.loads(body)
    return content
