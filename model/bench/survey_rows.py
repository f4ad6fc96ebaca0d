"""The measurements of `model.bench.survey`: each gives a row, or several, of plain values."""

import os
import platform
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal

import torch
from torch.profiler import ProfilerActivity, profile

from model.bench import roofline
from model.bench.check import one_norm
from model.bench.compare import tidy
from model.bench.throughput import BATCH_SIZES, plain_loop, timed, training
from model.bench.variants import DEFAULT, Way
from model.data.dataset import DataInfo, Dataset
from model.queues import CUDA_QUEUES
from model.spec import Spec
from model.training import backend, epoch
from model.training.calibrate import noise
from model.training.training import Training

Found = dict[str, Any]
Mix = int | Literal["mix"]

GROUPS = 8
REPLICAS = 5
#: Losses in float32 on two devices after an epoch of a few steps: rounding, which training amplifies.
ROUGH = 1e-2


def images(tiny: bool) -> Dataset:
    """Random images; enough that what is done once an epoch weighs little."""
    if tiny:
        return noise(128, 50, DataInfo("noise", 128, 50, 3, 8, 8, ("a", "b", "c"), "0" * 12))
    return noise(16_384, 2000)


def cell(norm: str, batch_size: int) -> Spec:
    groups = GROUPS if norm == "gn" else None
    return Spec(
        dataset="noise",
        model="resnet20",
        shortcut="projection",
        norm=norm,
        groups=groups,
        batch_size=batch_size,
        recipe="wu2018",
        epochs=1,
        iterations=None,
        holdout=0,
    )


def environment(device: torch.device) -> Found:
    found: Found = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "queues": os.environ.get(CUDA_QUEUES[0]),
    }
    if device.type != "cuda":
        return {**found, "device": device.type}
    properties = torch.cuda.get_device_properties(device)
    free, whole = torch.cuda.mem_get_info(device)
    return {
        **found,
        "device": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory_gib": round(whole / 2**30, 1),
        "free_gib": round(free / 2**30, 1),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "driver": _driver(),
    }


def _driver() -> str | None:
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


def limits_of(device: torch.device) -> Found:
    """The floor of a kernel in a captured chain, copy bandwidth, rates of matrix products."""
    if device.type != "cuda":
        rates = roofline.cpu()
        return {"matmul_gflops": round(rates.matmul, 1), "convolution_gflops": round(rates.convolution, 1)}
    best = roofline.gpu(device)
    found: Found = {"kernel_us": round(best.kernel * 1e6, 3), "copy_gb_s": round(best.bandwidth, 1)}
    before = torch.backends.cuda.matmul.allow_tf32
    try:
        for name, dtype, tf32 in (
            ("fp32", torch.float32, False),
            ("tf32", torch.float32, True),
            ("bf16", torch.bfloat16, False),
        ):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a = torch.randn(4096, 4096, device=device, dtype=dtype)
            seconds = roofline.event_seconds(lambda a=a: torch.mm(a, a))  # type: ignore[misc]
            found[f"{name}_tflops"] = round(2 * 4096**3 / seconds / 1e12, 1)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return found


def check(device: torch.device) -> list[Found]:
    """Does the device train as the CPU does? In float64 to rounding, in float32 roughly."""
    found: list[Found] = []
    data = noise(68, 8, DataInfo("noise", 68, 8, 3, 8, 8, ("a", "b", "c"), "0" * 12))
    for norm in ("bn", "gn"):
        for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, ROUGH)):
            result = one_norm(replace(cell(norm, 8), epochs=2), data, device, dtype)
            found.append(
                {
                    "norm": norm,
                    "dtype": str(dtype).removeprefix("torch."),
                    "difference": result.difference,
                    "passed": result.error is None and result.difference <= tolerance,
                    **({"error": result.error} if result.error else {}),
                }
            )
    return found


def ways(device: torch.device) -> Iterator[Way]:
    """What is compared with the default, the most promising first."""
    if device.type != "cuda":
        yield Way("matmul")
        return
    yield Way("grouped")
    yield Way(precision="tf32")
    yield Way(precision="bf16")
    yield Way("grouped", "tf32")
    yield Way("grouped", "bf16")
    yield Way("streams")
    yield Way("matmul")
    yield Way(compiled=True)
    yield Way("grouped", layout="nhwc")
    yield Way("streams", "tf32", "nhwc")


def _name(way: Way) -> str:
    parts = ["compiled" if way.compiled else way.convolution or "usual", way.precision, way.layout or ""]
    return " ".join(part for part in parts if part)


class Packs:
    """Packs in training, kept where several rows need them."""

    def __init__(self, data: Dataset, device: torch.device, tiny: bool) -> None:
        self.data, self.device, self.tiny = data, device, tiny
        self._seconds = 0.1 if tiny else 0.8
        self._kept: dict[tuple[str, int, int], Training] = {}
        self._started: dict[int, float] = {}

    def start(self) -> Found:
        """The cells that have not begun begin at once in threads, as in a sweep: can they?"""
        cells = [(norm, size) for size in BATCH_SIZES for norm in ("bn", "gn")]
        cells = [one for one in cells if (*one, 0) not in self._kept][: 2 if self.tiny else 10]
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(cells)) as pool:
            list(pool.map(lambda one: self._pack(one[0], one[1], REPLICAS), cells))
        found: Found = {"packs": len(cells), "start_seconds": round(time.perf_counter() - begun, 2)}
        if self.device.type == "cuda":
            found["reserved_gib"] = round(torch.cuda.memory_reserved(self.device) / 2**30, 2)
        return found

    def alone(self, norm: str, batch_size: int, pack: int, way: Way = DEFAULT) -> Found:
        """One pack with the device to itself."""
        if way.compiled:
            torch._dynamo.reset()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            held = torch.cuda.memory_allocated(self.device)
        begun = time.perf_counter()
        kept = way == DEFAULT
        trained = self._pack(norm, batch_size, pack) if kept else self._begun(norm, batch_size, pack, way)
        start = time.perf_counter() - begun
        found = self._rate(trained, self._seconds)
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self.device) - held
            found |= {"start_seconds": round(start, 2), "peak_gib": round(peak / 2**30, 3)}
        begun = time.perf_counter()
        if not self.tiny:
            trained.evaluate()
            images = len(self.data.eval_labels) * pack
            found["evaluation_images_per_second"] = round(images / (time.perf_counter() - begun))
        del trained
        if not kept:
            tidy(self.device)
        return {**_facts(norm, batch_size, pack), "way": _name(way), **found}

    def beside(self, which: Mix, count: int) -> list[Found]:
        """`count` packs in threads, each on its own stream: images a second of all. "mix": every cell."""
        if which == "mix":
            cells = [(norm, size, 0) for size in BATCH_SIZES for norm in ("bn", "gn")]
        else:
            cells = [(("gn", "bn")[number % 2], which, number // 2) for number in range(count)]
        for key in [key for key in self._kept if key[2] and key not in cells]:
            del self._kept[key]  # or the memory, and the streams, would be too few
        tidy(self.device)
        packs = [self._pack(norm, size, REPLICAS, twin) for norm, size, twin in cells[:count]]
        until = time.perf_counter() + (0.2 if self.tiny else 3.0)
        with ThreadPoolExecutor(len(packs)) as pool:
            rates = list(pool.map(lambda one: self._until(one, until), packs))
        total: Found = {"packs": len(packs), "images_per_second": round(sum(rates), 1)}
        if self.device.type == "cuda":
            total["reserved_gib"] = round(torch.cuda.memory_reserved(self.device) / 2**30, 2)
        found = [total]
        if which == "mix":
            for (norm, size, _), rate in zip(cells, rates, strict=True):
                step = round(1e6 * REPLICAS * size / rate, 1)
                facts = _facts(norm, size, REPLICAS)
                found.append(
                    {
                        "row": "pace",
                        **facts,
                        "way": _name(DEFAULT),
                        "beside": count,
                        "images_per_second": round(rate, 1),
                        "us_per_step": step,
                    }
                )
        return found

    def steps_per_graph(self) -> list[Found]:
        """Graphs of a single step, of as many as usual, and of more."""
        if self.device.type != "cuda":
            return []
        usual = epoch.STEPS_PER_GRAPH
        found: list[Found] = []
        for steps in (1, usual, 32):
            epoch.STEPS_PER_GRAPH = steps
            try:
                trained = self._begun("gn", 2, REPLICAS, DEFAULT)
            finally:
                epoch.STEPS_PER_GRAPH = usual
            found.append(
                {**_facts("gn", 2, REPLICAS), "steps_per_graph": steps, **self._rate(trained, self._seconds)}
            )
            del trained
        return found

    def plain(self, norm: str, batch_size: int) -> Found:
        """The plain loop of one seed, loader workers included."""
        loop = plain_loop(cell(norm, batch_size), self.data, self.device)
        loop.train_steps(5)
        steps = 4 if self.tiny else 100
        seconds = timed(loop.train_steps, steps)
        del loop
        rate = steps * batch_size / seconds
        return {
            **_facts(norm, batch_size, 1),
            "us_per_step": round(1e6 * seconds / steps, 1),
            "images_per_second": round(rate, 1),
        }

    def unsearched(self, norm: str, batch_size: int) -> Found:
        """cuDNN's first choice instead of its search: does a pack start sooner, and is it slower?"""
        if self.device.type != "cuda":
            return {"error": "CUDA alone"}
        backend.SEARCH = False
        try:
            return self.alone(norm, batch_size, REPLICAS, DEFAULT)
        finally:
            backend.SEARCH = True

    def profile(self, norm: str, batch_size: int) -> Found:
        """Kernels of a step, run uncaptured so that each has its name, and the dearest ten."""
        trained = self._begun(norm, batch_size, REPLICAS, DEFAULT)
        trained.trace(2)
        activities = [ProfilerActivity.CPU]
        activities += [ProfilerActivity.CUDA] if self.device.type == "cuda" else []
        with profile(activities=activities) as recorded:
            steps = trained.trace(8)
        by_name: dict[str, list[float]] = {}
        for event in recorded.events() or []:
            if self.device.type != "cuda":
                by_name.setdefault(event.name, []).append(float(event.self_cpu_time_total))
            elif str(event.device_type).endswith("CUDA"):
                by_name.setdefault(event.name, []).append(float(event.time_range.elapsed_us()))
        dearest = sorted(by_name.items(), key=lambda entry: -sum(entry[1]))[:10]
        return {
            **_facts(norm, batch_size, REPLICAS),
            "kernels_per_step": round(sum(map(len, by_name.values())) / steps, 1),
            "kernel_us_per_step": round(sum(map(sum, by_name.values())) / steps, 1),
            "dearest": [
                [name[:120], round(len(times) / steps, 2), round(sum(times) / steps, 1)]
                for name, times in dearest
            ],
        }

    def drop(self) -> Found:
        """Forget the packs that were kept."""
        count = len(self._kept)
        self._kept.clear()
        tidy(self.device)
        return {"packs": count}

    # -- below -------------------------------------------------------------------------------------

    def _pack(self, norm: str, batch_size: int, pack: int, twin: int = 0) -> Training:
        key = (norm, batch_size, twin)
        if key not in self._kept:
            self._kept[key] = self._begun(norm, batch_size, pack, DEFAULT)
        return self._kept[key]

    def _begun(self, norm: str, batch_size: int, pack: int, way: Way) -> Training:
        """A pack whose kernels are chosen and whose steps are captured."""
        trained = training(cell(norm, batch_size), pack, self.data, self.device, way)
        trained.train_steps(4 if self.tiny else 16)
        return trained

    def _steps(self, trained: Training) -> int:
        most = len(self.data.train_labels) // trained.spec.batch_size
        return min(most, 4 if self.tiny else 1024)

    def _rate(self, trained: Training, seconds: float) -> Found:
        steps = self._steps(trained)
        spent: list[float] = []
        while sum(spent) < seconds or len(spent) < 2:
            spent.append(timed(trained.train_steps, steps))
        images = trained.spec.batch_size * len(trained.seeds) * steps
        middle = statistics.median(spent)
        return {"us_per_step": round(1e6 * middle / steps, 1), "images_per_second": round(images / middle, 1)}

    def _until(self, trained: Training, until: float) -> float:
        """Images a second of this pack, trained until then."""
        steps, done, begun = self._steps(trained), 0, time.perf_counter()
        while True:
            trained.train_steps(steps)
            done += steps
            now = time.perf_counter()
            if now >= until:
                return done * trained.spec.batch_size * len(trained.seeds) / (now - begun)


def _facts(norm: str, batch_size: int, pack: int) -> Found:
    return {"norm": norm, "groups": GROUPS if norm == "gn" else None, "batch_size": batch_size, "pack": pack}
