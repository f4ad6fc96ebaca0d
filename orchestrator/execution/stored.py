"""A trial's network out of its folder, as an ordinary `torch.nn.Module` for an analysis of one's own."""

from typing import TYPE_CHECKING

from model.data.dataset import DataInfo
from model.data.registry import describe
from model.errors import InputError, first_line
from orchestrator.grid.trial import Trial
from orchestrator.results.checkpoint import DamagedError, decode_weights
from orchestrator.results.records import SweepRecord
from orchestrator.results.store import Store

if TYPE_CHECKING:
    from torch import nn


def load_network(results: str, trial_id: str, *, data_dir: str | None = None) -> "nn.Module":
    """The trained network of a finished trial, in evaluation mode, float32, on the CPU.

    It takes standardised images [N, C, H, W] and gives logits [N, classes]; its tensors have the names and
    shapes that they have in weights.pt. Where torch has a layer that does the same, it is torch's own
    (`nn.Conv2d`, `nn.BatchNorm2d`, `nn.GroupNorm`, `nn.Linear`).

    `data_dir`: where the data lie, for sweeps of older versions that do not record what their images are.
    Raises InputError.
    """
    from model.net.plain import plain_network

    store = Store(results.rstrip("/") or "/")
    trial, sweep = _trial(store, trial_id)
    try:
        weights = decode_weights(store.read_weights(trial_id), trial_id)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{results} holds no final weights of {trial_id}: it is not finished, or they were not kept"
        ) from None
    except DamagedError as error:
        raise InputError(f"{results}: weights.pt of {trial_id} is damaged: {error}") from None
    info = _images(trial, sweep, data_dir)
    net = plain_network(trial.spec, info, info.train_size)
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"{results}: weights.pt of {trial_id} is of another network: {first_line(error)}"
        ) from None
    return net.eval()


def _trial(store: Store, trial_id: str) -> tuple[Trial, SweepRecord | None]:
    sweep = store.sweep()
    declared = sweep["trials"] if sweep else {}
    try:
        identity = declared.get(trial_id) or store.identities([trial_id]).get(trial_id)
    except ValueError:  # a name that no folder has
        identity = None
    if identity is None:
        some = f", as {next(iter(declared))}" if declared else ""
        raise InputError(
            f"{store.url} has no trial {trial_id}; give the name of a folder in its trials/{some}"
        )
    try:
        return Trial.from_identity(identity), sweep
    except ValueError as error:
        raise InputError(f"{store.url}: this version cannot read {trial_id}: {first_line(error)}") from None


def _images(trial: Trial, sweep: SweepRecord | None, data_dir: str | None) -> DataInfo:
    """What the trial's images are, as the sweep has it, else as the data say."""
    facts = sweep.get("data", {}).get(trial.dataset) if sweep else None
    if facts is None or len(facts.get("image", [])) != 3 or "classes" not in facts:
        return describe(trial.dataset, data_dir)
    channels, height, width = facts["image"]
    return DataInfo(
        trial.dataset,
        facts["train_size"],
        facts["test_size"],
        channels,
        height,
        width,
        tuple(map(str, range(facts["classes"]))),
        facts["fingerprint"],
    )
