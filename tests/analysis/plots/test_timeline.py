import itertools

import pytest

from analysis.plots import timeline
from analysis.sources.frame import HISTORY_COLUMNS, make
from analysis.sources.load import load_sweep
from analysis.study import read
from tests.helpers.synthetic import BEGUN, block


@pytest.fixture
def info(sweep):
    trials = block(batch_size=[32, 2], seeds=3) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=3)
    loaded = load_sweep(sweep(trials, epochs=4, workers=2))
    return timeline.info(loaded.frame, loaded.history)


def test_a_pack_is_one_period_with_its_seeds(info):
    assert len(info.periods) == 4
    assert {s.seeds for s in info.periods} == {(1, 2, 3)}
    assert all(s.epochs == 4 for s in info.periods)


def test_times_are_those_of_the_epochs(info):
    first = info.periods[0]
    assert first.begin == 0.0
    assert first.seconds == pytest.approx(4 * (4 + 60 / 32), abs=0.2)  # as synthetic.py makes them
    assert info.busy == pytest.approx(2 * 4 * (4 + 60 / 32) + 2 * 4 * (4 + 60 / 2), abs=0.5)
    assert info.span == pytest.approx(max(s.end for s in info.periods))


def test_lanes_are_as_few_as_the_packs_need_and_never_overlap(info):
    assert info.lanes == ["host · 1", "host · 2"]
    for lane in info.lanes:
        mine = sorted((s.begin, s.end) for s in info.periods if s.lane == lane)
        assert all(a[1] <= b[0] + 0.5 for a, b in itertools.pairwise(mine))
    assert 0.5 < info.use <= 1.0


def epoch(trial, number, ended, worker, seconds=10.0):
    return {"trial_id": trial.trial_id, "epoch": number, "seconds": seconds, "ended": ended, "worker": worker,
            "images_per_second": 100.0, "device": "cpu"}  # fmt: skip


def frame_of(trials):
    return make([{**t.identity, "trial_id": t.trial_id, "status": "done"} for t in trials])


def test_an_interruption_splits_a_period_and_a_new_worker_takes_a_free_lane():
    (a,) = block(seeds=1)
    t = BEGUN.timestamp()
    rows = [epoch(a, 1, t, "h/1"), epoch(a, 2, t + 10, "h/1"), epoch(a, 3, t + 5000, "h/9")]
    times = timeline.info(frame_of([a]), make(rows, HISTORY_COLUMNS))
    assert [(s.epochs, s.worker, s.lane) for s in times.periods] == [
        (2, "h/1", "h · 1"),
        (1, "h/9", "h · 1"),
    ]
    assert times.busy == pytest.approx(30)
    assert times.span == pytest.approx(5010)


def test_two_hosts_have_lanes_of_their_own():
    a, b = block(seeds=2)
    t = BEGUN.timestamp()
    times = timeline.info(
        frame_of([a, b]), make([epoch(a, 1, t, "x/1"), epoch(b, 1, t, "y/1")], HISTORY_COLUMNS)
    )
    assert times.lanes == ["x · 1", "y · 1"]


def test_no_clock_no_timeline(sweep):
    loaded = load_sweep(sweep(block(seeds=1)))
    assert timeline.info(loaded.frame, make([], HISTORY_COLUMNS)) is None


def test_the_drawing_has_a_bar_for_every_period(info, sweep):
    styles = read([sweep(block() + block(norm="gn", groups=8), folder="s")]).styles
    drawn = timeline.figure(info, styles)
    assert sum(len(trace.y) for trace in drawn.data) == 4
    assert [trace.marker.color for trace in drawn.data] == ["#0072b2", "#d55e00"]


@pytest.mark.parametrize(
    ("span", "name"), [(30, "seconds"), (600, "minutes"), (9000, "hours"), (9e5, "days")]
)
def test_units(span, name):
    assert timeline.unit(span)[0] == name
