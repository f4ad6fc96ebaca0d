"""What a plan changes in the middle of trials, by the options or by itself, is said beforehand."""

import pytest

from orchestrator.planning.changes import changed_in_the_middle
from orchestrator.planning.plan import make_plan
from orchestrator.results.trial_state import TrialState
from tests.helpers.tiny import trial

FIVE = [trial(seed=s) for s in range(1, 6)]
IDS = [t.trial_id for t in FIVE]
FACTS = {"threads": "1", "torch": "2.15.0"}


def half_trained(epochs=(1, 2), facts=FACTS):
    """All five in one pack, after two epochs."""
    said = {"pack": IDS, "provenance": facts, "epochs": [{"epoch": 1}, {"epoch": 2}]}
    return {i: TrialState(i, "partial", epochs, history=said) for i in IDS}


def told(states, trials=FIVE, most=None, **facts):
    plan = make_plan(trials, states, pack_size=lambda _: 2, most_begun=lambda _: most, max_failures=3)
    return "".join(changed_in_the_middle(plan, states, {**FACTS, **facts}))


def test_all_goes_on_alike():
    assert told(half_trained()) == ""
    assert told({}) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threads": "2"}, "threads 2 instead of 1 in 5 trials."),
        ({"torch": "2.16.0"}, "PyTorch 2.16.0 instead of 2.15.0 in 5 trials."),
        ({"most": 3}, "a pack of 3 instead of 5 in 3 trials; a pack of 2 instead of 5 in 2 trials."),
        ({"trials": FIVE[:4]}, "a pack of 4 instead of 5 in 4 trials."),
    ],
)
def test_each_change_is_named(change, said):
    assert f"go on in another way than they began: {said}" in told(half_trained(), **change)


def test_who_begins_again_changes_nothing():
    assert told(half_trained(epochs=()), most=2, threads="2") == ""


def test_of_old_files_only_what_they_say():
    assert told(half_trained(facts={}), threads="2") == ""
