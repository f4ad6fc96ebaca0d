"""How fast packs train, from what was measured before: where nothing can be timed, or nothing should be.

Never a guess: a cell that nobody measured is an error. Only the number of replicas may differ from what was
measured, and then the nearest number's rate is taken, as the plan of a real run does.
"""

import json
from collections.abc import Mapping
from typing import Any

from model.data.dataset import DataInfo
from model.errors import InputError
from model.plain_file import read_text
from model.spec import Spec
from orchestrator.grid.trial import Trial
from orchestrator.planning.throughput import observed, with_evaluation
from orchestrator.results.store import Store

#: norm, batch size, replicas -> images a second of training, of all replicas together.
Rates = Mapping[tuple[str, int, int], float]


class MeasuredThroughput:
    """Images per second of a pack, evaluation included, all its replicas together. Callable."""

    def __init__(self, rates: Rates, source: str) -> None:
        self.rates, self.source = dict(rates), source

    def __call__(self, spec: Spec, replicas: int, info: DataInfo) -> float:
        """Raises InputError for a cell that was not measured."""
        training = self.training(spec, replicas, info)
        return training / with_evaluation(spec, info.train_size, info.test_size)

    def training(self, spec: Spec, replicas: int, *_: object) -> float:
        """The same without evaluation, as a calibration would find it: see `throughput`."""
        known = {
            n: v for (norm, size, n), v in self.rates.items() if (norm, size) == (spec.norm, spec.batch_size)
        }
        if not known:
            cells = ", ".join(sorted({f"{norm} {size}" for norm, size, _ in self.rates}))
            raise InputError(
                f"{self.source} has no time of {spec.norm} at batch size {spec.batch_size}; it has {cells}. "
                "Name a file that has it, or narrow the grid."
            )
        return known[min(known, key=lambda n: (abs(n - replicas), n))]


def from_bench(path: str) -> MeasuredThroughput:
    """Of a file that `python -m model.bench` wrote with --json, or with --survey. Raises InputError.

    A survey has a row a line, of many kinds; those called "pace" are times, the last of a cell counts.
    """
    try:
        text = read_text(path)
        rows: Any = json.loads(text) if path.endswith(".json") else _paces(text)
        rates = {
            (str(row["norm"]), int(row["batch_size"]), int(row["pack"])): float(row["images_per_second"])
            for row in rows
        }
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not what `python -m model.bench --json` writes: {error!r}") from None
    if not rates or min(rates.values()) <= 0:
        raise InputError(f"{path} has no rates above zero")
    return MeasuredThroughput(rates, path)


def _paces(text: str) -> list[Any]:
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [row for row in rows if row.get("row") == "pace" and "error" not in row]


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
    data = sweep["data"]

    def evaluation(spec: Spec) -> float:
        facts = data.get(spec.dataset)
        return with_evaluation(spec, facts["train_size"], facts["test_size"]) if facts else 1.0

    rates = observed(trials, store.scan(), evaluation)
    kinds = {key[:4] for key, _ in rates}
    if len(kinds) != 1:
        raise InputError(
            f"{url} has {'several data sets or models' if kinds else 'no finished trial'} to time"
        )
    return MeasuredThroughput({(key[4], key[5], n): rate for (key, n), rate in rates.items()}, url)
