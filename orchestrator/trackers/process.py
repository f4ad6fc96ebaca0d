"""The process that one tracker lives in: `python -m orchestrator.trackers.process NAME RESULTS`.

A process and no thread, so that a tracker can be slow, crash, hang or print as it likes, with whatever its
library does to signals and at exit, and the sweep goes on. It is told on standard input which trials to look
at, a line each, and reads in the results folder what there is of them; so whoever tells never waits, and one
that falls behind catches up in one step. Where its input ends without a word, the driver was killed, and it
goes at once: the next driver has another.
"""

import json
import os
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Protocol, TextIO

from model.errors import summary
from orchestrator.results.store import Store
from orchestrator.trackers.catalogue import make
from orchestrator.trackers.facts import slug, sweep_facts
from orchestrator.trackers.reconcile import Reconciler

_PATIENCE = 60.0  # seconds that storage which fails is tried again for


class _Told:
    """What the driver has said and was not seen to yet: each trial once, however often it was named."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._news = stream, threading.Condition()
        self._changed: dict[str, None] = {}
        self._stopped: dict[str, None] = {}
        self.over = False
        threading.Thread(target=self._read, name="told", daemon=True).start()

    def _read(self) -> None:
        for line in self._stream:
            said = json.loads(line)
            with self._news:
                self._changed.update(dict.fromkeys(said.get("changed", ())))
                self._stopped.update(dict.fromkeys(said.get("stopped", ())))
                self.over = self.over or "over" in said
                self._news.notify()
        if not self.over:
            os._exit(1)

    def wait(self) -> None:
        """Until there is something to see to."""
        with self._news:
            self._news.wait_for(lambda: self._changed or self._stopped or self.over)

    def take(self) -> tuple[list[str], list[str]]:
        """The trials that changed, and those that stopped."""
        with self._news:
            changed, stopped = list(self._changed), list(self._stopped)
            self._changed, self._stopped = {}, {}
        return changed, stopped


def main(name: str, results: str) -> int:
    out = os.fdopen(os.dup(1), "w", buffering=1)  # libraries print as they like, and that goes to the log

    def say(**message: object) -> None:
        print(json.dumps(message), file=out, flush=True)

    told, log = _Told(sys.stdin), ""
    os.nice(5)  # the cores are the training's
    try:
        store = Store(results, _PATIENCE)
        sweep = store.sweep()
        assert sweep is not None, "it is declared before anything is shown"
        facts = sweep_facts(store, sweep)
        log = _print_to(facts.folder, name)
        tracker = make(name, facts)
        say(where=tracker.where)
        _follow(Reconciler(tracker, store, facts), told, say)
    except BaseException as error:
        traceback.print_exc()
        say(failed=summary(error), log=log)
        return 1
    say(done=True)
    return 0


def _print_to(folder: Path, name: str) -> str:
    """Standard output and error go to a file from here on; gives its path."""
    try:
        (folder / "trackers").mkdir(parents=True, exist_ok=True)
        path = folder / "trackers" / f"{slug(name)}.log"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError:
        file, temporary = tempfile.mkstemp(prefix=f"normsweep-{slug(name)}-", suffix=".log")
        path = Path(temporary)
    os.dup2(file, 1)
    os.dup2(file, 2)
    return str(path)


class _Say(Protocol):
    def __call__(self, **message: object) -> None: ...


def _follow(reconciler: Reconciler, told: _Told, say: _Say) -> None:
    """What is told comes first; between, what the tracker lacks of before."""
    behind = reconciler.behind()
    more: str | None = next(behind, None)
    while True:
        if more is None and not told.over:
            told.wait()
        changed, stopped = told.take()
        reconciler.update(changed)
        reconciler.stop(stopped)
        if more is not None:
            reconciler.update([more])
            more = next(behind, None)
        elif told.over and not (changed or stopped):
            break
        say(alive=True)
    reconciler.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
