"""Packs in one process, an event at a time, and which process it is. No Ray is started."""

import os
import sys
import threading

import pytest

from orchestrator.display.progress import Progress
from orchestrator.execution import worker
from orchestrator.execution.events import EpochEnd, Trained, Warned
from orchestrator.execution.host import Ended, Host, one_of
from orchestrator.execution.hosts import Hosts, Lent
from orchestrator.execution.inline import run_inline
from orchestrator.execution.signals import Interrupt
from orchestrator.results.store import Store
from tests.helpers.assignments import assignment
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import trial
from tests.helpers.waiting import HANGS, until

TRIALS = [trial(seed=1), trial(seed=1, norm="gn", groups=4)]


@pytest.fixture(autouse=True)
def _process(monkeypatch):
    """What a host sets for its process is put back."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,9")
    usual = sys.getswitchinterval()
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def host():
    return Host(1, lambda: None)


def assigned(folder, images):
    Store(str(folder)).open(TRIALS)
    return [assignment(folder, images, [t]) for t in TRIALS]


def rest(host, index):
    said = []
    while not said or not isinstance(said[-1], Ended):
        said.append(host.go_on(index))
    return said


def test_side_by_side_as_inline(host, tmp_path, images):
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "9"
    packs = assigned(tmp_path / "inline", images)
    listener = Progress([given.pack for given in packs], [1.0] * 2, [3] * 2, slots=1, before=0)
    run_inline(packs, listener, Interrupt())
    for index, given in enumerate(assigned(tmp_path / "host", images)):
        assert host.begin(index, given) is None
    first = [host.go_on(index) for index in (0, 1)]
    said = [[event, *rest(host, index)] for index, event in enumerate(first)]
    for events in said:
        assert [event.epoch for event in events[:3]] == [1, 2, 3]
        assert isinstance(events[3], Trained)
        assert events[4:] == [Ended()]
    assert numbers(tmp_path / "host") == numbers(tmp_path / "inline")
    assert len(numbers(tmp_path / "host")) == 2


def test_no_epoch_is_trained_that_nobody_asked_for(host, tmp_path, images):
    given, _ = assigned(tmp_path, images)
    host.begin(0, given)
    assert isinstance(host.go_on(0), EpochEnd)
    host.end(0)
    host.end(0)
    (state,) = Store(str(tmp_path)).states([TRIALS[0].trial_id]).values()
    assert state.epochs[-1] == 1


def goes_on_as_if_never_left(host, given, tmp_path, images):
    """A pack whose results lie in "left" trains the rest, and its numbers are those of a whole run."""
    host.begin(0, given)
    assert [event.epoch for event in rest(host, 0)[:3]] == [1, 2, 3]
    whole, _ = assigned(tmp_path / "whole", images)
    host.begin(1, whole)
    rest(host, 1)
    assert numbers(tmp_path / "left") == numbers(tmp_path / "whole")


def test_a_pack_is_left_within_its_epoch_and_goes_on_there(host, tmp_path, images):
    given, _ = assigned(tmp_path / "left", images)
    host.begin(0, given)
    host.leave(0, -1.0)
    host.leave(7, -1.0)  # which nobody has begun
    said = rest(host, 0)
    assert [type(one) for one in said] == [Warned, Ended]
    assert "left within epoch 1, after 1 of 5 steps" in said[0].warning
    assert said[1] == Ended(stopped=True)
    goes_on_as_if_never_left(host, given, tmp_path, images)


def test_a_pack_that_is_begun_again_goes_on_where_the_first_was(host, tmp_path, images):
    """Whose worker was lost while nobody had asked for the next event."""
    given, _ = assigned(tmp_path, images)
    host.begin(0, given)
    assert host.go_on(0).epoch == 1
    host.begin(0, given)
    assert [thread.name for thread in threading.enumerate()].count("pack 0") == 1
    assert [event.epoch for event in rest(host, 0)[:2]] == [2, 3]


def test_a_pack_that_is_begun_again_while_it_trains_is_left_where_it_is(host, tmp_path, images, monkeypatch):
    """Its worker was lost; nobody waits for the rest of its epoch."""
    within, ending = threading.Event(), threading.Event()

    class Slow(worker.Leaving):
        def __call__(self, done, steps):
            if done == 3 and not within.is_set():
                within.set()
                assert ending.wait(HANGS)
            return super().__call__(done, steps)

    def go_on_when_asked_to_end(pack):
        until(lambda: pack.until is not None, what="the pack is asked to end")
        ending.set()

    monkeypatch.setattr(worker, "Leaving", Slow)
    given, _ = assigned(tmp_path / "left", images)
    host.begin(0, given)
    assert within.wait(HANGS)
    threading.Thread(target=go_on_when_asked_to_end, args=(host._packs[0],), daemon=True).start()
    host.end(0)
    (state,) = Store(str(tmp_path / "left")).states([TRIALS[0].trial_id]).values()
    assert state.within == ((0, 3),)
    goes_on_as_if_never_left(host, given, tmp_path, images)


def test_an_error_comes_without_what_it_holds(host, tmp_path, images, monkeypatch):
    class Unsendable(Exception):
        pass

    def broken(*_):
        raise Unsendable("of\na kernel")

    monkeypatch.setattr(worker, "_train", broken)
    given, _ = assigned(tmp_path, images)
    host.begin(0, given)
    ended = host.go_on(0)
    assert type(ended.error) is RuntimeError
    assert str(ended.error) == "Unsendable: of a kernel"
    for _ in range(2):
        host.begin(0, given)
        host.go_on(0)
    host.begin(0, given)
    assert host.go_on(0) == Ended(given_up="Unsendable: of a kernel")


def test_a_node_that_may_not_take_part_begins_nothing(tmp_path, images):
    given, _ = assigned(tmp_path, images)
    assert Host(0, lambda: "trouble").begin(0, given) == "trouble"


@pytest.mark.parametrize(
    ("visible", "gpu", "seen"),
    [(None, 3, "3"), ("2,3", 1, "3"), ("GPU-a, GPU-b", 1, "GPU-b"), ("2", 1, ""), ("", 0, "")],
)
def test_a_host_sees_its_own_gpu_alone(visible, gpu, seen):
    assert one_of(visible, gpu) == seen


# -- which host --------------------------------------------------------------------------------------


@pytest.fixture
def killed():
    return []


@pytest.fixture
def hosts(killed):
    made = iter("abcd")
    return Hosts(lambda node, gpu: f"{next(made)} {node}/{gpu}", killed.append)


def test_a_host_a_gpu_and_node(hosts):
    at = [hosts.lend(i, *place).host for i, place in enumerate([("x", 0), ("x", 1), ("x", 0), ("y", 0)])]
    assert at == ["a x/0", "b x/1", "a x/0", "c y/0"]


def test_the_first_to_miss_a_host_ends_it_and_no_other_ends_the_next(hosts, killed):
    hosts.lend(0, "x", 0)
    hosts.lend(1, "x", 0)
    hosts.drop(0)
    assert hosts.lend(0, "x", 0).host == "b x/0"
    hosts.drop(1)
    assert hosts.lend(1, "x", 0) == Lent("b x/0", None)
    assert killed == ["a x/0"]
    hosts.close()
    assert killed == ["a x/0", "b x/0"]


def test_where_a_pack_was_begun_before_is_remembered(hosts):
    """A worker that was lost has left it there, training."""
    assert hosts.lend(0, "x", 0).before is None
    lent = hosts.lend(0, "y", 1)
    assert (lent.host, lent.before) == ("b y/1", "a x/0")
