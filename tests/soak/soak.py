"""Disturb a sweep again and again, tamper with its files, and compare every number with the undisturbed run.

    python tests/soak/soak.py --rounds 200 --seed 1

From a seed: a sweep of one of the `kinds` is started and disturbed (see `disturbances`: killed anywhere, suspended
while another takes over, its folder or its data changed), perhaps one of its files is spoilt or swapped (`damage`),
and it is started again with the same command, until it finishes. Then every result, every epoch of every history and
every weight's bytes are compared with the undisturbed run's, and its networks are evaluated, disturbed likewise, until
every file of answers is the undisturbed one's too. The folder is thrown away and the next sweep begins, until there
were as many rounds as were asked for: runs that a disturbance struck. The exit code is 1 at the first difference; the
folder is then kept and named.
"""

import argparse
import itertools
import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, whose folder alone is on the path

from orchestrator.results.store import Store
from tests.helpers.numbers_of import numbers
from tests.soak import disturbances, runs
from tests.soak.bench import Bench, answers
from tests.soak.damage import damage, damage_evaluation
from tests.soak.kinds import KINDS
from tests.soak.leavings import bury

#: Exit codes of a run that a disturbance stopped: some trials are not done, interrupted, killed.
_STOPPED = {1, 2, 130, 143, -9, -2, -15}


class Soak:
    def __init__(self, rounds, seed, ray_share, kinds):
        self.bench = Bench(seed)
        self.rounds, self.ray_share, self.kinds = rounds, ray_share, kinds
        self.by, self.damaged, self.sweeps = Counter(), Counter(), Counter()

    @property
    def done(self):
        return sum(self.by.values())

    def run(self):
        """Sweeps until there were enough rounds, of each kind in turn; the exit code."""
        turns = itertools.cycle(self.kinds)
        while self.done < self.rounds or not self.sweeps:
            self.bench.take(next(turns))
            folder = self.bench.root / f"sweep-{self.sweeps.total()}"
            self.sweep(folder, asking=False)
            found, expected = runs.apart(numbers, folder), self.bench.calm.numbers
            if not self._same(folder, found, expected):
                return 1
            self.sweep(folder, asking=True)
            if not self._same(folder, answers(folder), self.bench.calm.answers):
                return 1
            self.sweeps[self.bench.kind.name] += 1
            shutil.rmtree(folder)
            for path in [*self.bench.root.glob("log-*"), *self.bench.root.glob("struck-*")]:
                path.unlink()
            for path in self.bench.root.glob("marks-*"):
                shutil.rmtree(path)
            print(f"{self.done} rounds, {self.sweeps.total()} sweeps equal to the bit", flush=True)
        shutil.rmtree(self.bench.root)
        return 0

    def _same(self, folder, found, expected):
        if found != expected:
            different = [i for i in {*found, *expected} if found.get(i) != expected.get(i)]
            print(f"DIFFERENT in {folder}: {different}", flush=True)
        return found == expected

    def sweep(self, folder, *, asking):
        """Disturb a sweep, or what is then asked of its networks, until a run of it finishes."""
        self.bench.asking = asking
        for _ in range(80):
            code = self.round(folder)
            if (folder / "sweep.json").exists():
                runs.apart(check, folder, self.bench.kind.epochs)
            if code == 0:
                return
            if code not in _STOPPED:
                raise AssertionError(f"exit code {code}:\n{self.bench.log.read_text()[-3000:]}")
            if self.bench.chance.random() < 0.5 and folder.exists():
                self.damage(folder)
        raise AssertionError(f"{folder} does not get to its end:\n{self.bench.log.read_text()[-3000:]}")

    def round(self, folder):
        """One run, disturbed while there are rounds left; its exit code."""
        bench = self.bench
        if self.done >= self.rounds:
            run, _ = bench.start(folder, "inline")
            return run.wait()
        executor = "ray" if bench.chance.random() < self.ray_share else "inline"
        ways = {
            (False, "inline"): disturbances.INLINE,
            (False, "ray"): disturbances.RAY,
            (True, "inline"): disturbances.ASKING_INLINE,
            (True, "ray"): disturbances.ASKING_RAY,
        }
        disturb = bench.chance.choice(ways[bench.asking, executor])
        try:
            code, name = disturb(bench, folder, executor)
        except AssertionError as error:
            raise AssertionError(f"{disturb.__name__} in {folder}: {error}") from None
        if executor == "ray":
            bury(f"NORMSWEEP_CACHE={bench.root}")
        if name:
            what = f"{bench.kind.name}{', networks asked' if bench.asking else ''}"
            self.by[f"{what}, {executor}: {name}"] += 1
        return code

    def damage(self, folder):
        """Damage a file; another sweep's is refused, and taken away again."""
        if self.bench.asking:
            if what := damage_evaluation(folder, self.bench.chance):
                self.damaged[what] += 1
            return
        what, restore = damage(folder, self.bench.calm.other, self.bench.chance)
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


def check(folder, most):
    """No history may ever have a missing or a doubled epoch, nor more than so many."""
    for trial_id, state in Store(str(folder)).scan(history=True).items():
        if state.history is not None:
            epochs = [entry["epoch"] for entry in state.history["epochs"]]
            assert epochs == list(range(1, len(epochs) + 1)), (trial_id, epochs)
            assert len(epochs) <= most, (trial_id, epochs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ray-share", type=float, default=0.02, help="of the runs on Ray; the others inline")
    parser.add_argument("--kinds", default=",".join(kind.name for kind in KINDS), help="of sweeps, in turn")
    arguments = parser.parse_args()
    kinds = [kind for kind in KINDS if kind.name in arguments.kinds.split(",")]
    begun = time.monotonic()
    soak = Soak(arguments.rounds, arguments.seed, arguments.ray_share, kinds)
    try:
        code = soak.run()
    finally:
        outcome = {
            "rounds": soak.done,
            "by": dict(sorted(soak.by.items())),
            "damaged": dict(sorted(soak.damaged.items())),
            "sweeps_equal": soak.sweeps.total(),
            "of": dict(soak.sweeps),
            "seconds": round(time.monotonic() - begun),
            "seed": arguments.seed,
        }
        print(json.dumps(outcome, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
