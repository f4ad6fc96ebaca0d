"""What Ray Tune is told of a pack, by which a person finds the study in it: a trial's config, and its errors.

A Tune trial gets its pack from the dispatcher when its worker asks, and not when Tune makes the trial: Tune
starts trials that wait for a reused worker in no order, and a pack goes to another trial where its node is
lost. So the config is written when the pack is taken. A search algorithm that handed out packs would name
them before, and often wrongly.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from model.spec import AXES, PER_REPLICA
from orchestrator.execution.messages import Message
from orchestrator.grid.trial import Trial
from orchestrator.planning.plan import Pack
from orchestrator.results.records import EpochRecord, Result


def config_of(pack: Pack) -> dict[str, Any]:
    """Every axis of the pack's cell, `seeds` and `trial_ids`, a replica each. An axis in which the replicas
    differ is a list too."""
    config: dict[str, Any] = {name: getattr(pack.trials[0], name) for name in AXES}
    for name in PER_REPLICA:
        own = [getattr(trial, name) for trial in pack.trials]
        if name in config and len(set(own)) > 1:
            config[name] = own
    config["seeds"] = [trial.seed for trial in pack.trials]
    config["trial_ids"] = [trial.trial_id for trial in pack.trials]
    return config


def errors_of(pack: Pack, replicas: Mapping[str, EpochRecord | Result]) -> Message:
    """`errors`: by seed, in percent, None of one that has diverged; `mean_error`: of them, absent where one
    has none. On the images that the sweep judges on, its hold-out where it has one.

    Where a seed stands in the pack several times, with several learning rates say, it is told which.
    """
    errors: dict[str, float | None] = {}
    for trial in pack.trials:
        if (found := replicas.get(trial.trial_id)) is not None:
            error = found["test_error"]
            errors[_label(pack, trial)] = found["val_error"] if error is None else error
    known = [error for error in errors.values() if error is not None]
    if not known or len(known) < len(errors):
        return {"errors": errors}
    return {"errors": errors, "mean_error": sum(known) / len(known)}


def _label(pack: Pack, trial: Trial) -> str:
    """A replica of a pack, as short as it is told from the others."""
    differing = [name for name in PER_REPLICA if len({getattr(other, name) for other in pack.trials}) > 1]
    return " ".join([f"seed {trial.seed}", *(f"{name} {getattr(trial, name)}" for name in differing)])


def name_pack(trial: TuneTrial, pack: Pack | None) -> None:
    """Say of a Tune trial which pack it trains; None of one that has none any more."""
    trial.set_config({} if pack is None else config_of(pack))
    trial.evaluated_params = trial.config  # TensorBoard's hyperparameters, in Ray's own callback
    trial.custom_trial_name = None if pack is None else pack.name


class Unkept:
    """Tune pickles what it is given to restore an experiment; we restore from the store alone."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return (object, ())


class Configured(Unkept, tune.Callback):  # type: ignore[misc]
    """Puts the config that the driver wrote into the last report, where `Result.config` looks for it. Behind
    what logs reports, whose every line would have it."""

    def on_trial_result(self, *, trial: TuneTrial, result: dict[str, Any], **_: object) -> None:
        result["config"] = trial.config


class OfPacks(Unkept, tune.Callback):  # type: ignore[misc]
    """A callback of Ray's that is told of packs alone: of a trial when its worker has taken a pack, so that
    its config is there, and of reports that have errors. What our workers report beside is no metric."""

    def __init__(self, inner: tune.Callback) -> None:
        self._inner = inner
        self._begun: set[str] = set()

    def setup(self, **info: Any) -> None:
        self._inner.setup(**info)

    def on_step_begin(self, **info: Any) -> None:
        self._inner.on_step_begin(**info)

    def on_step_end(self, **info: Any) -> None:
        self._inner.on_step_end(**info)

    def on_trial_result(self, *, result: Message, **info: Any) -> None:
        if "started" in result:
            self._begun.add(info["trial"].trial_id)
            self._inner.on_trial_start(**info)
        elif "replicas" in result or "trials" in result:
            self._inner.on_trial_result(result=result, **info)

    def on_trial_complete(self, **info: Any) -> None:
        self._told(self._inner.on_trial_complete, info)

    def on_trial_recover(self, **info: Any) -> None:
        self._told(self._inner.on_trial_recover, info)

    def on_trial_error(self, **info: Any) -> None:
        self._told(self._inner.on_trial_error, info)

    def on_experiment_end(self, **info: Any) -> None:
        self._inner.on_experiment_end(**info)

    def _told(self, hook: Callable[..., None], info: dict[str, Any]) -> None:
        if info["trial"].trial_id in self._begun:
            hook(**info)
