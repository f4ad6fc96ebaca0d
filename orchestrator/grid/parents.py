"""The trials that others start from, beside those that a grid declares."""

from collections.abc import Iterable

from orchestrator.grid.trial import Trial


def with_parents(trials: Iterable[Trial]) -> list[Trial]:
    """These trials, each once, and before them those that they start from and that are not among them."""
    declared = list(dict.fromkeys(trials))
    generations: list[list[Trial]] = [declared]
    while youngest := [trial.parent for trial in generations[-1] if trial.parent is not None]:
        generations.append(youngest)
    have = set(declared)
    above = (trial for generation in reversed(generations[1:]) for trial in generation if trial not in have)
    return [*dict.fromkeys(above), *declared]
