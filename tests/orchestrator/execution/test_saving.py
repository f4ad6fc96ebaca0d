"""The files of a pack, written side by side: what a kill or a failure in the middle leaves."""

import threading

import pytest
import torch

from orchestrator.execution.resumption import TrialRecord
from orchestrator.execution.saving import Saving, Voice
from orchestrator.planning.plan import common_epoch
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from tests.helpers.tiny import trial

TRIALS = [trial(seed=seed) for seed in range(5)]
IDS = [one.trial_id for one in TRIALS]


def entry(epoch):
    return {"epoch": epoch, "seconds": 1.0, "ended": 1.0, "test_error": 50.0}


def train(saving, epochs, begun=0):
    """So many epochs of five trials, with nothing computed."""
    stretch = {"first": 1, "last": 1, "pack": IDS, "provenance": {}}
    records = [TrialRecord(i, [entry(e) for e in range(1, begun + 1)], [stretch]) for i in IDS]
    for epoch in range(begun + 1, begun + epochs + 1):
        for record in records:
            record.epochs.append(entry(epoch))
        saving.epoch(records, [{"epoch": epoch, "weights": {"w": torch.zeros(3)}} for _ in records])


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path / "sweep"))
    made.open(TRIALS)
    return made


def test_they_are_written_side_by_side(store, monkeypatch):
    """Each waits until all five are being written."""
    all_there, write = threading.Barrier(5, timeout=30), store.files.write

    def together(name, data, **how):
        all_there.wait()
        write(name, data, **how)

    monkeypatch.setattr(store.files, "write", together)
    with Saving(store, Voice(print)) as saving:
        train(saving, 2)
    assert {state.epochs for state in store.states(IDS).values()} == {(1, 2)}


def test_room_is_made_while_the_next_epoch_trains(store, monkeypatch):
    may, remove = threading.Event(), store.files.remove

    def slowly(name):
        assert may.wait(30)
        remove(name)

    monkeypatch.setattr(store.files, "remove", slowly)
    with Saving(store, Voice(print)) as saving:
        train(saving, 3)  # would wait for ever
        may.set()
    assert {state.epochs for state in store.states(IDS).values()} == {(2, 3)}


@pytest.mark.parametrize("failing", [1, 3, 5, 6, 8, 11, 13, 17, 23, 28, 32, 33, 36, 39, 44])
def test_whatever_fails_what_is_told_of_one_can_go_on_for_all(store, monkeypatch, failing):
    """The n-th request and all after it fail, of fifty: no history is ahead of the last checkpoint that
    all have, and the next to last of them is there too."""
    count, lock = 0, threading.Lock()

    def counted(action):
        def attempt(*args, **how):
            nonlocal count
            with lock:
                count += 1
                if count >= failing:
                    raise StorageError("gone")
            action(*args, **how)

        return attempt

    for name in ("write", "remove"):
        monkeypatch.setattr(store.files, name, counted(getattr(store.files, name)))
    with pytest.raises(StorageError), Saving(store, Voice(print)) as saving:
        train(saving, 4)
    monkeypatch.undo()
    states = store.states(IDS)
    common = common_epoch(state.epochs for state in states.values())
    assert all(len(state.records) <= common for state in states.values())
    assert all(common - 1 in state.epochs for state in states.values() if common > 1)
    with Saving(store, Voice(print)) as saving:
        train(saving, 2, begun=common)
    assert all({common + 1, common + 2} <= {*state.epochs} for state in store.states(IDS).values())


def test_what_waits_is_said_in_the_thread_that_reports(store, monkeypatch):
    told = []
    voice = Voice(lambda text: told.append((text, threading.current_thread())))
    monkeypatch.setattr(store, "write_history", lambda *_: voice("waiting for the bucket"))
    with Saving(store, voice) as saving:
        train(saving, 1)
    assert told == [("waiting for the bucket", threading.current_thread())], "once, though five wait"
