"""How the epochs of a trial were computed, stretch by stretch; files of older versions say less."""

import pytest

from orchestrator.results.stretches import changed, changes, extended, history, stretches_of, until
from orchestrator.results.trial_state import TrialState

HERE = {"torch": "2.15.0", "threads": "1", "processor": "AMD EPYC", "host": "a", "cuda": None}
PACK = ["a", "b", "c"]


def entry(epoch, device="cpu", replicas=3):
    return {"epoch": epoch, "device": device, "replicas": replicas}


def trained(*ways):
    """Stretches after an epoch in each of these ways: a pack and facts."""
    stretches = []
    for epoch, (pack, facts) in enumerate(ways, start=1):
        stretches = extended(stretches, epoch, pack, facts)
    return stretches


def test_a_trial_that_moved_twice():
    there = {**HERE, "threads": "2", "host": "b"}
    stretches = trained((PACK, HERE), (PACK, HERE), (PACK, there), (["a"], there))
    assert [(s["first"], s["last"], len(s["pack"])) for s in stretches] == [(1, 2, 3), (3, 3, 3), (4, 4, 1)]
    assert changes(stretches) == [
        "from epoch 3 on threads 2 instead of 1",
        "from epoch 4 on a pack of 1 instead of 3",
    ]
    said = history([entry(e) for e in range(1, 5)], stretches)
    assert (said["pack"], said["provenance"]) == (["a"], there), "of the last epoch, as readers always had it"
    assert stretches_of(said) == stretches
    assert until(stretches, 3) == [*stretches[:2]]
    assert until(stretches, 1) == [{**stretches[0], "last": 1}]


def test_one_way_is_said_once():
    said = history([entry(1), entry(2)], trained((PACK, HERE), (PACK, HERE)))
    assert "stretches" not in said
    assert stretches_of(said) == [{"first": 1, "last": 2, "pack": PACK, "provenance": HERE}]


def test_another_host_of_the_same_kind_is_recorded_and_no_change():
    stretches = trained((PACK, HERE), (PACK, {**HERE, "host": "b"}))
    assert len(stretches) == 2
    assert changes(stretches) == []


def test_what_is_not_known_is_no_change():
    stretches = trained((PACK, {"torch": "2.15.0"}), (PACK, HERE))
    assert changes(stretches) == []


def test_an_old_history_says_the_rest_of_its_last_epochs_alone():
    """Its provenance is of the machine that came last; device and replicas are said by each epoch."""
    old = {
        "pack": ["a"],
        "provenance": {**HERE, "device": "cpu"},
        "epochs": [entry(1, "A10G"), entry(2, "A10G"), entry(3), entry(4, replicas=1)],
    }
    found = stretches_of(old)
    assert [(s["first"], s["last"]) for s in found] == [(1, 2), (3, 3), (4, 4)]
    assert [s["provenance"] for s in found[:2]] == [{"device": "A10G"}, {"device": "cpu"}]
    assert found[2] == {"first": 4, "last": 4, "pack": ["a"], "provenance": old["provenance"]}
    assert changes(found) == ["from epoch 3 on device cpu instead of A10G"]
    assert stretches_of({"pack": ["a"], "epochs": []}) == []


@pytest.mark.parametrize(
    "forged",
    [7, [], [7], [{}], [{"first": 2, "last": 1, "pack": []}], [{"first": 1, "last": True, "pack": []}],
     [{"first": 1, "last": 2, "pack": "abc"}], [{"first": 1, "last": 2, "pack": [1]}]],
)  # fmt: skip
def test_forged_stretches_are_as_none(forged):
    said = {"pack": ["a"], "epochs_run": 3, "provenance": HERE, "stretches": forged}
    assert stretches_of(said) == [{"first": 1, "last": 3, "pack": ["a"], "provenance": HERE}]


def test_forged_facts_are_not_known():
    forged = [{"first": 1, "last": 1, "pack": [], "provenance": made} for made in (7, {"threads": [1]})]
    assert changes(stretches_of({"stretches": forged})) == []


def test_a_fact_of_any_length_is_told_in_a_line():
    stretches = trained((PACK, HERE), (PACK, {**HERE, "processor": "x" * 10**6}))
    assert changes(stretches) == [f"from epoch 2 on processor {'x' * 80}… instead of “AMD EPYC”"]


def test_what_a_person_is_told_of_many_trials():
    one = {"status": "done", "stretches": trained((PACK, HERE), (PACK, {**HERE, "threads": "2"}))}
    other = {"pack": ["b"], "epochs": [], "stretches": trained((["b", "x"], HERE), (["b", "y"], HERE))}
    states = [TrialState("a", "done", result=one), TrialState("b", "partial", history=other)]
    assert changed([*states, TrialState("c", "missing"), *states[:1]]) == (
        "Not every trial was computed in one way from beginning to end: threads 2 instead of 1 in 2 trials; "
        "a pack with other seeds in 1 trial."
    )
    assert changed([TrialState("c", "missing")]) is None
