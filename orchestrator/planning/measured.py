"""How fast packs train, from what was measured before: where nothing can be timed, or nothing should be.

Never a guess: a cell that nobody measured is an error. Only the number of replicas may differ from what was
measured, and then the nearest number's rate is taken, as the plan of a real run does.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from model.data.dataset import DataInfo
from model.errors import InputError
from model.plain_file import read_text
from model.spec import Spec
from orchestrator.grid.trial import Trial
from orchestrator.planning.sharing import Gains
from orchestrator.planning.throughput import observed, with_evaluation
from orchestrator.results.store import Store

#: norm, batch size, replicas -> images a second of training, of all replicas together.
Rates = Mapping[tuple[str, int, int], float]
#: What else decides a cell's speed, where a file says it: the axes, and the pixels of an image.
_FACTS = ("model", "width", "precision")


@dataclass(frozen=True)
class Timed:
    """A pack that had its device to itself. `rate`: images a second. `facts`: as far as its file says."""

    norm: str
    batch_size: int
    replicas: int
    rate: float
    facts: Mapping[str, object] = field(default_factory=dict)

    def of(self, spec: Spec, info: DataInfo | None) -> bool:
        """Whether it is of this cell, whatever its replicas are, as far as is said."""
        has: dict[str, object] = {name: getattr(spec, name) for name in _FACTS}
        if info is not None:
            has["pixels"] = info.height * info.width
        same = (self.norm, self.batch_size) == (spec.norm, spec.batch_size)
        return same and all(has.get(name, value) == value for name, value in self.facts.items())

    @property
    def name(self) -> str:
        """The cell, as an error names it."""
        more = [str(self.facts[name]) for name in ("model", "precision") if name in self.facts]
        return " ".join([self.norm, str(self.batch_size), *more])


class MeasuredThroughput:
    """Images per second of a pack, evaluation included, all its replicas together. Callable.

    `gains`: of so many packs side by side on a GPU, where they were measured.
    """

    def __init__(self, timed: Sequence[Timed], source: str, gains: Gains | None = None) -> None:
        self.timed, self.source, self.gains = timed, source, gains

    @classmethod
    def of_rates(cls, rates: Rates, source: str) -> "MeasuredThroughput":
        return cls([Timed(*cell, rate) for cell, rate in rates.items()], source)

    @property
    def rates(self) -> Rates:
        return {(one.norm, one.batch_size, one.replicas): one.rate for one in self.timed}

    def __call__(self, spec: Spec, replicas: int, info: DataInfo) -> float:
        """Raises InputError for a cell that was not measured."""
        training = self.training(spec, replicas, info)
        return training / with_evaluation(spec, info.train_size, info.test_size)

    def training(self, spec: Spec, replicas: int, info: DataInfo | None = None, *_: object) -> float:
        """The same without evaluation, as a calibration would find it: see `throughput`."""
        known = {one.replicas: one.rate for one in self.timed if one.of(spec, info)}
        if not known:
            cells = ", ".join(sorted({one.name for one in self.timed}))
            precision = "" if spec.precision == "fp32" else f" in {spec.precision}"
            raise InputError(
                f"{self.source} has no time of {spec.norm} at batch size {spec.batch_size}{precision} with "
                f"{spec.model} on these images; it has {cells}. Name a file that has it, or narrow the grid."
            )
        return known[min(known, key=lambda n: (abs(n - replicas), n))]


def from_bench(path: str) -> MeasuredThroughput:
    """Of a file that `python -m model.bench` wrote with --json, or with --survey. Raises InputError.

    A survey has a row a line, of many kinds. Those called "pace" are times; of a cell the last counts, but
    those beside other packs only for what that gains.
    """
    try:
        text = read_text(path)
        rows: Any = json.loads(text) if path.endswith(".json") else _rows(text)
        paces = [row for row in rows if row.get("row", "pace") == "pace" and "error" not in row]
        timed = [_timed(row) for row in paces if "beside" not in row]
        gains = _gains(rows, {(one.norm, one.batch_size, one.replicas): one.rate for one in timed})
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not what `python -m model.bench --json` writes: {error!r}") from None
    if not timed or min(one.rate for one in timed) <= 0:
        raise InputError(f"{path} has no rates above zero")
    return MeasuredThroughput(timed, path, gains)


def _rows(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _timed(row: Mapping[str, Any]) -> Timed:
    facts = {name: row[name] for name in (*_FACTS, "pixels") if name in row}
    cell = str(row["norm"]), int(row["batch_size"]), int(row["pack"])
    return Timed(*cell, float(row["images_per_second"]), facts)


def _gains(rows: Iterable[Mapping[str, Any]], alone: Rates) -> Gains | None:
    """By packs side by side, from what each did of what it does alone; of several of a number their mean."""
    beside: dict[int, list[float]] = {}
    said: dict[int, list[float]] = {}
    for row in rows:
        if "gain" in row and "packs" in row:
            said.setdefault(int(row["packs"]), []).append(float(row["gain"]))
        elif row.get("row") == "pace" and "beside" in row and "error" not in row:
            one = _timed(row)
            if rate := alone.get((one.norm, one.batch_size, one.replicas)):
                beside.setdefault(int(row["beside"]), []).append(one.rate / rate)
    found = {packs: sum(shares) for packs, shares in beside.items() if len(shares) == packs}
    found |= {packs: fmean(gains) for packs, gains in said.items()}
    return Gains({**found, 1: 1.0}) if found and min(found.values()) > 0 else None


def of(place: str) -> MeasuredThroughput:
    """Of a benchmark's .json or .jsonl file, or a sweep's results. Raises InputError."""
    return from_bench(place) if place.endswith((".json", ".jsonl")) else from_results(place)


def from_results(url: str) -> MeasuredThroughput:
    """Of a sweep that has run, finished or not. Raises InputError."""
    store = Store(url)
    sweep = store.sweep()
    if sweep is None:
        raise InputError(f"{url} is no sweep: give the folder named by --results")
    trials = [Trial.from_identity(identity) for identity in sweep["trials"].values()]
    evaluation = _evaluation(sweep["data"])
    rates = observed(trials, store.scan(), evaluation)
    kinds = {key[:4] for key, _ in rates}
    if len(kinds) != 1:
        raise InputError(
            f"{url} has {'several data sets or models' if kinds else 'no finished trial'} to time"
        )
    return MeasuredThroughput(
        [Timed(key[4], key[5], n, rate, {"precision": key[6]}) for (key, n), rate in rates.items()], url
    )


def _evaluation(data: Mapping[str, Any]) -> Callable[[Spec], float]:
    def work(spec: Spec) -> float:
        facts = data.get(spec.dataset)
        return with_evaluation(spec, facts["train_size"], facts["test_size"]) if facts else 1.0

    return work
