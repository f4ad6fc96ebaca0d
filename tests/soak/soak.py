"""Disturb a sweep again and again, tamper with its files, and compare every number with the undisturbed run.

    python tests/soak/soak.py --rounds 200 --seed 1

From a seed: a sweep is started and disturbed (see `disturbances`: killed anywhere, suspended while another takes
over, its folder or its data changed), perhaps one of its files is spoilt or swapped (`damage`), and it is started
again with the same command, until it finishes. Then every result, every epoch of every history and every
weight's bytes are compared with the undisturbed run's, the folder is thrown away and the next sweep begins, until
there were as many rounds as were asked for: runs that a disturbance struck. The exit code is 1 at the first
difference; the folder is then kept and named.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, whose folder alone is on the path

from orchestrator.results.store import Store
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import TWO_PACKS, make_images
from tests.soak import disturbances, runs
from tests.soak.damage import damage
from tests.soak.leavings import bury

TRIALS, EPOCHS = 6, 4
#: Exit codes of a run that a disturbance stopped: some trials are not done, interrupted, killed.
_STOPPED = {1, 2, 130, 143, -9, -2, -15}


class Bench:
    """Where the sweeps lie, and how runs in them are started."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        self.images = make_images(self.root / "images", suffix="bmp")
        self.grid = self.root / "tiny.yaml"
        self.grid.write_text(TWO_PACKS)
        self.length = {"inline": 1.5, "ray": 12.0}
        self._count = itertools.count()
        self.rates = None
        self.log = None
        self.undisturbed = self._calm("undisturbed", self.images)
        self.rates = self.root / "undisturbed"
        self.other = self.root / "other"
        back = self.change_data()
        self._calm("other", self.images)
        back()

    def _calm(self, name, images):
        begun = time.monotonic()
        run, _ = self.start(self.root / name, "inline")
        assert run.wait() == 0, run.said()
        self.length["inline"] = 0.6 * (time.monotonic() - begun)
        found = runs.apart(numbers, self.root / name)
        assert len(found) == TRIALS
        return found

    def folder(self, name):
        path = self.root / f"{name}-{next(self._count)}"
        path.mkdir()
        return path

    def whole(self, folder):
        """Whether the sweep is finished, with the numbers of the undisturbed run."""
        return runs.apart(numbers, folder) == self.undisturbed

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
        arguments = ["--grid", str(self.grid), "--data-dir", str(self.images), "--executor", executor]
        arguments += ["--pack", "3", "--results", str(folder), "--max-failures", "5"]
        arguments += ["--pace-from", str(self.rates)] if self.rates else []
        return runs.start(arguments, environment, self.log, real=executor == "ray"), marker


class Soak:
    def __init__(self, rounds, seed, ray_share):
        self.bench = Bench(seed)
        self.rounds, self.ray_share = rounds, ray_share
        self.by, self.damaged = Counter(), Counter()
        self.sweeps = 0

    @property
    def done(self):
        return sum(self.by.values())

    def run(self):
        """Sweeps until there were enough rounds; the exit code."""
        while self.done < self.rounds or not self.sweeps:
            folder = self.bench.root / f"sweep-{self.sweeps}"
            self.sweep(folder)
            found, expected = runs.apart(numbers, folder), self.bench.undisturbed
            if found != expected:
                different = [i for i in expected if found.get(i) != expected[i]]
                print(f"DIFFERENT in {folder}: {different}", flush=True)
                return 1
            self.sweeps += 1
            shutil.rmtree(folder)
            for path in [*self.bench.root.glob("log-*"), *self.bench.root.glob("struck-*")]:
                path.unlink()
            for path in self.bench.root.glob("marks-*"):
                shutil.rmtree(path)
            print(f"{self.done} rounds, {self.sweeps} sweeps equal to the bit", flush=True)
        shutil.rmtree(self.bench.root)
        return 0

    def sweep(self, folder):
        """Disturb a sweep until a run of it finishes."""
        for _ in range(80):
            code = self.round(folder)
            if (folder / "sweep.json").exists():
                runs.apart(check, folder)
            if code == 0:
                return
            if code not in _STOPPED:
                raise AssertionError(f"exit code {code}:\n{self.bench.log.read_text()[-3000:]}")
            if self.bench.chance.random() < 0.5 and folder.exists():
                self.damage(folder)
        raise AssertionError(f"{folder} does not get to its end:\n{self.bench.log.read_text()[-3000:]}")

    def round(self, folder):
        """One run, disturbed while there are rounds left; its exit code."""
        if self.done >= self.rounds:
            run, _ = self.bench.start(folder, "inline")
            return run.wait()
        executor = "ray" if self.bench.chance.random() < self.ray_share else "inline"
        disturb = self.bench.chance.choice(disturbances.RAY if executor == "ray" else disturbances.INLINE)
        try:
            code, name = disturb(self.bench, folder, executor)
        except AssertionError as error:
            raise AssertionError(f"{disturb.__name__} in {folder}: {error}") from None
        if executor == "ray":
            bury(f"NORMSWEEP_CACHE={self.bench.root}")
        if name:
            self.by[f"{executor}: {name}"] += 1
        return code

    def damage(self, folder):
        """Damage a file; another sweep's is refused, and taken away again."""
        what, restore = damage(folder, self.bench.other, self.bench.chance)
        if what:
            self.damaged[what] += 1
        if restore:
            disturbances.unbelieved()
            run, _ = self.bench.start(folder, "inline")
            code, said = run.wait(), run.said()
            assert (code, "another imagefolder" in said) == (2, True), (
                f"{what}, exit code {code}: {said[-2000:]}"
            )
            restore[0].write_bytes(restore[1])


def check(folder):
    """No history may ever have a missing or a doubled epoch."""
    for trial_id, state in Store(str(folder)).scan(history=True).items():
        if state.history is not None:
            epochs = [entry["epoch"] for entry in state.history["epochs"]]
            assert epochs == list(range(1, len(epochs) + 1)), (trial_id, epochs)
            assert len(epochs) <= EPOCHS, (trial_id, epochs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ray-share", type=float, default=0.02, help="of the runs on Ray; the others inline")
    arguments = parser.parse_args()
    begun = time.monotonic()
    soak = Soak(arguments.rounds, arguments.seed, arguments.ray_share)
    try:
        code = soak.run()
    finally:
        outcome = {
            "rounds": soak.done,
            "by": dict(sorted(soak.by.items())),
            "damaged": dict(sorted(soak.damaged.items())),
            "sweeps_equal": soak.sweeps,
            "seconds": round(time.monotonic() - begun),
            "seed": arguments.seed,
        }
        print(json.dumps(outcome, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
