"""What a plan changes in the middle of trials: told before it happens, recorded when it has. Pure.

A pack that has begun keeps its seeds (`plan`), but a person may say --pack, a machine may have less memory, a
companion may be no longer declared, and the number of threads is that of today's options.
"""

from collections import Counter
from collections.abc import Mapping

from orchestrator.planning.plan import Plan
from orchestrator.results.records import Provenance, Stretch
from orchestrator.results.stretches import difference, in_trials, stretches_of, until
from orchestrator.results.trial_state import TrialState


def changed_in_the_middle(plan: Plan, states: Mapping[str, TrialState], facts: Provenance) -> list[str]:
    """How half-trained trials go on otherwise than they began, in a sentence; none where all go on alike.

    `facts`: of what is to train, as far as the plan knows: see `orchestrator.results.stretches.ORDER`.
    """
    counts: Counter[str] = Counter()
    for pack in plan.packs:
        ids = [trial.trial_id for trial in pack.trials]
        after: Stretch = {"first": pack.epoch + 1, "last": pack.epoch + 1, "pack": ids, "provenance": facts}
        for trial_id in ids:
            state = states.get(trial_id)
            before = until(stretches_of({**(state.history or {})}), pack.epoch) if state else []
            counts.update(difference(before[-1], after) if before else [])
    if not counts:
        return []
    return [
        f"half-trained trials go on in another way than they began: {in_trials(counts)}. Each records how "
        "which of its epochs were computed, and the report says it."
    ]
