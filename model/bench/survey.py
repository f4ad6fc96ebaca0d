"""What a machine is good for, in a few minutes: `python -m model.bench --survey MINUTES --out FILE`.

For a GPU that is lent by the minute: rows in order of importance, each a line of JSON, written at once.
A row that fails is a row with its error. Before every row the clock is asked; a watchdog ends the process
where one hangs. The last lines say what the study would take and which choices won.

Every row has `row`, what it is, and `seconds`, what it took. Rows called `pace` have what a plan needs of a
cell (network, width, norm, precision, pixels, batch size, replicas, `images_per_second`), alone or `beside`
so many others, so `--pace-from FILE.jsonl` reads the file. Rows called `side by side` have the `gain` of so
many packs: what they do in a second of what each does alone.
"""

import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from model.bench.survey_packs import Packs, images, variants
from model.bench.survey_rows import SurveyRow, check, environment, roofline_row
from model.bench.survey_summary import summary
from model.bench.throughput import BATCH_SIZES
from model.streams import free_memory

#: Exit code where the watchdog had to end the process.
HUNG = 3
#: Of the survey's time after which it does.
_OVERTIME = 1.2
#: Seconds that are kept for the profile, which comes last: a profiler slows down what follows it.
_PROFILE = 20.0
#: Norms and batch sizes that are looked at most closely.
_CORNERS = (("gn", 2), ("bn", 2), ("bn", 32), ("gn", 32))


class Entry(NamedTuple):
    """One thing to measure. `least`: seconds that must be left. `measure` gives a row, or several."""

    name: str
    least: float
    measure: Callable[[], SurveyRow | list[SurveyRow]]


class Survey:
    """Measures until the time is over. `say` gets lines for a person, `out` every row as JSON."""

    def __init__(
        self, device: torch.device, minutes: float, out: str | None, say: Callable[[str], None]
    ) -> None:
        self.device, self.say = device, say
        self.rows: list[SurveyRow] = []
        self._out = Path(out) if out else None
        self._begun = time.monotonic()
        self._end = self._begun + 60 * minutes
        self._lock = threading.Lock()
        self._tiny = device.type != "cuda"
        self._ended = threading.Event()

    def run(self) -> list[SurveyRow]:
        limit = max(10.0, _OVERTIME * (self._end - self._begun))
        watch = threading.Thread(target=self.watch, args=(limit,), name="watchdog", daemon=True)
        watch.start()
        # Should a call hang that keeps the interpreter, no thread of ours can end it; this can.
        faulthandler.dump_traceback_later(limit + 10, exit=True, file=sys.__stderr__ or 2)
        try:
            for entry in self._schedule():
                self.measure(entry)
            self._say_summary()
        finally:
            self._ended.set()
            faulthandler.cancel_dump_traceback_later()
        return self.rows

    def _schedule(self) -> Iterator[Entry]:
        """The most important first."""
        device, tiny = self.device, self._tiny
        packs = Packs(images(tiny), device, tiny)
        yield Entry("environment", 0, partial(environment, device))
        yield Entry("limits", 5, partial(roofline_row, device))
        yield Entry("check", 10, partial(check, device, "gn"))
        for norm, batch_size in _CORNERS:
            yield Entry("pace", 8, partial(packs.alone, norm, batch_size))
            yield Entry("plain loop", 8, partial(packs.plain, norm, batch_size))
        if not tiny:
            for norm in ("bn", "gn"):
                for batch_size in BATCH_SIZES:
                    if (norm, batch_size) not in _CORNERS:
                        yield Entry("pace", 10, partial(packs.alone, norm, batch_size))
            yield Entry("start of all cells", 40, packs.start)
            yield Entry("side by side, all cells", 20, packs.beside_all)
        for count in (1, 2) if tiny else (8, 4, 2, 1):
            for batch_size in (2, 32):
                yield Entry(f"side by side, batch {batch_size}", 20, partial(packs.beside, batch_size, count))
        yield Entry("end of side by side", 0, packs.drop)
        yield Entry("check", 10, partial(check, device, "bn"))
        yield from self._variants(packs)
        yield Entry("steps a graph", 20, packs.steps_per_graph)
        yield Entry("cuDNN without search", _PROFILE + 8, partial(packs.unsearched, "gn", 2))
        for norm, batch_size in _CORNERS:
            yield Entry("profile", 3, partial(packs.profile, norm, batch_size))

    def _variants(self, packs: Packs) -> Iterator[Entry]:
        for variant in variants(self.device):
            for norm, batch_size in _CORNERS:
                yield Entry("way", _PROFILE + 8, partial(packs.alone, norm, batch_size, variant))

    def measure(self, entry: Entry) -> None:
        """Add the rows of an entry; one with the error where it fails or there is no time for it."""
        left = self._end - time.monotonic()
        if left < (min(entry.least, 1) if self._tiny else entry.least) or left <= 0:
            self.add({"row": entry.name, "error": "not measured: out of time"})
            return
        begun = time.monotonic()
        try:
            measured = entry.measure()
        except Exception as error:  # what this machine cannot do is a result too
            measured = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
            free_memory()
        seconds = round(time.monotonic() - begun, 2)
        for row in measured if isinstance(measured, list) else [measured]:
            self.add({"row": entry.name, **row, "seconds": seconds})

    def add(self, row: SurveyRow) -> None:
        with self._lock:
            self.rows.append(row)
            line = json.dumps(row)
            if self._out:
                with self._out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
        self.say(line)

    def watch(self, seconds: float) -> None:
        """End the process after so many seconds, unless the survey ends before."""
        if self._ended.wait(seconds):
            return
        self.add(
            {"row": "watchdog", "error": f"ended after {seconds:.0f} s: the row after the last one hangs"}
        )
        self._say_summary()
        os._exit(HUNG)

    def _say_summary(self) -> None:
        for line in summary(self.rows):
            self.say(line)
