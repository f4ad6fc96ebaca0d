"""Finished trials evaluated in packs: their weights first held against what they were stored with.

A trial's result says how many images its network got wrong. Weights that do not say the same are not those
weights: damaged, exchanged, or computed by other code. On the CPU, threads and versions of then the number is
the same to the last image (see docs/exactness.md); elsewhere rounding may turn an image or two.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from model.data.another import OtherImages
from model.data.dataset import Dataset
from model.errors import InputError, reason
from model.kernels import named
from model.machine import cores
from model.norm_table import Statistics, statistics_of
from model.own import is_own
from model.spec import MODELS
from orchestrator.execution.failures import out_of_memory
from orchestrator.execution.worker import device_name
from orchestrator.grid.trial import Trial
from orchestrator.results import evaluations, labels
from orchestrator.results.checkpoint import DamagedError, decode_weights
from orchestrator.results.evaluations import Question, stored_error
from orchestrator.results.provenance import provenance
from orchestrator.results.records import EvaluationRecord, Provenance
from orchestrator.results.store import Store
from orchestrator.results.stretches import ORDER, facts_of
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    from torch import Tensor

    from model.training.evaluation import Evaluation, Outcome, Split

#: Share of the images that may be counted otherwise where another machine, or another order of sums, counts;
#: and where products are of coarser factors, which more answers are too near to call for.
_ROUNDING, _COARSE = 0.001, 0.01


@dataclass(frozen=True)
class Task:
    """What is asked of every trial. `data`: those of the trials' cell; `other`: other images, in their place.

    `split`: "own", "train" or, with `other`, "other". `have`: names of evaluations that are there.
    """

    store: Store
    data: Dataset
    split: "Split"
    statistics: Sequence[Statistics]
    device: str
    have: frozenset[str]
    other: OtherImages | None = None

    @property
    def asked(self) -> "labels.Images | None":
        """The images whose labels a report needs; None of training images."""
        if self.split == "train":
            return None
        if self.other:
            return labels.Images(self.other.fingerprint, "images", len(self.other.labels))
        return labels.Images(self.data.info.fingerprint, self.data.which, len(self.data.eval_labels))


@dataclass
class Report:
    """What came of it: records that were written, how many were there, and by trial what stood in the way."""

    written: list[EvaluationRecord] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def evaluate_pack(task: Task, trials: Mapping[Trial, TrialState]) -> Report:
    """Evaluate trials of one network together, and write what is not there yet. Raises StorageError."""
    report = Report()
    asked: dict[Trial, list[Question]] = {}
    weights: dict[Trial, bytes] = {}
    for trial, state in trials.items():
        try:
            weights[trial] = task.store.read_weights(trial.trial_id)
        except (FileNotFoundError, NotADirectoryError):
            report.problems[trial.trial_id] = "it has no weights.pt"
            continue
        if stored_error(state) is None:
            report.problems[trial.trial_id] = "its result has no error to hold its weights against"
            continue
        questions = _questions(task, trial, hashlib.sha256(weights[trial]).hexdigest())
        report.there += [question.name for question in questions if question.name in task.have]
        if left := [question for question in questions if question.name not in task.have]:
            asked[trial] = left
    if asked:
        _evaluate_or_halve(task, {t: trials[t] for t in asked}, asked, weights, report)
    return report


def keep_labels(task: Task) -> None:
    """Beside what networks answered, what is right; training images' is not kept. Raises StorageError."""
    if (images := task.asked) is not None:
        true = task.other.labels if task.other else task.data.eval_labels.numpy()
        labels.write(task.store.files, images, true, len(task.data.classes))


def _questions(task: Task, trial: Trial, weights: str) -> list[Question]:
    names = {"own": task.data.which, "train": "train", "other": "images"}
    data = task.other.fingerprint if task.other else task.data.info.fingerprint
    return [
        Question(
            trial.trial_id,
            weights,
            data,
            names[task.split],
            statistics,
            trial.batch_size if statistics == "batch" else None,
        )
        for statistics in statistics_of(trial.norm)
        if statistics in task.statistics
    ]


def _evaluate_or_halve(
    task: Task,
    trials: Mapping[Trial, TrialState],
    asked: Mapping[Trial, Sequence[Question]],
    weights: Mapping[Trial, bytes],
    report: Report,
) -> None:
    """All at once; where memory runs out, one half after the other."""
    try:
        _evaluate(task, trials, asked, weights, report)
        return
    except InputError as error:  # code of the user's own that is not what it was
        report.problems |= {trial.trial_id: reason(error) for trial in trials}
        return
    except Exception as error:
        if len(trials) == 1 or not out_of_memory(error):
            raise
    from model.streams import free_memory

    free_memory()
    half, members = -(-len(trials) // 2), list(trials)
    for part in (members[:half], members[half:]):
        _evaluate_or_halve(task, {trial: trials[trial] for trial in part}, asked, weights, report)


def _evaluate(
    task: Task,
    trials: Mapping[Trial, TrialState],
    asked: Mapping[Trial, Sequence[Question]],
    weights: Mapping[Trial, bytes],
    report: Report,
) -> None:
    import torch

    from model.training.evaluation import Evaluation

    tensors = _decoded(task, {trial: weights[trial] for trial in trials}, report)
    if not tensors:
        return
    members, device = list(tensors), torch.device(task.device)
    threads = min(threads_of(trials[members[0]]), cores())
    torch.set_num_threads(threads)
    pack = Evaluation(
        [t.spec for t in members],
        [t.seed for t in members],
        task.data,
        device,
        kernels=named(_said(trials[members[0]]).get("kernels")),
    )
    pack.load_weights(list(tensors.values()))
    facts = provenance(
        device_name(device), threads=str(threads), precision=pack.step.precision, kernels=pack.kernels
    )
    own = dict(zip(members, pack.judge("own", "population"), strict=True))
    for trial, found in own.items():
        if why := _differs(trial, trials[trial], found, facts):
            report.problems[trial.trial_id] = why
    sound = [trial for trial in members if trial.trial_id not in report.problems]
    for statistics in dict.fromkeys(question.statistics for trial in sound for question in asked[trial]):
        judged = _judged(task, pack, statistics, own)
        for trial in sound:
            for question in asked[trial]:
                if question.statistics == statistics:
                    record = _record(question, judged[trial], own[trial], trials[trial], task, facts)
                    evaluations.write(task.store.files, record)
                    report.written.append(record)


def _judged(
    task: Task, pack: "Evaluation", statistics: Statistics, own: "Mapping[Trial, Outcome]"
) -> "Mapping[Trial, Outcome]":
    """What each trial of the pack says of the images that are asked about. `own`: of its own ones."""
    import torch

    if task.split == "own" and statistics == "population":
        return own
    other = None
    if task.other:
        images, labels = task.other.images, task.other.labels
        other = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels)
    return dict(zip(own, pack.judge(task.split, statistics, other), strict=True))


def _decoded(task: Task, weights: Mapping[Trial, bytes], report: Report) -> "dict[Trial, dict[str, Tensor]]":
    """The tensors of each trial whose weights.pt is whole and of its network."""
    from model.training.evaluation import tensors_of

    tensors = {}
    for trial, data in weights.items():
        try:
            held = decode_weights(data, trial.trial_id)
        except DamagedError as error:
            report.problems[trial.trial_id] = f"its weights.pt is damaged: {error}"
            continue
        expected = tensors_of(trial.shared, task.data.info)
        if {name: (one.shape, one.dtype) for name, one in held.items()} == expected:
            tensors[trial] = held
        else:
            report.problems[trial.trial_id] = "its weights.pt is of another network"
    return tensors


def threads_of(state: TrialState) -> int:
    """As many as the trial was trained with."""
    said = _said(state).get("threads") or ""
    return int(said) if said.isdecimal() and len(said) < 6 and int(said) else 1


def _said(state: TrialState) -> Provenance:
    return facts_of(state.result.get("provenance") if state.result else None)


def _differs(trial: Trial, state: TrialState, outcome: "Outcome", facts: Provenance) -> str:
    """How the weights say something else than the result; empty where they do not."""
    stored, count = stored_error(state) or 0.0, len(outcome.predictions)
    said = _said(state)
    alike = all(said.get(key) == facts.get(key) for key in ORDER)
    to_the_bit = alike and trial.model in MODELS and not is_own(trial.norm) and facts["device"] == "cpu"
    share = _ROUNDING if trial.precision == "fp32" else _COARSE
    most = 0 if to_the_bit else max(1, round(count * share))
    if math.isfinite(outcome.loss) and abs(outcome.wrong - stored / 100 * count) < most + 0.5:
        return ""
    found = f"{outcome.error:.2f}%" if math.isfinite(outcome.loss) else "no finite number"
    return (
        f"its weights give {found} where its result says {stored:.2f}%: they are not those that were judged"
    )


def _record(
    question: Question,
    outcome: "Outcome",
    found: "Outcome",
    state: TrialState,
    task: Task,
    facts: Provenance,
) -> EvaluationRecord:
    finite = math.isfinite(outcome.loss)
    classes = len(task.data.classes)
    record = {
        "format": 1,
        **question._asdict(),
        "images": len(outcome.predictions),
        "classes": classes,
        "wrong": outcome.wrong,
        "error": outcome.error if finite else None,
        "loss": round(outcome.loss, 6) if finite else None,
        "stored_error": stored_error(state),
        "found_error": found.error,
        "predictions": evaluations.encoded(outcome.predictions.numpy(), classes),
        "provenance": facts,
    }
    return cast(EvaluationRecord, record)
