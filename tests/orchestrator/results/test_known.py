"""What was read of finished trials is read again only where a file has changed: counted in reads, not seconds."""

import gzip
import os
import threading
import time

import pytest

from orchestrator.bench import tiny_sweep
from orchestrator.bench.finished import write_finished
from orchestrator.grid.parse import find
from orchestrator.results import known, listing
from orchestrator.results.damage import damage
from orchestrator.results.known import Known
from orchestrator.results.store import Store
from tests.helpers.many_files import reads

TRIALS = 12


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A sweep of finished trials, which changed long enough ago, as if it were a large one."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(listing, "SETTLED", -1.0)
    monkeypatch.setattr(known, "LEAST", 2)
    trials = find(str(tiny_sweep.grid(tmp_path, "finished", TRIALS, epochs=2))).trials()
    write_finished(Store(str(tmp_path / "sweep")), trials, epochs=2)
    return str(tmp_path / "sweep")


@pytest.fixture
def look(folder, monkeypatch):
    """Call it: a look as of a new process. Gives states, sentences of damage, and the trials of which files were
    read."""

    def looked():
        monkeypatch.setattr(known, "_ALL", {})
        store = Store(folder)
        with reads(folder) as names:
            states = store.scan(history="check")
            said = damage(store, states)
        return states, said, {name.split("/")[1] for name in names}

    return looked


def test_a_second_process_reads_nothing_and_sees_the_same(look):
    (states, said, read), (again, said_again, read_again) = look(), look()
    assert len(read) == len(states) == TRIALS
    assert read_again == set()
    assert again == states
    assert said == said_again == []


def changed(path, content):
    path.write_bytes(content)


def replaced(path, content):
    """By a file of the same size, whose time of modification is that of the old one."""
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def overwritten(path, content):
    """In place, and the time of modification set back: the inode is the old one too."""
    before = path.stat()
    changed(path, content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [changed, replaced, overwritten])
@pytest.mark.parametrize("name", ["result.json", "history.json", "trial.json", "weights.pt"])
def test_a_changed_file_is_noticed(look, folder, tmp_path, name, change):
    states, _, _ = look()
    one = sorted(states)[3]
    path = tmp_path / "sweep" / "trials" / one / name
    time.sleep(0.01)  # a tick of the kernel's clock
    content = path.read_bytes()
    change(path, content[:40] + bytes([content[40] ^ 1]) + content[41:])
    after, said, read = look()
    assert read == {one}
    assert any(one in line for line in [*said, *after[one].warnings])


def test_what_is_not_sound_is_looked_at_each_time(look, folder, tmp_path):
    one, other = sorted(os.listdir(f"{folder}/trials"))[:2]
    (tmp_path / "sweep" / "trials" / one / "weights.pt").unlink()
    (tmp_path / "sweep" / "trials" / other / "trial.json").write_text("{}")
    looks = [look() for _ in range(2)]
    assert looks[1][2] == {one, other}
    assert looks[0][1] == looks[1][1]
    assert len(looks[0][1]) == 2


def test_what_changed_just_now_is_not_kept(look, monkeypatch):
    monkeypatch.setattr(listing, "SETTLED", 10.0)
    assert len(look()[2]) == len(look()[2]) == TRIALS


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", *(gzip.compress(text, mtime=0) for text in (b"", b'{"format": 1}\n', b"\xff[[[\n"))],
    ids=["empty", "no archive", "nothing", "another head", "no JSON"],
)
def test_a_damaged_file_of_results_is_as_none(look, tmp_path, content):
    states = look()[0]
    (file,) = (tmp_path / "cache").glob("results-*")
    whole = file.read_bytes()
    file.write_bytes(content)
    after, said, read = look()
    assert (after, said, len(read)) == (states, [], TRIALS)
    file.write_bytes(whole[: len(whole) // 2])
    after, said, read = look()
    assert (after, said, len(read)) == (states, [], TRIALS)
    assert look()[2] == set()  # it was written anew


def test_a_bit_of_it_that_fell_over_is_damage(look, tmp_path):
    look()
    (file,) = (tmp_path / "cache").glob("results-*")
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 4
    file.write_bytes(whole)
    assert len(look()[2]) == TRIALS


def test_a_file_of_another_folder_is_not_believed(look, tmp_path, folder):
    look()
    (file,) = (tmp_path / "cache").glob("results-*")
    os.rename(folder, f"{folder}-2")
    other = Known(f"{folder}-2")
    file.rename(file.with_name(known._path(f"{folder}-2").name))
    other.expect(TRIALS)
    assert other._entries == {}


def test_where_nothing_can_be_kept_all_is_read(look, tmp_path, monkeypatch):
    states = look()[0]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "file" / "cache"))
    after, said, read = look()
    assert (after, said, len(read)) == (states, [], TRIALS)


def test_a_small_sweep_leaves_no_file(look, tmp_path, monkeypatch):
    monkeypatch.setattr(known, "LEAST", TRIALS + 1)
    look()
    assert not list((tmp_path / "cache").glob("results-*"))


def test_two_that_write_at_once_leave_one_whole_file(look, folder, tmp_path):
    states = look()[0]
    entries = [(i, state.version, state.result) for i, state in states.items()]
    (file,) = (tmp_path / "cache").glob("results-*")

    def write():
        for _ in range(20):
            Known(os.path.realpath(folder)).keep(entries)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert file.exists()
        assert len(known._read(file, os.path.realpath(folder))) == TRIALS
    assert not list((tmp_path / "cache").glob("*.part"))


def test_files_of_the_sweeps_looked_at_last_are_left(look, tmp_path, monkeypatch):
    states = look()[0]
    entries = [(i, state.version, state.result) for i, state in states.items()]
    for number in range(20):
        Known(f"/nowhere/{number}").keep(entries)
    assert len(list((tmp_path / "cache").glob("results-*"))) == 16


def test_a_later_scan_of_the_same_process_reads_nothing_new(folder):
    store = Store(folder)
    damage(store, store.scan(history="check"))
    with reads(folder) as names:
        damage(store, store.scan())
    assert names == []
