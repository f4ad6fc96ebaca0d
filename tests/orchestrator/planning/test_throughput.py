"""What a plan reckons an epoch to take, by hand."""

from dataclasses import replace

import pytest

from model.data.digits import INFO
from model.training.calibrate import calibrate
from orchestrator.grid.trial import Trial
from orchestrator.planning.plan import by_length, make_plan
from orchestrator.planning.throughput import EstimatedThroughput, observed, with_evaluation
from orchestrator.results.trial_state import TrialState


def of(**changes):
    fields = {"dataset": "digits", "norm": "bn", "batch_size": 10, "epochs": 3, "seed": 1}
    return Trial(**{**fields, **changes})


def estimate(*trials, history=()):
    """Seconds of each; training alone goes at 100 images a second."""
    states = {state.trial_id: state for state in history}

    def share(spec):
        return with_evaluation(spec, INFO.train_size, INFO.test_size)

    rates = observed([*trials, *DONE], states, share)
    throughput = EstimatedThroughput(
        rates, {"digits": INFO}, device="cpu", threads=1, calibrate=lambda *_: 100.0
    )
    plan = make_plan(trials, {}, pack_size=lambda _: 1, max_failures=1)
    plan = by_length(plan, throughput, lambda _: INFO.train_size)
    seconds = {pack.trials[0].trial_id: s for pack, s in zip(plan.packs, plan.seconds, strict=True)}
    return [seconds[trial.trial_id] for trial in trials]


DONE = [of(seed=9)]


def test_a_part_of_the_images_takes_a_part_of_the_time_and_evaluation_all_of_it():
    """An epoch trains on 1,350, or 100, of the digits; evaluating 445 takes as long as training on a third."""
    whole, part, held = estimate(of(), of(train_size=100), of(train_size=100, holdout=60))
    assert whole == pytest.approx(3 * 13.5 * (1 + 445 / 3 / 1352))
    assert part == pytest.approx(3 * (1 + 445 / 300))
    assert held == pytest.approx(3 * (1 + 60 / 300))


def test_what_the_whole_set_took_tells_what_a_part_will_take():
    """A trial of all images at 90 a second, evaluation included, trains at 90 · (1 + 445 / 4,056)."""
    state = TrialState(DONE[0].trial_id, "done", (), {"images_per_second": 90.0}, None, None)
    whole, part = estimate(of(), of(train_size=100), history=[state])
    assert whole == pytest.approx(3 * 1350 / 90)
    assert part == pytest.approx(3 * 100 / (90 * (1 + 445 / 4056)) * (1 + 445 / 300))


def test_a_cell_is_timed_whatever_its_warm_up_and_selection():
    """The few steps of a calibration are one epoch, which any warm-up would fill."""
    cell = of(warmup_epochs=2, train_size=100, holdout=60, label_noise=0.5).spec
    assert calibrate(replace(cell, batch_size=2), 1, INFO, "cpu", seconds=0.0) > 0
