"""Packs that begin together replay after the last of them has captured; others neither wait nor are waited for.

`GraphedEpoch` runs on the CPU, with a stand-in for graphs. Threads meet by events, never by sleeping.
"""

import threading
from types import SimpleNamespace

import pytest

from model.starts import STARTS, Starts
from model.training.graphs import CudaGraphs
from model.training.training import LeftWithin, Training
from tests.helpers.cells import spec, toy_data
from tests.helpers.waiting import HANGS

DATA = toy_data(n=60)


class Told(CudaGraphs):
    """ "Graphs" that write down in `told` who captured and who replayed."""

    def __init__(self, name, told, capturing=lambda: None):
        super().__init__(steps=1)
        object.__setattr__(self, "rest", (name, told, capturing))

    def capture(self, work, beside=None):
        name, told, capturing = self.rest
        capturing()
        told.append((name, "captured"))

        def replay():
            told.append((name, "replayed"))
            work()

        return SimpleNamespace(replay=replay)

    def settle(self): ...

    def mark(self):
        return SimpleNamespace(synchronize=lambda: None)


def pack(name, told, capturing=lambda: None, leave=lambda done, steps: False):
    return Training(spec(), [1], DATA, graphs=Told(name, told, capturing), leave=leave)


def in_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def begins(name, told, together, device="cpu", capturing=lambda: None, waiting=None):
    """A thread that trains an epoch of a pack once all of `together` have begun. `waiting`: set when the pack
    waits for others."""

    def leave(done, steps):
        if waiting is not None:
            waiting.set()
        return False

    def run():
        with STARTS.begun(device):
            together.wait(HANGS)
            pack(name, told, capturing, leave).run_epoch()

    return in_thread(run)


def test_no_pack_replays_before_all_that_began_with_it_have_captured():
    told, together = [], threading.Barrier(3)
    waits = [threading.Event(), threading.Event()]

    def last():
        """Captures only when both others have, and wait."""
        assert all(wait.wait(HANGS) for wait in waits)

    # The one that captures last must not hold the right to start while the others need it.
    may_start = threading.Event()

    def third():
        with STARTS.begun("cpu"):
            together.wait(HANGS)
            may_start.wait(HANGS)
            pack("c", told, last).run_epoch()

    threads = [begins(name, told, together, waiting=w) for name, w in zip("ab", waits, strict=True)]
    threads.append(in_thread(third))
    assert all(wait.wait(HANGS) for wait in waits)
    assert {what for _, what in told} == {"captured"}
    may_start.set()
    for thread in threads:
        thread.join(HANGS)
    first = [what for _, what in told].index("replayed")
    assert {name for name, _ in told[:first]} == set("abc")
    assert {name for name, what in told[first:] if what == "replayed"} == set("abc")
    assert not [name for name, what in told[first:] if what == "captured"]


def test_a_late_pack_stops_none_that_replays():
    told, entered, leave = [], threading.Event(), threading.Event()
    with STARTS.begun("cpu"):
        first = pack("a", told)
        first.run_epoch()

    def late():
        with STARTS.begun("cpu"):
            entered.set()
            leave.wait(HANGS)

    thread = in_thread(late)
    assert entered.wait(HANGS)
    first.run_epoch()  # in this thread, and returns
    assert told.count(("a", "replayed")) == 2 * 15 - 3
    leave.set()
    thread.join(HANGS)


def test_who_comes_later_is_not_waited_for():
    """Or where packs are short, each would wait for the next."""
    starts, waiting, over = Starts(), threading.Event(), threading.Event()
    entered, end = threading.Event(), threading.Event()

    def slow():
        with starts.begun("cpu") as start:
            entered.set()
            end.wait(HANGS)
            start.over()
            over.wait(HANGS)

    def waits():
        with starts.begun("cpu"):
            starts.all_over(lambda: bool(waiting.set()))

    in_thread(slow)
    assert entered.wait(HANGS)
    first = in_thread(waits)
    assert waiting.wait(HANGS)
    with starts.begun("cpu"):  # late, and under way to the end of this test
        end.set()
        first.join(HANGS)
        assert not first.is_alive()
    over.set()


@pytest.mark.parametrize("said", [True, False])
def test_a_start_that_fails_lets_the_others_go_on(said):
    told, together, waiting = [], threading.Barrier(2), threading.Event()

    def fails():
        with STARTS.begun("cpu") as start:
            together.wait(HANGS)
            assert waiting.wait(HANGS)
            if said:
                start.over()
                assert done.wait(HANGS), "while this one is still busy with its failure"

    done = threading.Event()
    other = in_thread(fails)
    with STARTS.begun("cpu"):
        together.wait(HANGS)
        pack("a", told, leave=lambda *_: bool(waiting.set())).run_epoch()
    done.set()
    other.join(HANGS)
    assert told.count(("a", "replayed")) == 15 - 3


def test_a_start_that_raises_within_its_capture_lets_the_others_go_on():
    told, together, waiting = [], threading.Barrier(2), threading.Event()
    raised = []

    def fails():
        def full():
            raise MemoryError

        try:
            with STARTS.begun("cpu"):
                together.wait(HANGS)
                assert waiting.wait(HANGS)
                pack("b", told, full).run_epoch()
        except MemoryError as error:
            raised.append(error)

    other = in_thread(fails)
    with STARTS.begun("cpu"):
        together.wait(HANGS)
        pack("a", told, leave=lambda *_: bool(waiting.set())).run_epoch()
    other.join(HANGS)
    assert raised
    assert ("a", "replayed") in told


def test_who_is_to_end_does_not_wait():
    told, entered, end = [], threading.Event(), threading.Event()

    def slow():
        with STARTS.begun("cpu"):
            entered.set()
            end.wait(HANGS)

    in_thread(slow)
    assert entered.wait(HANGS)
    with STARTS.begun("cpu"):
        left = pack("a", told, leave=lambda done, steps: True)
        with pytest.raises(LeftWithin):
            left.run_epoch()
    end.set()
    assert left.steps == 3
    assert ("a", "replayed") not in told
    whole, again = pack("b", []), pack("c", [])
    again.load_state(left.state())
    assert again.run_epoch() == whole.run_epoch()


def test_nobody_waits_for_another_gpu_nor_forever(monkeypatch):
    starts, entered, end = Starts(), threading.Event(), threading.Event()

    def slow():
        with starts.begun("cuda:0"):
            entered.set()
            end.wait(HANGS)

    in_thread(slow)
    assert entered.wait(HANGS)
    asked = []
    with starts.begun("cuda:1"):
        starts.all_over(lambda: bool(asked.append(1)))
    assert not asked
    monkeypatch.setattr("model.starts._MOST", 0.0)
    with starts.begun("cuda:0"):
        starts.all_over(lambda: False)
        starts.all_over(lambda: bool(asked.append(1)))  # a second start of the same pack, as after a halving
    starts.all_over(lambda: bool(asked.append(1)))  # without a start of its own
    assert not asked
    end.set()
