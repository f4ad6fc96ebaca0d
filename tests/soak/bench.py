"""Where the soaked sweeps lie, how runs in them are started, and what comes of each kind of them undisturbed."""

import itertools
import os
import random
import tempfile
import time
from operator import itemgetter
from pathlib import Path

from orchestrator.results import evaluations
from orchestrator.results.files import Files
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import make_images
from tests.soak import disturbances, runs
from tests.soak.kinds import ASKED


class Bench:
    """Where the sweeps lie, and how runs in them are started.

    `kind`: of the sweep that is disturbed now, and `asking` whether its networks are by now asked.
    """

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        self.images = make_images(self.root / "images", suffix="bmp")
        self._count = itertools.count()
        self._calms = {}
        self.log = self.kind = None
        self.asking = False

    def take(self, kind):
        """From now on sweeps are of this kind; the first time it is run undisturbed."""
        self.kind, self.asking = kind, False
        if kind.name not in self._calms:
            self._calms[kind.name] = None
            self._calms[kind.name] = Calm(self)

    @property
    def calm(self):
        """What came of the sweep undisturbed; None while that is found out."""
        return self._calms[self.kind.name]

    @property
    def length(self):
        """Seconds of a run of the command, about."""
        inline = self.calm.asked_seconds if self.asking else self.calm.seconds
        return {"inline": inline, "ray": 10.5 + inline}

    @property
    def writes(self):
        return {"evaluation": 3 * self.kind.trials} if self.asking else self.kind.writes

    def folder(self, name):
        path = self.root / f"{name}-{next(self._count)}"
        path.mkdir()
        return path

    def whole(self, folder):
        """Whether what is done now is finished, with the numbers of the undisturbed run."""
        if self.asking:
            return answers(folder) == self.calm.answers
        return runs.apart(numbers, folder) == self.calm.numbers

    def begun(self, run, folder):
        """Whether a run has got to the folder."""
        held = disturbances.note(folder).get("pid") == run.pid
        return self.asking or (held and (folder / "sweep.json").exists())

    def change_data(self):
        """Other pixels in one image, whose size and time stay; gives a function that puts them back."""
        path = self.chance.choice(sorted(self.images.rglob("*.bmp")))
        before, facts = path.read_bytes(), path.stat()

        def write(content):
            path.write_bytes(content)
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

        write(before[:-48] + bytes(byte ^ 255 for byte in before[-48:]))
        return lambda: write(before)

    def start(self, folder, executor, *, point="", act="", move=(), host="", marks="", patience=5.0):
        """A run in a folder, and the file that is there once its point was met."""
        number = next(self._count)
        marker, self.log = self.root / f"struck-{number}", self.root / f"log-{number}"
        self.log.touch()
        environment = {
            "NORMSWEEP_CACHE": str(self.root / "cache"),
            "NORMSWEEP_SOAK_POINT": point,
            "NORMSWEEP_SOAK_ACT": act,
            "NORMSWEEP_SOAK_ONCE": str(marker),
            "NORMSWEEP_SOAK_MOVE": ":".join(map(str, move)),
            "NORMSWEEP_SOAK_HOST": host,
            "NORMSWEEP_SOAK_MARKS": str(marks),
            "NORMSWEEP_SOAK_PATIENCE": str(patience),
        }
        command = "evaluate" if self.asking else "run"
        arguments = [*(self._asks(folder) if self.asking else self._trains(folder)), "--executor", executor]
        return runs.start(command, arguments, environment, self.log, real=executor == "ray"), marker

    def _asks(self, folder):
        return [str(folder), "--data-dir", str(self.images), *ASKED]

    def _trains(self, folder):
        grid = self.root / f"{self.kind.name}.yaml"
        grid.write_text(self.kind.grid)
        arguments = ["--grid", str(grid), "--data-dir", str(self.images), "--pack", "3"]
        arguments += ["--results", str(folder), "--max-failures", "5", *self.kind.more]
        return [*arguments, "--pace-from", str(self.calm.place)] if self.calm else arguments


class Calm:
    """A kind of sweep undisturbed, at `place`: its `numbers` and its networks' `answers`, and how many seconds
    each took, less what starting takes. `other`: the same on other data."""

    def __init__(self, bench):
        self.place, self.other = (bench.root / f"{bench.kind.name}-{name}" for name in ("calm", "other"))
        self.seconds = _undisturbed(bench, self.place)
        self.numbers = runs.apart(numbers, self.place)
        assert len(self.numbers) == bench.kind.trials, (bench.kind.name, len(self.numbers))
        back = bench.change_data()
        _undisturbed(bench, self.other)
        back()
        bench.asking = True
        self.asked_seconds = _undisturbed(bench, self.place)
        self.answers = answers(self.place)
        bench.asking = False


def _undisturbed(bench, folder):
    begun = time.monotonic()
    run, _ = bench.start(folder, "inline")
    assert run.wait() == 0, run.said()
    return 0.6 * (time.monotonic() - begun)


def answers(folder):
    """All that networks answered, and the labels beside, by name; but for what follows from the bytes of their
    weights, in which the times of the training stand, and for where it was computed. Damaged ones by name alone."""
    labels = {path.name: path.read_bytes() for path in folder.glob("evaluations/*.json")}
    records, damaged = evaluations.whole_ones(Files(str(folder)))
    found = [
        (name.rpartition("-")[0], {k: v for k, v in record.items() if k not in {"weights", "provenance"}})
        for name, record in records.items()
    ]
    return {"labels": labels, "damaged": damaged, "records": sorted(found, key=itemgetter(0))}
