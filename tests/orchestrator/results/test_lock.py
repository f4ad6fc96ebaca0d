"""One driver for one folder: the second stops, a dead one's lock is taken over."""

import errno
import itertools
import os
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from model.errors import InputError
from orchestrator.results import lock as locks
from orchestrator.results import note_file
from orchestrator.results.files import Files
from orchestrator.results.hold import NAME
from orchestrator.results.lock import Lock, is_held
from tests.helpers.conditional import ConditionalS3, RefusedError
from tests.helpers.waiting import until


@pytest.fixture(params=["disk", "memory", "s3"])
def files(request, tmp_path, monkeypatch):
    monkeypatch.setattr(note_file, "SETTLE", 0.0)
    if request.param == "disk":
        return Files(str(tmp_path))
    if request.param == "s3":
        store = ConditionalS3()
        monkeypatch.setattr(Files, "_open", lambda files: vars(files).update(fs=store, root="bucket"))
        return Files("s3://bucket")
    return Files(f"memory://{tmp_path.name}-{time.monotonic_ns()}")


@pytest.fixture
def at_each_look(monkeypatch):
    """Half a minute of watching takes no time; what is set is done before each look."""
    clock = SimpleNamespace(now=0.0, then=lambda: None)

    def sleep(seconds):
        clock.now += seconds
        clock.then()

    monkeypatch.setattr(
        locks, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now, time=time.time)
    )
    return clock


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


@pytest.mark.parametrize("age", [0.0, 3600.0, -3600.0])
def test_a_holder_elsewhere_that_beats_is_alive_whatever_its_clock_says(files, at_each_look, age):
    beats = itertools.count(4)

    def beat():
        if at_each_look.now == 9.0:
            files.write_json(NAME, note(beat=next(beats), time=time.time() - age))

    at_each_look.then = beat
    files.write_json(NAME, note(time=time.time() - age))
    with pytest.raises(InputError, match="in use by process 7 on elsewhere"), Lock(files, "x"):
        pass
    assert at_each_look.now == 9.0, "it was told as soon as that was clear"
    assert files.read_json(NAME)["token"] == "theirs"


@pytest.mark.parametrize("age", [0.0, 3600.0, -3600.0], ids=["just now", "old", "the clock went back"])
def test_a_holder_elsewhere_without_a_beat_is_dead(files, at_each_look, age):
    """Killed a moment ago, say, and started again on another host: it waits for the lease to end."""
    files.write_json(NAME, note(time=time.time() - age))
    with Lock(files, "x") as lock:
        assert 25.0 <= at_each_look.now <= 27.0
        assert files.read_json(NAME)["token"] == lock.token
    assert files.read_json(NAME) is None


def test_a_holder_elsewhere_that_leaves_meanwhile_is_waited_for(files, at_each_look):
    at_each_look.then = lambda: files.remove(NAME)
    files.write_json(NAME, note())
    with Lock(files, "x"):
        assert at_each_look.now == 1.0


def test_a_dead_process_of_this_machine_is_taken_over_at_once(files):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    files.write_json(NAME, of_this_machine(files, pid=dead.pid))
    with Lock(files, "x"):
        assert is_held(files)["pid"] == os.getpid()


def test_a_number_used_again_is_another_process(files):
    files.write_json(NAME, of_this_machine(files, pid=1, process="not the one"))
    with Lock(files, "x"):
        pass


def test_a_damaged_note_holds_nothing(files):
    files.write(NAME, b"{")
    with Lock(files, "x"):
        pass


def test_told_when_taken_over(files, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.05)
    told = []
    with Lock(files, "x", lost=told.append):
        files.write_json(NAME, note())
        until(lambda: told, 10)
    assert "taken over by process 7" in told[0]
    assert files.read_json(NAME)["token"] == "theirs", "and it is left to them"


def test_it_beats(files, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.02)
    with Lock(files, "x", running=lambda: ["a", "b"]):
        until(lambda: files.read_json(NAME)["beat"] >= 2, 10)
        assert files.read_json(NAME)["running"] == ["a", "b"]


def test_of_two_that_find_a_dead_note_one_holds_the_folder(tmp_path, monkeypatch):
    """The other is quicker, between this one's look and its grasp."""
    files = Files(str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    files.write_json(NAME, of_this_machine(files, pid=dead.pid))
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

    monkeypatch.setattr(note_file.os, "link", gone)
    with pytest.raises(FileNotFoundError), Lock(Files(str(folder)), "run"):
        pass
    assert not folder.exists()


# -- in a bucket with conditional writes -----------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch):
    """Two drivers' views of one bucket, and its store."""
    monkeypatch.setattr(note_file, "SETTLE", 0.0)
    store = ConditionalS3()
    monkeypatch.setattr(Files, "_open", lambda files: vars(files).update(fs=store, root="bucket"))
    return Files("s3://bucket"), Files("s3://bucket"), store


def test_of_two_that_saw_no_note_one_holds_the_bucket(bucket):
    mine, theirs, _ = bucket
    slow, quick = note_file.BucketNote(mine, "slow"), note_file.BucketNote(theirs, "quick")
    assert slow.look() is quick.look() is None
    quick.take(note(token="quick"))
    with pytest.raises(note_file.TakenError):
        slow.take(note(token="slow"))
    assert mine.read_json(NAME)["token"] == "quick"


def test_of_two_that_found_a_dead_note_one_holds_the_bucket(bucket):
    mine, theirs, _ = bucket
    mine.write_json(NAME, note())
    slow, quick = note_file.BucketNote(mine, "slow"), note_file.BucketNote(theirs, "quick")
    assert slow.look()["token"] == quick.look()["token"] == "theirs"
    quick.take(note(token="quick"))
    with pytest.raises(note_file.TakenError) as caught:
        slow.take(note(token="slow"))
    assert caught.value.note["token"] == "quick"


def test_a_beat_that_comes_after_another_took_over_changes_nothing(bucket):
    mine, theirs, _ = bucket
    late, new = note_file.BucketNote(mine, "late"), note_file.BucketNote(theirs, "new")
    late.look()
    late.take(note(token="late"))
    new.look()
    new.take(note(token="new"))
    with pytest.raises(note_file.TakenError):
        late.keep(note(token="late", beat=9))
    with pytest.raises(RefusedError):
        late.remove()
    assert mine.read_json(NAME)["token"] == "new"


def test_a_write_whose_answer_is_lost_was_done(bucket, monkeypatch):
    mine, _, store = bucket
    one, real = note_file.BucketNote(mine, "one"), store.pipe_file

    def lost(*arguments, **options):
        real(*arguments, **options)
        raise TimeoutError("no answer")

    monkeypatch.setattr(store, "pipe_file", lost)
    one.look()
    one.take(note(token="one"))
    one.keep(note(token="one", beat=1))
    monkeypatch.undo()
    one.remove()
    assert mine.read_json(NAME) is None


def test_a_store_that_knows_no_conditions(bucket, monkeypatch):
    """As one that answers 501, which s3fs tells as ENOSYS: written all the same, and read again."""
    mine, _, store = bucket
    real = store.pipe_file

    def plain(path, data, **only):
        if only:
            raise OSError(errno.ENOSYS, "A header you provided implies functionality that is not implemented")
        return real(path, data)

    monkeypatch.setattr(store, "pipe_file", plain)
    one = note_file.BucketNote(mine, "one")
    one.look()
    one.take(note(token="one"))
    one.keep(note(token="one", beat=1))
    assert mine.read_json(NAME)["beat"] == 1
    one.remove()
    assert mine.read_json(NAME) is None
