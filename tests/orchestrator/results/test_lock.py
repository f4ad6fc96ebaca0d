"""One driver for one folder: the second stops, a dead one's lock is taken over."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from model.errors import InputError
from orchestrator.results import lock as locks
from orchestrator.results.files import Files
from orchestrator.results.lock import Lock, is_held
from tests.helpers.waiting import until


@pytest.fixture(params=["disk", "memory"])
def files(request, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_SETTLE", 0.0)
    if request.param == "disk":
        return Files(str(tmp_path))
    return Files(f"memory://{tmp_path.name}-{time.monotonic_ns()}")


def note(**changes):
    """Of a holder on another machine, which cannot be seen."""
    fields = {"token": "theirs", "host": "elsewhere", "pid": 7, "process": "1", "machine": "other", "beat": 3}
    fields |= {"command": "python -m orchestrator.run", "started": "2026-01-01T00:00:00+00:00", "running": []}
    return {**fields, "time": time.time(), **changes}


def of_this_machine(files, **changes):
    """Of a process of this machine, which can be looked up."""
    with Lock(files, "only to see what this machine is called"):
        machine = is_held(files)["machine"]
    return note(machine=machine, **changes)


def test_held_while_the_block_runs_and_free_after(files):
    with Lock(files, "one", running=lambda: ["a"]):
        assert is_held(files)["running"] == ["a"]
        assert is_held(files)["pid"] == os.getpid()
        with (
            pytest.raises(InputError, match=f'in use by process {os.getpid()} on .* \\("one"\\)'),
            Lock(files, "two"),
        ):
            raise AssertionError("held twice")
        assert is_held(files)["command"] == "one", "the second took nothing away"
    assert is_held(files) is None
    with Lock(files, "three"):
        pass


def test_a_living_holder_elsewhere_is_believed(files):
    files.write_json(locks.NAME, note())
    with pytest.raises(InputError, match="process 7 on elsewhere"), Lock(files, "x"):
        pass


def test_a_dead_process_of_this_machine_is_taken_over_at_once(files):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    files.write_json(locks.NAME, of_this_machine(files, pid=dead.pid))
    with Lock(files, "x"):
        assert is_held(files)["pid"] == os.getpid()


def test_a_number_used_again_is_another_process(files):
    files.write_json(locks.NAME, of_this_machine(files, pid=1, process="not the one"))
    with Lock(files, "x"):
        pass


@pytest.mark.parametrize("age", [3600.0, -3600.0], ids=["old", "from the future: the clock went back"])
def test_a_holder_elsewhere_without_a_beat_is_dead(files, monkeypatch, age):
    monkeypatch.setattr(locks, "_WATCH", 0.2)
    files.write_json(locks.NAME, note(time=time.time() - age))
    with Lock(files, "x"):
        pass


@pytest.mark.parametrize("age", [3600.0, -3600.0])
def test_a_holder_elsewhere_that_beats_is_alive_whatever_its_clock_says(files, monkeypatch, age):
    monkeypatch.setattr(locks, "_WATCH", 5.0)
    files.write_json(locks.NAME, note(time=time.time() - age))
    real, calls = locks.holder, []

    def beating(of):
        calls.append(1)
        found = real(of)
        return {**found, "beat": len(calls)} if found else found

    monkeypatch.setattr(locks, "holder", beating)
    with pytest.raises(InputError, match="in use"), Lock(files, "x"):
        pass


def test_a_damaged_note_holds_nothing(files):
    files.write(locks.NAME, b"{")
    with Lock(files, "x"):
        pass


def test_told_when_taken_over(files, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.05)
    told = []
    with Lock(files, "x", lost=told.append):
        files.write_json(locks.NAME, note())
        until(lambda: told, 10)
    assert "taken over by process 7" in told[0]
    assert files.read_json(locks.NAME)["token"] == "theirs", "and it is left to them"


def test_it_beats(files, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.02)
    with Lock(files, "x", running=lambda: ["a", "b"]):
        until(lambda: files.read_json(locks.NAME)["beat"] >= 2, 10)
        assert files.read_json(locks.NAME)["running"] == ["a", "b"]


def test_of_two_that_find_a_dead_note_one_holds_the_folder(tmp_path, monkeypatch):
    """The other is quicker, between this one's look and its grasp."""
    files = Files(str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    files.write_json(locks.NAME, of_this_machine(files, pid=dead.pid))
    slow, quick = Lock(files, "slow"), Lock(files, "quick")
    real = os.rename

    def late(*paths):
        monkeypatch.setattr(os, "rename", real)
        quick.__enter__()
        real(*paths)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(InputError, match="quick"):
        slow.__enter__()
    assert is_held(files)["command"] == "quick"
    quick.__exit__()
    assert is_held(files) is None


def test_a_folder_that_goes_away_while_the_lock_is_made_is_not_made_again(tmp_path, monkeypatch):
    folder, link = tmp_path / "results", os.link

    def gone(*names):
        shutil.move(folder, tmp_path / "elsewhere")
        link(*names)

    monkeypatch.setattr("orchestrator.results.lock.os.link", gone)
    with pytest.raises(FileNotFoundError), Lock(Files(str(folder)), "run"):
        pass
    assert not folder.exists()
