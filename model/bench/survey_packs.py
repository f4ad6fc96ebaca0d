"""Rows of `model.bench.survey` about packs in training: alone, side by side, by other variants."""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch.profiler import ProfilerActivity, profile

from model.bench.survey_rows import SurveyRow, cell
from model.bench.throughput import BATCH_SIZES, plain_loop, timed
from model.bench.variants import DEFAULT, Variant, training
from model.data.dataset import DataInfo, Dataset
from model.starts import STARTS
from model.streams import free_memory
from model.training.calibrate import noise
from model.training.graphs import CudaGraphs
from model.training.training import Training

REPLICAS = 5
#: Norm, batch size, and a number: of packs of one cell side by side.
Key = tuple[str, int, int]


def images(tiny: bool) -> Dataset:
    """Random images; enough that what is done once an epoch weighs little."""
    if tiny:
        return noise(128, 50, DataInfo("noise", 128, 50, 3, 8, 8, ("a", "b", "c"), "0" * 12))
    return noise(16_384, 2000)


def variants(device: torch.device) -> Iterator[Variant]:
    """What is compared with the default, the most promising first."""
    if device.type != "cuda":
        yield Variant(precision="bf16")
        yield Variant("grouped")
        return
    yield Variant(aside=True)
    yield Variant(precision="tf32")
    yield Variant(precision="bf16")
    yield Variant("grouped")
    yield Variant("grouped", "bf16")
    yield Variant("grouped", "tf32")
    yield Variant("grouped", layout="nhwc")


#: A pack of every cell of fig1.
_ALL_CELLS: list[Key] = [(norm, size, 0) for size in BATCH_SIZES for norm in ("bn", "gn")]


class Packs:
    """Packs in training, kept where several rows need them."""

    def __init__(self, data: Dataset, device: torch.device, tiny: bool) -> None:
        self.data, self.device, self.tiny = data, device, tiny
        self._seconds = 0.1 if tiny else 0.8
        self._kept: dict[Key, Training] = {}
        #: Images a second of a pack that had the device to itself, by norm and batch size.
        self._alone: dict[tuple[str, int], float] = {}

    def start(self) -> SurveyRow:
        """The cells that have not begun begin at once in threads, as in a sweep: can they?"""
        keys = [key for key in _ALL_CELLS if key not in self._kept][: 2 if self.tiny else None]
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(keys)) as pool:
            list(pool.map(self._together, keys))
        row: SurveyRow = {"packs": len(keys), "start_seconds": round(time.perf_counter() - begun, 2)}
        if self.device.type == "cuda":
            row["reserved_gib"] = self._reserved_gib()
        return row

    def alone(
        self, norm: str, batch_size: int, variant: Variant = DEFAULT, *, search: bool = True
    ) -> SurveyRow:
        """One pack with the device to itself."""
        kept = variant == DEFAULT and search
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
            held = torch.cuda.memory_allocated(self.device)
        begun = time.perf_counter()
        key = (norm, batch_size, 0)
        trained = self._pack(key) if kept else self._begun(norm, batch_size, variant, search=search)
        start = time.perf_counter() - begun
        row = {**self._facts(trained), "way": variant.name, **self._rate(trained)}
        if variant == DEFAULT:
            self._alone[norm, batch_size] = row["images_per_second"]
        if cuda:
            peak = torch.cuda.max_memory_allocated(self.device) - held
            row |= {"start_seconds": round(start, 2), "peak_gib": round(peak / 2**30, 3)}
        if not self.tiny:
            row["evaluation_images_per_second"] = self._evaluation_rate(trained)
        del trained
        if not kept:
            free_memory()
        return row

    def beside_all(self) -> list[SurveyRow]:
        """A pack of every cell at once; a row of all, and a "pace" of each."""
        total, rates = self._side_by_side(_ALL_CELLS)
        rows = [total]
        for key, rate in zip(_ALL_CELLS, rates, strict=True):
            pace = {
                "way": DEFAULT.name,
                "beside": len(_ALL_CELLS),
                "images_per_second": round(rate, 1),
                "us_per_step": round(1e6 * REPLICAS * key[1] / rate, 1),
            }
            rows.append({"row": "pace", **self._facts(self._pack(key)), **pace})
        return rows

    def beside(self, batch_size: int, count: int) -> SurveyRow:
        """`count` packs of one batch size, half of them GN and half BN: images a second of all."""
        keys = [(("gn", "bn")[number % 2], batch_size, number // 2) for number in range(count)]
        return self._side_by_side(keys)[0]

    def _side_by_side(self, keys: Sequence[Key]) -> tuple[SurveyRow, list[float]]:
        """Packs in threads, each on its own stream: a row of all, and each one's images a second."""
        for key in [key for key in self._kept if key[2] and key not in keys]:
            del self._kept[key]  # or the memory, and the streams, would be too few
        free_memory()
        packs = [self._pack(key) for key in keys]
        until = time.perf_counter() + (0.2 if self.tiny else 3.0)
        with ThreadPoolExecutor(len(packs)) as pool:
            rates = list(pool.map(lambda pack: self._until(pack, until), packs))
        total: SurveyRow = {"packs": len(packs), "images_per_second": round(sum(rates), 1)}
        alone = [self._alone.get(key[:2]) for key in keys]
        if all(alone):
            gain = sum(rate / one for rate, one in zip(rates, alone, strict=True) if one)
            total["gain"] = round(gain, 3)
        if self.device.type == "cuda":
            total["reserved_gib"] = self._reserved_gib()
        return total, rates

    def steps_per_graph(self) -> list[SurveyRow]:
        """Graphs of a single step, of as many as usual, and of more."""
        if self.device.type != "cuda":
            return []
        rows: list[SurveyRow] = []
        for steps in (1, CudaGraphs().steps, 32):
            trained = self._begun("gn", 2, graphs=CudaGraphs(steps=steps))
            rows.append({**self._facts(trained), "steps_per_graph": steps, **self._rate(trained)})
            del trained
        return rows

    def plain(self, norm: str, batch_size: int) -> SurveyRow:
        """The plain loop of one seed, loader workers included."""
        loop = plain_loop(cell(norm, batch_size), self.data, self.device)
        loop.train_steps(5)
        steps = 4 if self.tiny else 100
        seconds = timed(loop.train_steps, steps)
        del loop
        rate = steps * batch_size / seconds
        return {
            **{"norm": norm, "batch_size": batch_size, "pack": 1},
            "us_per_step": round(1e6 * seconds / steps, 1),
            "images_per_second": round(rate, 1),
        }

    def unsearched(self, norm: str, batch_size: int) -> SurveyRow:
        """cuDNN's first choice instead of its search: does a pack start sooner, and is it slower?"""
        if self.device.type != "cuda":
            return {"error": "CUDA alone"}
        return self.alone(norm, batch_size, search=False)

    def profile(self, norm: str, batch_size: int) -> SurveyRow:
        """Kernels of a step, run uncaptured so that each has its name, and the dearest ten."""
        trained = self._begun(norm, batch_size)
        trained.trace(1)
        activities = [ProfilerActivity.CPU]
        activities += [ProfilerActivity.CUDA] if self.device.type == "cuda" else []
        with profile(activities=activities) as recorded:
            steps = trained.trace(1 if self.tiny else 8)
        by_name: dict[str, list[float]] = {}
        for event in recorded.events() or []:
            if self.device.type != "cuda":
                by_name.setdefault(event.name, []).append(float(event.self_cpu_time_total))
            elif str(event.device_type).endswith("CUDA"):
                by_name.setdefault(event.name, []).append(float(event.time_range.elapsed_us()))
        dearest = sorted(by_name.items(), key=lambda entry: -sum(entry[1]))[:10]
        return {
            **self._facts(trained),
            "kernels_per_step": round(sum(map(len, by_name.values())) / steps, 1),
            "kernel_us_per_step": round(sum(map(sum, by_name.values())) / steps, 1),
            "dearest": [
                [name[:120], round(len(times) / steps, 2), round(sum(times) / steps, 1)]
                for name, times in dearest
            ],
        }

    def drop(self) -> SurveyRow:
        """Forget the packs that were kept."""
        count = len(self._kept)
        self._kept.clear()
        free_memory()
        return {"packs": count}

    # -- below -------------------------------------------------------------------------------------

    def _together(self, key: Key) -> None:
        """As packs of a sweep begin."""
        with STARTS.begun(str(self.device)):
            self._pack(key)

    def _pack(self, key: Key) -> Training:
        if key not in self._kept:
            norm, batch_size, _ = key
            self._kept[key] = self._begun(norm, batch_size)
        return self._kept[key]

    def _begun(
        self,
        norm: str,
        batch_size: int,
        variant: Variant = DEFAULT,
        *,
        graphs: CudaGraphs | None = None,
        search: bool = True,
    ) -> Training:
        """A pack whose kernels are chosen and whose steps are captured."""
        spec = cell(norm, batch_size)
        trained = training(spec, REPLICAS, self.data, self.device, variant, graphs=graphs, search=search)
        trained.train_steps(4 if self.tiny else 16)
        return trained

    def _facts(self, trained: Training) -> SurveyRow:
        """What tells a plan whether a time is one of its cells."""
        spec, info = trained.spec, self.data.info
        return {
            **{name: getattr(spec, name) for name in ("model", "width", "norm", "groups", "precision")},
            "pixels": info.height * info.width,
            "batch_size": spec.batch_size,
            "pack": len(trained.seeds),
            "kernels": trained.kernels,
        }

    def _steps(self, trained: Training) -> int:
        most = len(self.data.train_labels) // trained.spec.batch_size
        return min(most, 4 if self.tiny else 1024)

    def _rate(self, trained: Training) -> SurveyRow:
        steps = self._steps(trained)
        spent: list[float] = []
        while sum(spent) < self._seconds or len(spent) < 2:
            spent.append(timed(trained.train_steps, steps))
        images = trained.spec.batch_size * len(trained.seeds) * steps
        middle = statistics.median(spent)
        return {"us_per_step": round(1e6 * middle / steps, 1), "images_per_second": round(images / middle, 1)}

    def _evaluation_rate(self, trained: Training) -> int:
        begun = time.perf_counter()
        trained.evaluate()
        return round(len(self.data.eval_labels) * len(trained.seeds) / (time.perf_counter() - begun))

    def _reserved_gib(self) -> float:
        return round(torch.cuda.memory_reserved(self.device) / 2**30, 2)

    def _until(self, trained: Training, until: float) -> float:
        """Images a second of this pack, trained until then."""
        steps, done, begun = self._steps(trained), 0, time.perf_counter()
        while True:
            trained.train_steps(steps)
            done += steps
            now = time.perf_counter()
            if now >= until:
                return done * trained.spec.batch_size * len(trained.seeds) / (now - begun)
