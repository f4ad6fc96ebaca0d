"""How fast packs train here: this sweep's own history where it has one, else a short calibration."""

from collections.abc import Callable, Iterable, Mapping
from statistics import median

from model.data.dataset import DataInfo
from model.errors import InputError
from model.kernels import Kernels
from model.spec import Spec
from orchestrator.grid.trial import Trial
from orchestrator.planning.sharing import Gains
from orchestrator.results.trial_state import TrialState

#: What decides the speed of a cell; its length and hold-out do not, nor does G among group norms.
_Key = tuple[str, str, str, int, str, int, str]

_GUESS = 100.0  # images per second
_CALIBRATIONS = 12  # at most; the cells beyond take the nearest batch size that was measured


def _key(spec: Spec) -> _Key:
    return (spec.dataset, spec.model, spec.shortcut, spec.width, spec.norm, spec.batch_size, spec.precision)


#: Images per second of training: of a cell, so many replicas, on data of that shape, device and threads, and
#: by these kernels.
Calibrate = Callable[[Spec, int, DataInfo, str, int, Kernels | None], float]


def with_evaluation(spec: Spec, train_size: int, test_size: int) -> float:
    """An epoch's work over its training's: evaluation is a forward pass, about a third of a step's work.

    `train_size`, `test_size`: of the whole data set; of small parts of it, evaluation is most of the work.
    """
    return 1 + (spec.holdout or test_size) / (3 * spec.images(train_size))


def calibrate_here(
    spec: Spec, replicas: int, info: DataInfo, device: str, threads: int, kernels: Kernels | None = None
) -> float:
    """Time a few steps on this machine."""
    import torch

    from model.training.calibrate import calibrate

    torch.set_num_threads(threads)
    return calibrate(spec, replicas, info, device, kernels=kernels)


class EstimatedThroughput:
    """Images per second of a pack, evaluation included, all its replicas together. Callable.

    `history`: from `observed`. `device` and `threads`: of one pack. `calibrate`: times training where
    packs will run; None does it here. `calibration`: what a person calls that. `gains`: of packs that share a
    GPU, None where nobody measured them. `kernels`: whose each cell has.
    """

    def __init__(
        self,
        history: Mapping[tuple[_Key, int], float],
        infos: Mapping[str, DataInfo],
        *,
        device: str,
        threads: int,
        calibrate: Calibrate | None = None,
        calibration: str = "a short calibration",
        gains: Gains | None = None,
        kernels: Callable[[Spec], Kernels | None] = lambda _: None,
    ) -> None:
        self._history = dict(history)
        self._infos = infos
        self._device, self._threads = device, threads
        self._measure = calibrate or calibrate_here
        self._calibration = calibration
        self._calibrated: dict[tuple[_Key, int], float] = {}
        self._used_history = False
        self.gains = gains
        self.kernels = kernels
        self.guessed = False  # whether nothing could be timed, so that a figure is no estimate

    @property
    def source(self) -> str:
        """Where the figures asked for so far came from, in words."""
        if not self._calibrated:
            return "this sweep's own history"
        return f"its history and {self._calibration}" if self._used_history else self._calibration

    def __call__(self, spec: Spec, replicas: int) -> float:
        info = self._infos[spec.dataset]
        return self._training(spec, replicas) / with_evaluation(spec, info.train_size, info.test_size)

    def compute_by(
        self, kernels: Callable[[Spec], Kernels | None], timed: Iterable[tuple[Spec, int, float]]
    ) -> None:
        """From here on each cell has these kernels. `timed`: what some train by them: cell, replicas and
        images a second."""
        self.kernels = kernels
        rates = {(_key(spec), replicas): rate for spec, replicas, rate in timed}
        others = {key for key, _ in rates}
        kept = {one: rate for one, rate in self._calibrated.items() if one[0] not in others}
        self._calibrated = {**kept, **rates}

    def _training(self, spec: Spec, replicas: int) -> float:
        """Evaluation not counted."""
        key = _key(spec)
        own = {count: rate for (other, count), rate in self._history.items() if other == key}
        if own:
            self._used_history = True
            return own[min(own, key=lambda count: abs(count - replicas))]
        if self.guessed:
            return _GUESS
        if (key, replicas) not in self._calibrated:
            if len(self._calibrated) >= _CALIBRATIONS:
                return self._nearest(spec, replicas)
            self._calibrated[key, replicas] = self._calibrate(spec, replicas)
        return self._calibrated[key, replicas]

    def _calibrate(self, spec: Spec, replicas: int) -> float:
        info = self._infos[spec.dataset]
        try:
            return self._measure(spec, replicas, info, self._device, self._threads, self.kernels(spec))
        except InputError:
            raise
        except Exception:  # an estimate must not stop a sweep; if training cannot work, the trial says why
            if self._calibrated:
                return self._nearest(spec, replicas)
            self.guessed = True
            return _GUESS

    def _nearest(self, spec: Spec, replicas: int) -> float:
        def distance(entry: tuple[_Key, int]) -> tuple[bool, bool, float]:
            (dataset, model, _, width, norm, batch_size, precision), count = entry
            apart = abs(batch_size - spec.batch_size) + abs(count - replicas)
            other = (dataset, model, width, precision) != (
                spec.dataset,
                spec.model,
                spec.width,
                spec.precision,
            )
            return (other, norm != spec.norm, apart)

        return self._calibrated[min(self._calibrated, key=distance)]


def observed(
    trials: Iterable[Trial], states: Mapping[str, TrialState], evaluation: Callable[[Spec], float]
) -> dict[tuple[_Key, int], float]:
    """Median images per second of training alone, by cell and pack size, from what these trials recorded.

    `evaluation`: an epoch's work over its training's, as `with_evaluation` has it.
    """
    by_cell: dict[tuple[_Key, int], list[float]] = {}
    for trial in trials:
        state = states.get(trial.trial_id)
        if state is None:
            continue
        measured = [state.result] if state.result else state.records
        rates = [float(rate) for entry in measured if (rate := entry.get("images_per_second"))]
        if rates:
            rate = median(rates) * evaluation(trial.spec)
            by_cell.setdefault((_key(trial.spec), len(state.pack)), []).append(rate)
    return {key: median(rates) for key, rates in by_cell.items()}
