"""The kinds of sweeps that are soaked: a fixed plan, children of other trials, searches, seeds by a rule; and what is
asked of their networks."""

from typing import NamedTuple

from tests.helpers.tiny import TWO_PACKS

_FAMILY = """\
blocks:
  - {dataset: imagefolder, norm: bn, batch_size: 4, epochs: 2, seeds: 3}
  - {dataset: imagefolder, norm: fbn,           batch_size: 2, epochs: 2, seeds: 3, from: {norm: bn, batch_size: 4}}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 2, epochs: 2, seeds: 3, from: {norm: bn, batch_size: 4}}
"""
_CELLS = "dataset: imagefolder, norm: [bn, gn], groups: 4, batch_size: 4, epochs: 2, seeds: 2"
_SEARCHES = f"""\
blocks:
  - {{{_CELLS}}}
  - {{{_CELLS}, holdout: 4, tune: {{lr: [0.02, 0.1, 0.5], on: holdout, seeds: 2}}}}
"""
_ROUNDS = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: [8, 2], epochs: 2, seeds: 3}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: [8, 2], epochs: 2, seeds: 3}
"""
#: Of these the first two comparisons end after six seeds, and the others after seven.
_RULE = ("--until-ci", "35", "--max-seeds", "7")


class Kind(NamedTuple):
    """`trials` in the end, of so many `epochs`; `runs`: how often one run of all plans and reports."""

    name: str
    grid: str
    trials: int
    epochs: int
    runs: int = 1
    more: tuple[str, ...] = ()

    @property
    def writes(self):
        """File kind -> how often it is written in one run, at least about."""
        epochs = self.trials * self.epochs
        return {
            "sweep.json": self.runs,
            "trial.json": self.trials,
            "lock.json": 1,
            "checkpoint": epochs,
            "history.json": epochs,
            "weights.pt": self.trials,
            "result.json": self.trials,
            "results.csv": self.runs,
            "report.html": self.runs,
        }


KINDS = (
    Kind("plain", TWO_PACKS, 6, 4),
    Kind("from", _FAMILY, 9, 2),
    Kind("tune", _SEARCHES, 18, 2, 2),
    Kind("until", _ROUNDS, 26, 2, 3, _RULE),
)
ASKED = ("--statistics", "population,batch,precise")
