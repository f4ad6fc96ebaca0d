"""A sweep so small that what remains is the orchestrator: used by the benchmarks, run as a person would.

The real command runs in a process of its own on the real workers, and not a stand-in that trains nothing,
because a stand-in would leave out what is dear: loading torch, building a network, checkpoints and weights
on a disk. Each trial is one step on eight images of 8×8 pixels.

Memory and processor time are the driver's own, read from /proc while it runs; workers and Ray's own
processes are none of it. Where there is no /proc they are 0.
"""

import math
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError
from orchestrator.shadowing import python_m

BATCH_SIZES = (2, 4, 8)
IMAGES = 8
_GRID = """\
blocks:
  - {{dataset: imagefolder, norm: bn, batch_size: {sizes}, epochs: {epochs}, seeds: {seeds}}}
  - {{dataset: imagefolder, norm: gn, groups: 8, batch_size: {sizes}, epochs: {epochs}, seeds: {seeds}}}
"""
_SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class Sample:
    """The driver at a moment. `time`: Unix seconds; `memory` (resident) and `peak`: MB; `cpu`: seconds of
    processor time so far; `load`: the machine's load average over a minute."""

    time: float
    memory: float
    peak: float
    cpu: float
    load: float


@dataclass(frozen=True)
class Ran:
    """A finished run of the command. `begun`: Unix seconds; `seconds`: from start to exit."""

    begun: float
    seconds: float
    samples: tuple[Sample, ...]

    @property
    def peak(self) -> float:
        """The most memory in MB that the driver held; 0 where that cannot be seen."""
        return max((sample.peak for sample in self.samples), default=0.0)

    @property
    def cpu(self) -> float:
        """Seconds of processor time that the driver took; 0 where that cannot be seen."""
        return max((sample.cpu for sample in self.samples), default=0.0)


def grid(folder: Path, name: str, trials: int, *, epochs: int, sizes: Sequence[int] = BATCH_SIZES) -> Path:
    """A grid file of two norms with at least `trials` trials."""
    seeds = math.ceil(trials / (2 * len(sizes)))
    path = folder / f"{name}.yaml"
    path.write_text(_GRID.format(sizes=list(sizes), epochs=epochs, seeds=seeds), encoding="utf-8")
    return path


def images(folder: Path) -> Path:
    """An image folder of two classes, eight images each of 8×8 pixels in both splits."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (2, 2, IMAGES // 2, 8, 8, 3), dtype=np.uint8)
    for split, split_pixels in zip(("train", "test"), pixels, strict=True):
        for label, class_pixels in enumerate(split_pixels):
            target = folder / "images" / split / f"class{label}"
            target.mkdir(parents=True, exist_ok=True)
            for index, image in enumerate(class_pixels):
                Image.fromarray(image).save(target / f"{index}.png")
    return folder / "images"


def run(grid: Path, folder: Path, results: str, *options: str) -> Ran:
    """`python -m orchestrator.run` on `grid`. Raises InputError where it ends with another code than 0."""
    where = ["--grid", str(grid), "--data-dir", str(images(folder)), "--results", results]
    command = [*python_m("orchestrator.run"), *where, *options]
    ran, code, said = watched(command, folder / f"{grid.stem}.log", folder)
    if code:
        raise InputError(f"the sweep ended with exit code {code}: {said}")
    return ran


def watched(command: Sequence[str], log: Path, folder: Path) -> tuple[Ran, int, str]:
    """A command in a process of its own, its exit code and the end of what it said. `log`: where that goes;
    `folder`: where it keeps its cache."""
    environment = {**os.environ, "NORMSWEEP_CACHE": str(folder / "cache"), "RAY_ADDRESS": ""}
    with log.open("wb") as out:
        wall, begun, samples = time.time(), time.perf_counter(), list[Sample]()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            while (code := process.poll()) is None:
                samples += filter(None, [sample(process.pid)])
                time.sleep(_SAMPLE_SECONDS)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        seconds = time.perf_counter() - begun
    said = " ".join(log.read_text(errors="replace").split())[-300:]
    return Ran(wall, seconds, tuple(samples)), code, said


def sample(pid: int) -> Sample | None:
    """A process now; None where it cannot be seen."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        load = os.getloadavg()[0]
    except OSError:
        return None
    megabytes = {
        key: int(line.split()[1]) / 1000
        for line in lines
        for key in ("VmRSS:", "VmHWM:")
        if line.startswith(key)
    }
    if len(megabytes) < 2:
        return None  # it has ended
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime
    return Sample(time.time(), megabytes["VmRSS:"], megabytes["VmHWM:"], cpu, load)
