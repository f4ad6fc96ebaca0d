"""Seeds added in rounds, as results come in, by a rule that is written down before the first trial.

A round is a sweep like any other: so many seeds of each cell. When all of them have ended, the rule says
from their results how many each cell has in the next. Nothing of that is stored but the rule and the results:
which round a sweep is in is reckoned anew from the first, so that a run that was killed finds itself where it
was, and a finished one trains nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from rich.console import Console

from analysis.sources.frame import make
from analysis.sources.load import row_of
from analysis.stats.bases import pairs_of
from analysis.stats.bounds import bounded_panels
from analysis.stats.cells import Cell, keys, panels
from analysis.stats.choices import DEFAULT, Choices, choices_of
from analysis.stats.roles import roles_of
from analysis.stats.stopping import Cost, Key, Question, more, questions
from analysis.study import is_search
from analysis.words.stopping import rule_words
from model.errors import InputError
from model.spec import Spec
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.parents import with_parents
from orchestrator.grid.trial import Trial
from orchestrator.growth import Train, grown
from orchestrator.planning.options import Options
from orchestrator.planning.plan import remaining
from orchestrator.results.records import AnalysisPlan, StoppingRule
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState
from orchestrator.sweep import Prepared

Counts = Mapping[Spec, int]


@dataclass(frozen=True)
class Round:
    """`trials`: all of the sweep so far. `ended`: why no further round follows; empty where these are
    still to be trained."""

    trials: tuple[Trial, ...]
    ended: str = ""


class Rounds:
    """The rounds of a sweep whose grid has `trials`; without a `rule` one of them. `choices`: by which the
    comparisons are made."""

    def __init__(
        self, trials: Sequence[Trial], rule: StoppingRule | None, choices: Choices, url: str
    ) -> None:
        """Raises InputError where the rule does not go with the trials."""
        self._grid, self._rule, self._url = tuple(trials), rule, url
        self._choices = replace(choices, paired=True)
        self._cells: dict[Spec, Trial] = {}
        for trial in trials:
            self._cells.setdefault(trial.spec, trial)
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        if rule:
            last = max(self._seeds)
            self._seeds += range(last + 1, last + 1 + rule["max_seeds"] - len(self._seeds))
            self._check()

    @classmethod
    def of(cls, trials: Sequence[Trial], plan: AnalysisPlan | None, url: str) -> "Rounds":
        """By the rule of `plan`, if it has one. Raises InputError."""
        return (
            cls(trials, plan["stopping"], choices_of(plan), url) if plan else cls(trials, None, DEFAULT, url)
        )

    @property
    def words(self) -> str:
        """The rule, and the most trials that it may come to; empty without one."""
        if self._rule is None:
            return ""
        rule = rule_words(self._rule, f"{self._choices.margin.value:g}")
        return f"Seeds are added {rule}: at most {len(self._cells) * self._rule['max_seeds']:,} trials in all"

    @property
    def most(self) -> tuple[Trial, ...]:
        """All trials that there may ever be."""
        return self._trials(dict.fromkeys(self._cells, len(self._seeds))) if self._rule else self._grid

    def run(
        self, train: Train, options: Options, console: Console, interrupt: Interrupt
    ) -> tuple[Prepared, str]:
        """Every round that follows from what there is, until the rule ends them or somebody interrupts."""
        if self.words:
            console.print(f"{self.words}.", soft_wrap=True, markup=False)
        current = Round(())

        def following(options: Options) -> Sequence[Trial]:
            nonlocal current
            current = self.current(options)
            return current.trials

        done = grown(following, train, options, interrupt)
        if current.ended and not interrupt.requested:
            console.print(f"No more seeds: {current.ended}.", soft_wrap=True, markup=False)
        return done

    def current(self, options: Options) -> Round:
        """The first round that has not ended, or the last one."""
        if (rule := self._rule) is None:
            return Round(self._grid)
        states = Store(self._url).scan()
        counts = dict.fromkeys(self._cells, rule["first_seeds"])
        whole = None
        while True:
            trials = self._trials(counts)
            failures, retry = options.max_failures, options.retry_failed
            if remaining(trials, states, max_failures=failures, retry_failed=retry).waiting:
                return Round(trials)
            if whole is None:
                whole = self._frame(self.most, states)
            asked, found, cost = self._asked(rule, whole, trials, counts)
            after = more(asked, found, rule, cost)
            if after == found:
                return Round(trials, _why(asked, found, rule))
            counts = self._by_cell(whole, after)

    def _check(self) -> None:
        frame = self._frame(self._trials(dict.fromkeys(self._cells, 1)), {})
        compared = _compared(frame, self._choices)
        if not compared:
            raise InputError(
                "--until-ci and --until-decided add seeds to comparisons, and this grid is nothing but a "
                "search for G; say --seeds"
            )
        pairs = [pairs_of(list(dict.fromkeys(c.line for c in own)), self._choices.base) for own in compared]
        if self._rule and self._rule["until_decided"] and not any(pairs):
            raise InputError(
                "--until-decided needs two lines to compare, as --norms bn,gn; of one, --until-ci says how "
                "well its mean is to be known"
            )

    def _trials(self, counts: Counts) -> tuple[Trial, ...]:
        added = (
            replace(trial, seed=seed)
            for spec, trial in self._cells.items()
            for seed in self._seeds[: counts[spec]]
        )
        return tuple(with_parents(added))

    def _frame(self, trials: Sequence[Trial], states: Mapping[str, TrialState]) -> pd.DataFrame:
        """A row for each of `trials`, with what came of it so far."""
        rows = [
            row_of(states.get(t.trial_id, TrialState(t.trial_id, "missing")), t.identity, True, self._url)
            for t in trials
        ]
        return make(rows).assign(sequential=True)

    def _asked(
        self, rule: StoppingRule, whole: pd.DataFrame, trials: Sequence[Trial], counts: Counts
    ) -> tuple[list[Question], dict[Key, int], Cost]:
        """The questions, the seeds of each cell and the hours, of a round that has ended."""
        frame = whole[whole["trial_id"].isin({trial.trial_id for trial in trials})]
        compared = _compared(frame, self._choices)
        asked = [question for cells in compared for question in questions(cells, self._choices, rule)]
        known = keys(frame, roles_of(frame, self._choices.x))
        found: dict[Key, int] = {known[trial.trial_id]: counts[trial.spec] for trial in trials}
        seconds = frame["train_seconds"].groupby(frame["trial_id"].map(known)).mean()
        each = {key: float(value) / 3600 for key, value in seconds.items() if math.isfinite(value)}
        return asked, found, Cost(float(frame["train_seconds"].sum()) / 3600, each)

    def _by_cell(self, whole: pd.DataFrame, counts: Mapping[Key, int]) -> dict[Spec, int]:
        known = keys(whole, roles_of(whole, self._choices.x))
        first = self._seeds[0]
        return {
            spec: counts[known[replace(trial, seed=first).trial_id]] for spec, trial in self._cells.items()
        }


def _compared(frame: pd.DataFrame, choices: Choices) -> list[list[Cell]]:
    """The cells of each panel that is no search for G."""
    grouped, _ = bounded_panels(panels(frame, roles_of(frame, choices.x)))
    return [cells for cells in grouped.values() if not is_search(cells)]


def _why(asked: Sequence[Question], counts: Mapping[Key, int], rule: StoppingRule) -> str:
    left = [question for question in asked if question.far > 0]
    if not left:
        return "every comparison is as the rule wants it"
    limit = "seeds"
    if any(counts[key] < rule["max_seeds"] for question in left for key in question.cells):
        limit = "hours"
    return f"the {limit} of the rule are used up, and {len(left)} of {len(asked)} comparisons are still open"
