"""An S3 in memory whose writes are conditional, and hosts in a time of their own that talk to it, late.

Each host is a thread, and one runs at a time: the one whose next moment comes first. What takes hours there takes
a moment here, and the same seed gives the same story.
"""

import hashlib
import heapq
import threading
from collections.abc import Callable
from typing import Any


class RefusedError(OSError):
    """As s3fs tells of a condition that does not hold: EINVAL."""

    def __init__(self) -> None:
        super().__init__(22, "At least one of the pre-conditions you specified did not hold")


class ConditionalS3:
    """What `orchestrator.results.bucket` and `files` ask of s3fs. `network`: called before and after each request,
    as one that takes its time."""

    protocol = ("s3", "s3a")

    def __init__(self, network: Callable[[], None] = lambda: None) -> None:
        self._objects: dict[str, bytes] = {}
        self._network = network

    def info(self, path: str, **_: object) -> dict[str, Any]:
        data = self._there(path)
        return {"ETag": _etag(data), "size": len(data), "type": "file"}

    def size(self, path: str) -> int:
        return len(self._there(path))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        return self._there(path)[start:end]

    def pipe_file(
        self, path: str, data: bytes, IfMatch: str | None = None, IfNoneMatch: str | None = None
    ) -> dict[str, str]:
        self._network()
        there = self._objects.get(path)
        if IfMatch is not None and there is None:
            raise FileNotFoundError(path)
        if (IfMatch and there and _etag(there) != IfMatch) or (IfNoneMatch and there is not None):
            raise RefusedError
        self._objects[path] = data
        self._network()
        return {"ETag": _etag(data)}

    def split_path(self, path: str) -> tuple[str, str, None]:
        return "", path, None

    def rm_file(self, path: str) -> None:
        self._network()
        self._objects.pop(path, None)
        self._network()

    def call_s3(self, method: str, *, Bucket: str, Key: str, IfMatch: str) -> None:
        assert method == "delete_object"
        self._network()
        there = self._objects.get(Key)
        if there is None or _etag(there) != IfMatch:
            raise RefusedError
        del self._objects[Key]
        self._network()

    def _there(self, path: str) -> bytes:
        self._network()
        if path not in self._objects:
            raise FileNotFoundError(path)
        data = self._objects[path]
        self._network()
        return data


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


class Hosts:
    """Threads in a time of their own, which `sleep` alone lets pass."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._waiting: list[tuple[float, int, threading.Semaphore]] = []
        self._count = 0
        self._idle = threading.Semaphore(0)
        self.errors: list[BaseException] = []

    def sleep(self, seconds: float) -> None:
        """Let others go on until so much time has passed."""
        turn = threading.Semaphore(0)
        self._wait(seconds, turn)
        self._idle.release()
        turn.acquire()

    def start(self, life: Callable[[], None]) -> None:
        """A host that lives so, from now on. Called before `run`, or by a host."""
        turn = threading.Semaphore(0)

        def begin() -> None:
            turn.acquire()
            try:
                life()
            except BaseException as error:
                self.errors.append(error)
            finally:
                self._idle.release()

        self._wait(0.0, turn)
        threading.Thread(target=begin, daemon=True).start()

    def run(self) -> None:
        """Until every host's life is over. Raises what one of them raised."""
        while self._waiting and not self.errors:
            self.now, _, turn = heapq.heappop(self._waiting)
            turn.release()
            self._idle.acquire()
        if self.errors:
            raise self.errors[0]

    def _wait(self, seconds: float, turn: threading.Semaphore) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (self.now + seconds, self._count, turn))
