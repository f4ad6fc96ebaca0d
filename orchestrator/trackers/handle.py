"""A tracker's process as the driver has it: told through a pipe, never waited for while training.

What is told goes into a set and from there, by a thread, into the pipe; a process that hangs fills its pipe
and holds up nobody.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Protocol


class Say(Protocol):
    """Tells a person a sentence."""

    def __call__(self, text: str, *, warning: bool) -> None: ...


class Handle:
    """One tracker's. `sign`: when it last said something; `ended`: set when it is gone, or left."""

    def __init__(self, name: str, url: str, say: Say) -> None:
        self.name, self._say = name, say
        self.sign, self.ended = time.monotonic(), threading.Event()
        self._left = False
        self._news = threading.Condition()
        self._told: dict[str, dict[str, None]] = {"changed": {}, "stopped": {}}
        self._over = False
        self._process: subprocess.Popen[str] | None = None
        try:
            self._process = process = _start(name, url)
        except OSError as error:
            self.leave(str(error))
            return
        threading.Thread(target=self._write, args=(process.stdin,), name=f"to {name}", daemon=True).start()
        threading.Thread(target=self._read, args=(process,), name=f"from {name}", daemon=True).start()

    def tell(self, word: str, trial_ids: Iterable[str]) -> None:
        with self._news:
            self._told[word].update(dict.fromkeys(trial_ids))
            self._news.notify()

    def over(self) -> None:
        """Nothing more is told."""
        with self._news:
            self._over = True
            self.sign = time.monotonic()
            self._news.notify()

    def leave(self, why: str, log: str = "") -> None:
        """Tell a person why it is left, once."""
        if not self._left:
            self._left = True
            there = f" It printed to {log}." if log else ""
            self._say(
                f"tracker {self.name} is left: {why.rstrip('.')}. The sweep does not need it; run again with "
                f"it, and it gets what it lacks.{there}",
                warning=True,
            )
        self.ended.set()

    def kill(self) -> None:
        """End it and what it has started."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _write(self, pipe: IO[str]) -> None:
        over = False
        with contextlib.suppress(OSError, ValueError):  # it is gone, which `_read` tells
            while not over:
                with self._news:
                    self._news.wait_for(lambda: any(self._told.values()) or self._over)
                    message: dict[str, Any] = {word: list(ids) for word, ids in self._told.items() if ids}
                    over = self._over
                    self._told = {"changed": {}, "stopped": {}}
                if over:
                    message["over"] = True
                pipe.write(json.dumps(message) + "\n")
                pipe.flush()

    def _read(self, process: subprocess.Popen[str]) -> None:
        done = False
        for line in process.stdout or ():
            message = json.loads(line)
            self.sign = time.monotonic()
            if "where" in message:
                self._say(f"{self.name}: {message['where']}", warning=False)
            elif "failed" in message:
                self.leave(message["failed"], message["log"])
            done = done or "done" in message
        code = process.wait()
        if not done and not self.ended.is_set():
            self.leave(f"its process ended with {code}")
        self.ended.set()


def _start(name: str, url: str) -> subprocess.Popen[str]:
    """In a session of its own, where no Ctrl-C reaches it; our packages are found where they are, and none in
    the folder that somebody stands in."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestrator.trackers.process", name, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
        text=True,
    )
