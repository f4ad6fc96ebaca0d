"""Of a large sweep a report holds each so-manieth epoch: what it draws of them is what all would give."""

import pytest

from analysis.page import time
from analysis.plots import curves, timeline
from analysis.report import build
from analysis.sources import load
from analysis.sources.load import load_history, load_sweep
from analysis.sources.setup import setup
from analysis.study import read
from tests.helpers.synthetic import block

EPOCHS = 11


@pytest.fixture
def folder(sweep):
    trials = block(batch_size=[32, 2], seeds=3)
    states = {trials[0].trial_id: "diverged", trials[1].trial_id: "partial"}
    return sweep(trials, epochs=EPOCHS, workers=2, status=lambda t: states.get(t.trial_id, "done"))


@pytest.fixture
def both(folder, monkeypatch):
    """The study of every epoch, and that of a part of them."""
    whole = read([folder])
    monkeypatch.setattr(load, "MOST_EPOCHS", 13)  # of 50
    return whole, read([folder])


def test_rows_are_of_each_fourth_epoch_and_of_the_last(both):
    whole, thin = both
    (sweep,) = thin.sweeps
    assert sweep.step == 4
    assert whole.sweeps[0].step == 1
    done = set(sweep.frame.loc[sweep.frame["status"] == "done", "trial_id"])
    assert len(done) == 4
    wanted = whole.history[
        whole.history["epoch"].isin([1, 5, 9])
        | ((whole.history["epoch"] == EPOCHS) & whole.history["trial_id"].isin(done))
    ]
    assert len(wanted) < len(whole.history)
    assert thin.history.equals(wanted.reset_index(drop=True))


def test_time_is_told_of_every_epoch(both):
    whole, thin = both
    told = [timeline.info(one.frame, one.history, one.periods) for one in both]
    assert told[0] == told[1]
    assert time.section(thin).figures == time.section(whole).figures
    assert time.section(thin).body == time.section(whole).body
    assert setup(thin.sweeps[0]).devices == setup(whole.sweeps[0]).devices


def test_curves_go_through_the_same_points(both):
    whole, thin = (curves.infos(next(iter(one.panels.values())), one.frame, one.history) for one in both)
    assert len(whole) == len(thin) == 2
    for every, some in zip(whole, thin, strict=True):
        for all_epochs, few in ((every.train, some.train), (every.judged, some.judged)):
            assert few.epochs == [1, 5, 9, EPOCHS]
            assert points(few).items() <= points(all_epochs).items()


def points(curve):
    """Mean, range and number of seeds by epoch."""
    return dict(zip(curve.epochs, zip(*curve[1:], strict=True), strict=True))


def test_the_page_says_so_and_a_table_of_epochs_has_them_all(folder, both):
    assert "those drawn are 4 apart, plus the last" in build(folder)
    assert len(load_history(folder)) == len(both[0].history)


def test_what_is_left_of_two_sweeps_beside_each_other(both, folder, sweep, monkeypatch):
    other = sweep(block(norm="gn", groups=8, seeds=2), epochs=2, folder="other")
    monkeypatch.setattr(load, "MOST_EPOCHS", 20)
    assert [one.step for one in (load_sweep(folder, thin=True), load_sweep(other, thin=True))] == [3, 1]
    study = read([folder, other])
    alone = [read([one]) for one in (folder, other)]
    infos = [timeline.info(one.frame, one.history, one.periods) for one in alone]
    together = timeline.info(study.frame, study.history, study.periods)
    assert together.busy == pytest.approx(sum(one.busy for one in infos))
