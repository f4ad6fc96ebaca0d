"""Of many trials the live page keeps few epochs, and shows what it shows of few trials."""

import pytest

from orchestrator.live import watch
from orchestrator.live.watch import Watch
from orchestrator.results.store import Store
from tests.helpers.many_files import reads
from tests.helpers.synthetic import block

EPOCHS = 30


@pytest.fixture
def folder(sweep):
    trials = block(batch_size=[32, 2], seeds=4)
    states = {trials[0].trial_id: "diverged", trials[1].trial_id: "partial"}
    return sweep(trials, epochs=EPOCHS, status=lambda t: states.get(t.trial_id, "done"))


@pytest.fixture
def many(monkeypatch):
    """Eight trials are many, and room is for 16 points."""
    monkeypatch.setattr(watch, "_MANY", 2)
    monkeypatch.setattr(watch, "_POINTS", 8)
    monkeypatch.setattr(watch, "_FEWEST", 2)


def test_a_view_of_many_is_that_of_few_with_fewer_points(folder, request):
    few = Watch(folder).view()
    request.getfixturevalue("many")
    view = Watch(folder).view()
    for name in ("counts", "share", "warnings", "events"):
        assert view[name] == few[name]
    for one, other in zip(few["trials"], view["trials"], strict=True):
        fewer, curve = other.pop("curve"), one.pop("curve")
        assert {*fewer} <= {*curve}
        assert (fewer[0], fewer[-1]) == (curve[0], curve[-1])
        assert len(fewer) <= len(curve)
        assert one.pop("seen") == pytest.approx(other.pop("seen"), abs=1)  # a result has whole seconds
        assert one == other
    done = [trial["curve"] for trial in Watch(folder).view()["trials"] if trial["state"] == "done"]
    assert [len(curve) for curve in done] == [3] * 6  # each 15th of 30, and the last


def test_epochs_are_kept_of_those_alone_that_the_log_tells_of(folder, many, monkeypatch):
    monkeypatch.setattr(watch, "_EVENTS", 1)
    monkeypatch.setattr(watch, "_LEAST", 0)
    monkeypatch.setattr(watch, "_SHARE", 0)
    page = Watch(folder)
    page.view()
    kept = [state.trial_id for state in page._seen.states.values() if state.finished and state.history]
    (pack,) = {tuple(Store(folder).states([one])[one].pack) for one in kept}
    assert {*kept} <= {*pack}
    assert len(kept) < 7
    with reads(folder) as names:
        again = page.view()
    assert not [name for name in names if "result.json" in name]
    assert len(again["trials"]) == 8
