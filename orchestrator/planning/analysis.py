"""The plan of the analysis: what grid and command line make of it, and what a person is told of it. Pure."""

import argparse
from collections.abc import Mapping, Sequence

from model.errors import InputError
from model.spec import Spec
from orchestrator.grid.analysis import Analysis, Stopping
from orchestrator.grid.trial import Trial
from orchestrator.results.analysis_plan import digest_of, sequential, versions_of
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import AnalysisPlan, StoppingRule
from orchestrator.results.trial_state import TrialState


def changed_plan(
    declared: JsonObject, states: Mapping[str, TrialState], plan: AnalysisPlan | None
) -> list[str]:
    """`declared`: sweep.json as it is; `plan`: what this run goes by, None where it says nothing."""
    versions, results = versions_of(declared), sum(state.finished for state in states.values())
    if plan is None:
        if not sequential(versions):
            return []
        return [
            "seeds were added here as results came in, by --until-ci or --until-decided, which this run does "
            "not say: it trains what the grid has, and the report's intervals stay those that hold whenever "
            "one stops"
        ]
    if versions and versions[-1]["sha256"] != digest_of(plan):
        return [
            f"the plan of the analysis is another than that of {versions[-1]['written']}; sweep.json and the "
            f"report keep both, and that {results:,} of the trials had a result by now"
        ]
    if not versions and results:
        return [
            f"the plan of the analysis is written down when {results:,} of the trials have a result already; "
            "the report says so"
        ]
    return []


def plan_of(
    arguments: argparse.Namespace, trials: Sequence[Trial], said: Analysis | None
) -> AnalysisPlan | None:
    """What the grid says beforehand (`said`) and, of adding seeds, what the parsed `arguments` say instead;
    None where neither says anything.

    Raises InputError where they do not go together or with `trials`.
    """
    stopping = _stopping(arguments, said.stopping if said else None)
    margin = said.margin if said else arguments.margin.text
    if stopping and stopping.until_decided and margin.endswith("%"):
        raise InputError(
            "--until-decided needs a --margin in points, as 0.5: a share of an error changes with every seed"
        )
    rule = _rule(stopping, trials) if stopping else None
    if said is not None:
        return {
            "measure": said.measure,
            "margin": margin,
            "base": said.comparisons,
            "x": said.x,
            "correction": said.correction,
            "stopping": rule,
            "claims": list(said.claims),
            "at": None if said.at is None else list(said.at),
        }
    if rule is None:
        return None
    return {
        "measure": arguments.measure,
        "margin": margin,
        "base": arguments.base,
        "x": arguments.x,
        "correction": "holm",
        "stopping": rule,
    }


def _stopping(arguments: argparse.Namespace, said: Stopping | None) -> Stopping | None:
    """The rule of the command line, or of the grid with the limits of the command line."""
    limits = {"max_seeds": arguments.max_seeds, "max_hours": arguments.max_hours}
    given = {name: value for name, value in limits.items() if value is not None}
    if arguments.until_ci is not None or arguments.until_decided:
        if arguments.max_seeds is None:
            raise InputError(
                "--until-ci and --until-decided need --max-seeds: the most seeds that a cell may get"
            )
        return Stopping(until_ci=arguments.until_ci, until_decided=arguments.until_decided, **given)
    if said is None and given:
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise InputError(f"{option} limits --until-ci and --until-decided; give one of them too")
    return said and said.model_copy(update=given)


def _rule(stopping: Stopping, trials: Sequence[Trial]) -> StoppingRule:
    first = _common_number(trials)
    if stopping.max_seeds < first:
        raise InputError(
            f"--max-seeds {stopping.max_seeds} is less than the {first} seeds that every cell begins with; "
            f"give more, or --seeds {stopping.max_seeds}"
        )
    return {
        "until_ci": stopping.until_ci,
        "until_decided": stopping.until_decided,
        "first_seeds": first,
        "step": first,
        "max_seeds": stopping.max_seeds,
        "max_hours": stopping.max_hours,
    }


def _common_number(trials: Sequence[Trial]) -> int:
    """Of the seeds that every cell begins with. Raises InputError where they are not the same."""
    seeds: dict[Spec, list[int]] = {}
    for trial in trials:
        seeds.setdefault(trial.spec, []).append(trial.seed)
    first, *others = map(sorted, seeds.values())
    if any(other != first for other in others):
        raise InputError(
            "--until-ci and --until-decided begin with the same seeds in every cell, and this grid has "
            "others in some; say which with --seeds"
        )
    return len(first)
