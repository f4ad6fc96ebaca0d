"""What is a machine good for, in a few minutes? `python -m model.bench --survey MINUTES --out FILE`.

For a GPU that is lent by the minute: rows in order of importance, each a line of JSON, written at once.
A row that fails is a row with its error. Before every row the clock is asked; a watchdog ends the process
where one hangs. The last lines say what the study would take and which choices won.

Every row has `row`, what it is, and `seconds`, what it took. Rows called `pace` have what the benchmark's
own rows have for a plan (`norm`, `batch_size`, `pack`, `images_per_second`), so `--pace-from FILE.jsonl`
reads the file; where a cell has several, the last counts, which is the one measured beside all others.
"""

import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from model.bench import survey_rows as rows_of
from model.bench.compare import tidy
from model.bench.throughput import BATCH_SIZES, FIG1

Found = dict[str, Any]
#: (name, seconds that must be left, measurement)
Turn = tuple[str, float, Callable[[], Any]]

#: Exit code where the watchdog had to end the process.
HUNG = 3
_OVER = 1.2
#: Seconds that are kept for the profile, which comes last: a profiler slows down what follows it.
_PROFILE = 20.0
_CORNERS = (("gn", 2), ("bn", 2), ("bn", 32), ("gn", 32))


class Survey:
    """Measures until the time is over. `say` gets lines for a person, `out` every row as JSON."""

    def __init__(
        self, device: torch.device, minutes: float, out: str | None, say: Callable[[str], None]
    ) -> None:
        self.device, self.say = device, say
        self.rows: list[Found] = []
        self._out = Path(out) if out else None
        self._begun = time.monotonic()
        self._end = self._begun + 60 * minutes
        self._lock = threading.Lock()
        self._tiny = device.type != "cuda"
        self._over = threading.Event()

    def run(self) -> list[Found]:
        limit = max(10.0, _OVER * (self._end - self._begun))
        watch = threading.Thread(target=self._watch, args=(limit,), name="watchdog", daemon=True)
        watch.start()
        # Should a call hang that keeps the interpreter, no thread of ours can end it; this can.
        faulthandler.dump_traceback_later(limit + 10, exit=True, file=sys.__stderr__ or 2)
        try:
            for turn in self._turns():
                self._turn(*turn)
            self.table()
        finally:
            self._over.set()
            faulthandler.cancel_dump_traceback_later()
        return self.rows

    @property
    def left(self) -> float:
        return self._end - time.monotonic()

    def _turns(self) -> Iterator[Turn]:
        """The most important first."""
        device, tiny = self.device, self._tiny
        packs = rows_of.Packs(rows_of.images(tiny), device, tiny)
        yield "environment", 0, partial(rows_of.environment, device)
        yield "limits", 5, partial(rows_of.limits_of, device)
        yield "check", 10, partial(rows_of.check, device)
        for norm, batch_size in _CORNERS:
            yield "pace", 8, partial(packs.alone, norm, batch_size, 5)
        yield "start of all cells", 40, packs.start
        if not tiny:
            for norm in ("bn", "gn"):
                for batch_size in BATCH_SIZES:
                    yield "pace", 15, partial(packs.alone, norm, batch_size, 5)
            yield "side by side, all cells", 20, partial(packs.beside, "mix", 10)
        for batch_size in (2, 32):
            for count in (1, 2) if tiny else (10, 1, 4, 2, 8):
                yield f"side by side, batch {batch_size}", 20, partial(packs.beside, batch_size, count)
        yield "steps a graph", 20, packs.steps_per_graph
        for norm, batch_size in _CORNERS:
            yield "plain loop", 20, partial(packs.plain, norm, batch_size)
        yield "end of side by side", 0, packs.drop
        yield from self._ways(packs)
        yield "cuDNN without search", _PROFILE + 8, partial(packs.unsearched, "gn", 2)
        for norm, batch_size in _CORNERS:
            yield "profile", 3, partial(packs.profile, norm, batch_size)

    def _ways(self, packs: rows_of.Packs) -> Iterator[Turn]:
        for way in rows_of.ways(self.device):
            if way.compiled:  # a minute each: one must do
                yield "way", _PROFILE + 75, partial(packs.alone, "gn", 2, 5, way)
                continue
            for norm, batch_size in _CORNERS:
                yield "way", _PROFILE + 8, partial(packs.alone, norm, batch_size, 5, way)

    def _turn(self, name: str, least: float, measure: Callable[[], Any]) -> None:
        if self.left < (min(least, 1) if self._tiny else least) or self.left <= 0:
            self.add({"row": name, "error": "not measured: out of time"})
            return
        begun = time.monotonic()
        try:
            found = measure()
        except Exception as error:  # what this machine cannot do is a finding too
            found = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
            tidy(self.device)
        seconds = round(time.monotonic() - begun, 2)
        for one in found if isinstance(found, list) else [found]:
            self.add({"row": name, **one, "seconds": seconds})

    def add(self, row: Found) -> None:
        with self._lock:
            self.rows.append(row)
            line = json.dumps(row)
            if self._out:
                with self._out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
        self.say(line)

    def _watch(self, seconds: float) -> None:
        if self._over.wait(seconds):
            return
        self.add(
            {"row": "watchdog", "error": f"ended after {seconds:.0f} s: the row after the last one hangs"}
        )
        self.table()
        os._exit(HUNG)

    def table(self) -> None:
        for line in summary(self.rows):
            self.say(line)


def summary(rows: Sequence[Found]) -> Iterator[str]:
    """What fig1 would take, and the best choices found."""
    seeds, epochs, train, _ = FIG1
    alone = _rates(rows, beside=False)
    together = _rates(rows, beside=True)
    work = {
        (norm, size): seeds * epochs * (train // size * size) for norm in ("bn", "gn") for size in BATCH_SIZES
    }
    yield "norm  batch  µs a step  images/s alone  images/s beside all"
    for norm, size in work:
        if (norm, size) in alone:
            step = 1e6 * seeds * size / alone[norm, size]
            beside = together.get((norm, size), float("nan"))
            yield f"{norm:4}  {size:5}  {step:9.0f}  {alone[norm, size]:14.0f}  {beside:19.0f}"
    if len(alone) == len(work):
        one = {cell: work[cell] / alone[cell] for cell in work}
        hours = sum(one.values()) / 3600
        yield f"fig1 (50 trials, 100 epochs) without evaluation: {hours:.2f} h one pack at a time"
        if len(together) == len(work):
            last = max(work[cell] / together[cell] for cell in work) / 3600
            yield (
                f"  ten side by side: at most {last:.2f} h (each to its end as slow as beside all others), "
                f"at least {max(one.values()) / 3600:.2f} h (the longest pack alone)"
            )
    for name in dict.fromkeys(row["row"] for row in rows if str(row["row"]).startswith("side by side")):
        found = [row for row in rows if row["row"] == name and "images_per_second" in row]
        if found:
            best = max(found, key=lambda row: row["images_per_second"])
            yield f"best {name}: {best['packs']} packs, {best['images_per_second']:.0f} images/s"
    timed = [
        row for row in rows if row["row"] in ("pace", "way") and "us_per_step" in row and "beside" not in row
    ]
    for cell in dict.fromkeys((row["norm"], row["batch_size"], row["pack"]) for row in timed):
        ranked = sorted(
            (row for row in timed if (row["norm"], row["batch_size"], row["pack"]) == cell),
            key=lambda row: row["us_per_step"],
        )
        words = [f"{row['way']} {row['us_per_step']:.0f}" for row in ranked[:4]]
        yield f"{cell[0]} batch {cell[1]} pack {cell[2]}, µs a step: {', '.join(words)}"
    failed = [row for row in rows if "error" in row]
    yield f"{len(rows)} rows, {len(failed)} without a measurement"


def _rates(rows: Sequence[Found], *, beside: bool) -> dict[tuple[str, int], float]:
    """By norm and batch size; the last of each cell counts."""
    return {
        (row["norm"], row["batch_size"]): row["images_per_second"]
        for row in rows
        if row["row"] == "pace" and "images_per_second" in row and ("beside" in row) == beside
    }
