"""Planning: what is missing, in which packs, in what order, for how long."""

import itertools
import random

import pytest

from orchestrator.planning.order import makespan
from orchestrator.planning.plan import Pack, by_length, common_epoch, make_plan
from orchestrator.results.trial_state import TrialState
from tests.helpers.tiny import trial


def seeds(plan):
    return [[t.seed for t in pack.trials] for pack in plan.packs]


def state(of, *, epochs=(), pack=(), result=None, failure=None):
    history = {"pack": [t.trial_id for t in pack], "epochs": []} if pack else None
    return TrialState(of.trial_id, "partial", tuple(epochs), result, history, failure)


def plan_of(trials, states=(), size=4, **options):
    return make_plan(
        trials, {s.trial_id: s for s in states}, pack_size=lambda _: size, **{"max_failures": 3, **options}
    )


FIVE = [trial(seed=s) for s in range(1, 6)]


def test_packs_are_cut_evenly_and_never_across_cells():
    assert seeds(plan_of(FIVE)) == [[1, 2, 3], [4, 5]]
    assert seeds(plan_of(FIVE, size=5)) == [[1, 2, 3, 4, 5]]
    assert seeds(plan_of(FIVE, size=1)) == [[1], [2], [3], [4], [5]]
    other = [trial(seed=s, batch_size=2) for s in (1, 2)]
    assert seeds(plan_of(FIVE + other, size=8)) == [[1, 2, 3, 4, 5], [1, 2]]


def test_the_finished_are_left_alone():
    done = [state(t, result={"status": "done"}) for t in FIVE[:3]]
    plan = plan_of(FIVE, done)
    assert seeds(plan) == [[4, 5]]
    assert plan.finished == {t.trial_id for t in FIVE[:3]}


def test_a_pack_keeps_its_composition_and_goes_back_together():
    states = [
        state(FIVE[0], epochs=(6, 7), pack=FIVE[:3]),
        state(FIVE[1], epochs=(6, 7), pack=FIVE[:3]),
        state(FIVE[2], epochs=(5, 6), pack=FIVE[:3]),
    ]
    plan = plan_of(FIVE, states, size=5)
    assert seeds(plan) == [[1, 2, 3], [4, 5]]
    assert [pack.epoch for pack in plan.packs] == [6, 0]


def test_a_kill_in_the_first_checkpoints_keeps_the_pack_too():
    plan = plan_of(FIVE, [state(FIVE[0], epochs=(1,), pack=FIVE[:3])], size=5)
    assert seeds(plan) == [[1, 2, 3], [4, 5]]
    assert plan.packs[0].epoch == 0


def test_what_has_begun_stays_whole_whatever_size_others_have():
    states = [state(t, epochs=(3, 4), pack=FIVE[:3]) for t in FIVE[:3]]
    for size in (1, 2, 3, 8):
        assert seeds(plan_of(FIVE, states, size=size))[0] == [1, 2, 3]


def test_what_has_begun_is_cut_where_it_has_to_be():
    states = [state(t, epochs=(3, 4), pack=FIVE) for t in FIVE]
    plan = plan_of(FIVE, states, size=5, most_begun=lambda _: 2)
    assert seeds(plan) == [[1, 2], [3, 4], [5]]
    assert [pack.epoch for pack in plan.packs] == [4, 4, 4]


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("count", range(1, 9))
def test_resuming_cuts_what_is_left_as_the_undisturbed_run_did(count, size):
    """Whichever packs had begun before the kill, the others come out the same."""
    trials = [trial(seed=s) for s in range(1, count + 1)]
    packs = [pack.trials for pack in plan_of(trials, size=size).packs]
    for begun in itertools.product([False, True], repeat=len(packs)):
        states = [
            state(t, epochs=(1,), pack=pack) for pack, b in zip(packs, begun, strict=True) if b for t in pack
        ]
        again = plan_of(trials, states, size=size).packs
        assert {pack.trials for pack in again} == set(packs)


def test_given_up_after_so_many_attempts():
    failures = [state(FIVE[0], failure={"attempts": 3}), state(FIVE[1], failure={"attempts": 2})]
    plan = plan_of(FIVE[:2], failures)
    assert plan.given_up == {FIVE[0].trial_id}
    assert seeds(plan) == [[2]]
    assert plan_of(FIVE[:2], failures, retry_failed=True).given_up == frozenset()


def test_what_is_no_longer_declared_is_listed():
    assert plan_of(FIVE[:1], [state(FIVE[4])]).undeclared == (FIVE[4].trial_id,)


def test_the_longest_goes_first():
    trials = [trial(seed=1, batch_size=b) for b in (16, 2, 4)]
    pace = {16: 400.0, 4: 200.0, 2: 100.0}
    plan = by_length(plan_of(trials), lambda spec, _: pace[spec.batch_size], lambda _: 160)
    assert [pack.spec.batch_size for pack in plan.packs] == [2, 4, 16]
    # 3 epochs of 160 images at 100 a second
    assert plan.seconds == (4.8, 2.4, 1.2)


def test_work_left_counts_steps_and_replicas():
    pack = Pack((trial(seed=1, batch_size=3), trial(seed=2, batch_size=3)), epoch=1)
    # 20 images are 6 steps of 3; two epochs are left, for two replicas
    assert pack.images_left(20) == 2 * 6 * 3 * 2
    cut = Pack((trial(seed=1, batch_size=3, epochs=None, iterations=8),), epoch=1)
    assert cut.images_left(20) == 2 * 3


def test_makespan_against_a_simulation_by_hand():
    generator = random.Random(1)
    for _ in range(50):
        seconds = [generator.uniform(1, 9) for _ in range(generator.randint(1, 12))]
        slots = generator.randint(1, 4)
        workers = [0.0] * slots
        for duration in seconds:
            first = workers.index(min(workers))
            workers[first] += duration
        assert makespan(seconds, slots) == pytest.approx(max(workers))
    assert makespan([], 3) == 0


def test_common_epoch():
    assert common_epoch([(6, 7), (7, 8)]) == 7
    assert common_epoch([(6, 7), ()]) == 0
    assert common_epoch([(6,), (7,)]) == 0


@pytest.mark.parametrize(
    ("numbers", "name"), [([1, 2, 3], "seeds 1–3"), ([7], "seed 7"), ([4, 1, 2], "seeds 1–2,4")]
)
def test_pack_names(numbers, name):
    assert Pack(tuple(trial(seed=s) for s in numbers)).name == f"bn, batch 4, {name}"
