"""Kill a sweep again and again, tamper with its files, and compare every number with the undisturbed run.

    python tests/soak/soak.py --kills 200 --seed 1

From a seed: a sweep is started, disturbed (driver, worker or node killed at a random moment, any process
killed at a named write point, a signal), perhaps one of its files is spoilt, and started again with the
same command, until it finishes. Then every result, every epoch of every history and every weight's bytes
are compared with the undisturbed run's, the folder is thrown away and the next sweep begins, until as
many kills have been survived as were asked for. The exit code is 1 at the first difference; the folder
is then kept and named.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a script, whose folder alone is on the path

from orchestrator.results.store import Store  # noqa: E402
from tests.helpers.numbers_of import numbers  # noqa: E402
from tests.helpers.tiny import make_images  # noqa: E402

GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: [4, 2], epochs: 14, seeds: 3}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: 14, seeds: 3}
"""
TRIALS, EPOCHS = 9, 14
KINDS = {  # file kind -> how often it is written in one run, at least about
    "sweep.json": 1,
    "trial.json": 9,
    "lock.json": 1,
    "checkpoint": 120,
    "history.json": 120,
    "weights.pt": 9,
    "result.json": 9,
    "results.csv": 1,
    "report.html": 1,
}
PHASES = ("before", "torn", "after")
#: What is spoilt between two runs. Final weights have no second copy: spoiling them loses them.
SPOILT = (
    "sweep.json",
    "lock.json",
    "results.csv",
    "report.html",
    "trial.json",
    "history.json",
    "result.json",
)
#: What is also spoilt by another trial's whole file of that name, which its id tells apart.
SWAPPED = {"history.json", "result.json", "checkpoint"}


class Soak:
    def __init__(self, kills, seed, ray_share):
        self.random = random.Random(seed)
        self.kills, self.ray_share = kills, ray_share
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        self.images = make_images(self.root / "images")
        (self.root / "tiny.yaml").write_text(GRID)
        self.done = Counter()
        self.spoilt = Counter()
        self.finished = 0
        self.numbers = itertools.count()
        self.length = {"inline": 5.0, "ray": 15.0}

    # -- one run -----------------------------------------------------------------------------------

    def start(self, folder, executor, point="", marker="unused"):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "NORMSWEEP_SOAK_POINT": point,
            "NORMSWEEP_SOAK_ONCE": str(marker),
            "NORMSWEEP_CACHE": str(self.root / "cache"),
            "OMP_NUM_THREADS": "1",
        }
        arguments = ["--grid", str(self.root / "tiny.yaml"), "--data-dir", str(self.images)]
        arguments += ["--executor", executor, "--pack", "3", "--results", str(folder), "--max-failures", "5"]
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator.run", *arguments],
            env=environment,
            stdout=(self.root / "log").open("a"),
            stderr=subprocess.STDOUT,
        )

    def undisturbed(self):
        folder = self.root / "undisturbed"
        begun = time.monotonic()
        assert self.start(folder, "inline").wait() == 0, (self.root / "log").read_text()
        self.length["inline"] = time.monotonic() - begun
        found = numbers(folder)
        assert len(found) == TRIALS
        return found

    def disturb(self, folder):
        """Run once with a disturbance; gives the exit code and what was done."""
        executor = "ray" if self.random.random() < self.ray_share else "inline"
        choices = (
            ["point", "point", "driver", "signal"]
            if executor == "inline"
            else ["point", "driver", "worker", "node"]
        )
        what = self.random.choice(choices)
        point = ""
        if what == "point":
            kind = self.random.choice(list(KINDS))
            point = f"{kind}:{self.random.choice(PHASES)}:{self.random.randint(1, KINDS[kind])}"
        marker = self.root / f"struck-{next(self.numbers)}"
        process = self.start(folder, executor, point, marker)
        name = f"{executor} {what} {point.rpartition(':')[0]}".strip()
        begun = time.monotonic()
        if what != "point":
            self.wait(
                process, self.random.triangular(0.2, self.length[executor], 0.7 * self.length[executor])
            )
        struck = process.poll() is None and self.strike(process, what, folder)
        code = process.wait(timeout=300)
        if code == 0 and not point:
            self.length[executor] = 0.5 * self.length[executor] + 0.5 * (time.monotonic() - begun)
        self.bury(process)
        return code, name if struck or marker.exists() else None

    @staticmethod
    def wait(process, seconds):
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def strike(self, process, what, folder):
        """Kill what is to be killed; false where it was not there."""
        if what == "point":
            return False  # it strikes itself
        if what == "driver":
            process.kill()
            return True
        if what == "signal":
            process.send_signal(self.random.choice([signal.SIGINT, signal.SIGTERM]))
            return True
        words = {"worker": "ray::", "node": "raylet/raylet"}[what]
        victims = [pid for pid, line in family(process.pid).items() if words in line and "Agent" not in line]
        if not victims:
            return False
        try:
            os.kill(self.random.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def bury(self, process):
        """Nothing of a run may write after its end; Ray's leavings are given a moment, then killed."""
        end = time.monotonic() + 20
        while (left := leavings()) and time.monotonic() < end:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)

    # -- between two runs --------------------------------------------------------------------------

    def spoil(self, folder):
        """Spoil one file; gives its kind, None where there is nothing of that kind."""
        kind = self.random.choice([*SPOILT, "checkpoint"])
        pattern = "trials/*/checkpoint-*.pt" if kind == "checkpoint" else f"**/{kind}"
        paths = sorted(folder.glob(pattern))
        if kind == "checkpoint":  # the newest of a trial: the one before is what is fallen back to
            paths = [max(p.parent.glob("checkpoint-*.pt")) for p in paths]
        if not paths:
            return None
        path = self.random.choice(paths)
        data = path.read_bytes()
        others = [p for p in paths if p.parent != path.parent] if kind in SWAPPED else []
        manner = self.random.choice(["truncate", "rubbish", "empty", "flip", *(["swap"] if others else [])])
        if manner == "swap":
            path.write_bytes(self.random.choice(others).read_bytes())
            return f"{kind} by another's"
        if manner == "truncate":
            path.write_bytes(data[: self.random.randrange(len(data) + 1)])
        elif manner == "rubbish":
            path.write_bytes(self.random.randbytes(200))
        elif manner == "empty":
            path.write_bytes(b"")
        elif data:
            where = self.random.randrange(len(data))
            path.write_bytes(data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :])
        return kind

    @staticmethod
    def check(folder):
        """No history may ever have a missing or a doubled epoch."""
        for trial_id, state in Store(str(folder)).scan(history=True).items():
            if state.history is not None:
                epochs = [entry["epoch"] for entry in state.history["epochs"]]
                assert epochs == list(range(1, len(epochs) + 1)), (trial_id, epochs)
                assert len(epochs) <= EPOCHS, (trial_id, epochs)

    # -- the whole ---------------------------------------------------------------------------------

    def run(self):
        expected = self.undisturbed()
        sweeps = 0
        while sum(self.done.values()) < self.kills or not self.finished:
            sweeps += 1
            folder = self.root / f"sweep-{sweeps}"
            self.sweep(folder)
            found = numbers(folder)
            if found != expected:
                different = [i for i in expected if found.get(i) != expected[i]]
                print(f"DIFFERENT in {folder}: {different}", flush=True)
                return 1
            self.finished += 1
            shutil.rmtree(folder)
            print(f"{sum(self.done.values())} kills, {self.finished} sweeps equal to the bit", flush=True)
        shutil.rmtree(self.root)
        return 0

    def sweep(self, folder):
        """Disturb a sweep until a run of it finishes."""
        for _ in range(60):
            calm = sum(self.done.values()) >= self.kills
            code, name = (self.start(folder, "inline").wait(), None) if calm else self.disturb(folder)
            if name:
                self.done[name] += 1
            if (folder / "sweep.json").exists():
                self.check(folder)
            if code == 0:
                return
            if code not in {1, 130, 143, -signal.SIGKILL} and name is None:
                raise AssertionError(f"exit code {code}:\n{(self.root / 'log').read_text()[-3000:]}")
            if self.random.random() < 0.5 and folder.exists() and (kind := self.spoil(folder)):
                self.spoilt[kind] += 1
        raise AssertionError(f"{folder} does not get to its end:\n{(self.root / 'log').read_text()[-3000:]}")


def processes():
    """(pid, parent, command line) of all."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if fields[0] != "Z":
                yield int(entry.name), int(fields[1]), line


def family(root):
    """Everything below a process, with command lines."""
    every = list(processes())
    found, todo = {}, [root]
    while todo:
        parent = todo.pop()
        for pid, above, line in every:
            if above == parent:
                found[pid] = line
                todo.append(pid)
    return found


def leavings():
    """Workers and raylets of dead drivers of this user: what could still write."""
    mark = f"NORMSWEEP_CACHE={os.environ.get('SOAK_ROOT', '')}"
    found = []
    for pid, _, line in processes():
        if ("ray::" in line or "raylet" in line) and pid != os.getpid():
            try:
                if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(pid)
            except OSError:
                continue
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ray-share", type=float, default=0.15, help="of the runs on Ray; the others inline")
    parser.add_argument("--json", action="store_true", help="the count at the end as JSON")
    arguments = parser.parse_args()
    soak = Soak(arguments.kills, arguments.seed, arguments.ray_share)
    os.environ["SOAK_ROOT"] = str(soak.root)
    begun = time.monotonic()
    code = soak.run()
    outcome = {
        "kills": sum(soak.done.values()),
        "by": dict(sorted(soak.done.items())),
        "spoilt": dict(sorted(soak.spoilt.items())),
        "sweeps_equal": soak.finished,
        "seconds": round(time.monotonic() - begun),
        "seed": arguments.seed,
        "outcome": "nothing lost, doubled or changed" if code == 0 else "DIFFERENT",
    }
    print(json.dumps(outcome, indent=1) if arguments.json else outcome)
    return code


if __name__ == "__main__":
    sys.exit(main())
