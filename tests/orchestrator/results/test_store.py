"""The store: the same contract on a disk and in an object store (fsspec's own, in memory)."""

import errno
import os
import uuid

import pytest

from model.errors import InputError
from orchestrator.results.files import Files
from orchestrator.results.storage_errors import LostError, StorageError
from orchestrator.results.store import Store
from tests.helpers.tiny import trial


@pytest.fixture(params=["disk", "memory"])
def store(request, tmp_path):
    if request.param == "disk":
        return Store(str(tmp_path / "sweep"))
    return Store(f"memory://{uuid.uuid4().hex}/sweep")


TRIALS = [trial(seed=s) for s in (1, 2)]
FACTS = {"imagefolder": {"fingerprint": "abc"}}


def test_an_empty_place_holds_nothing(store):
    assert store.sweep() is None
    assert store.scan() == {}
    assert store.states(["nothing-there"])["nothing-there"].status == "missing"


def test_the_life_of_a_trial(store):
    store.open(TRIALS)
    one = TRIALS[0].trial_id
    assert {s.status for s in store.scan().values()} == {"missing"}
    store.write_checkpoint(one, 1, b"a")
    store.write_checkpoint(one, 2, b"b")
    store.write_history(one, {"pack": [one], "epochs": []})
    assert store.scan()[one].status == "partial"
    assert store.scan()[one].epochs == (1, 2)
    assert store.read_checkpoint(one, 2) == b"b"
    store.drop_checkpoints(one, [1])
    assert store.scan()[one].epochs == (2,)
    store.write_failure(one, {"attempts": 1, "error": "x"})
    assert store.scan()[one].status == "failed"
    store.write_result(one, {"status": "done"})
    state = store.scan()[one]
    assert (state.status, state.finished, state.failure) == ("done", True, None)
    assert store.states([one])[one] == state


def test_what_is_finished_is_not_read_again(store):
    store.open(TRIALS)
    one, two = (t.trial_id for t in TRIALS)
    store.write_result(one, {"status": "done"})
    known = store.scan()
    store.files.write(f"trials/{one}/result.json", b"not looked at")
    store.write_result(two, {"status": "diverged"})
    again = store.scan(known=known)
    assert [(i, again[i].status) for i in sorted(again)] == [(one, "done"), (two, "diverged")]
    store.files.remove(f"trials/{one}/result.json")
    assert store.scan(known=again)[one].status == "missing"


def test_declaring_again_keeps_the_beginning(store):
    store.declare("x", TRIALS[:1], data=FACTS)
    created = store.sweep()["created"]
    store.declare("x", TRIALS, data=FACTS)
    assert store.sweep()["created"] == created
    assert list(store.sweep()["trials"]) == [t.trial_id for t in TRIALS]


def test_other_data_is_refused(store):
    store.declare("x", TRIALS, data=FACTS)
    with pytest.raises(InputError, match="other imagefolder"):
        store.declare("x", TRIALS, data={"imagefolder": {"fingerprint": "def"}})


def test_an_incompatible_trial_shows_the_difference(store):
    store.open(TRIALS)
    name = f"trials/{TRIALS[0].trial_id}/trial.json"
    store.files.write_json(name, {**TRIALS[0].identity, "batch_size": 99, "protocol": 0})
    with pytest.raises(InputError, match=r"batch_size: 99 there, 4 declared; protocol: 0 there, 1 declared"):
        store.open(TRIALS)


def test_damaged_json_is_ignored_with_a_warning(store):
    store.open(TRIALS)
    one = TRIALS[0].trial_id
    store.files.write(f"trials/{one}/result.json", b'{"status": "do')
    state = store.scan()[one]
    assert not state.finished
    assert "result.json is damaged" in state.warnings[0]
    store.files.write(f"trials/{one}/trial.json", b"rubbish")
    store.open(TRIALS)
    assert store.identities([one])[one] == TRIALS[0].identity


def test_a_damaged_sweep_is_an_error(store):
    store.files.write("sweep.json", b"{")
    with pytest.raises(InputError, match=r"sweep\.json is damaged"):
        store.sweep()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a\\..\\b"])
def test_names_never_leave_the_folder(store, name):
    with pytest.raises(ValueError, match="not a name inside"):
        store.files.path(name)


def test_strange_folders_are_no_trials(store):
    store.files.write_json("trials/Strange Name/trial.json", {})
    store.files.write_json("trials/no-identity/result.json", {})
    assert store.scan() == {}


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    files = Files(str(tmp_path))
    files.write_json("a.json", {"x": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space"):
        files.write_json("a.json", {"x": 2})
    monkeypatch.undo()
    assert files.read_json("a.json") == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_symbolic_links_are_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "trial.json").write_text("{}")
    store = Store(str(tmp_path / "sweep"))
    store.open(TRIALS[:1])
    (tmp_path / "sweep" / "trials" / "link").symlink_to(tmp_path / "outside")
    assert list(store.scan()) == [TRIALS[0].trial_id]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Files(str(tmp_path / "file" / "sweep")).writable()


def test_an_unknown_scheme():
    with pytest.raises(InputError, match="nosuch"):
        Files("nosuch://bucket/x")


def test_a_file_larger_than_any_of_ours_is_not_read(store, monkeypatch):
    store.open(TRIALS[:1])
    one = TRIALS[0].trial_id
    store.write_result(one, {"status": "done", "padding": "x" * 5000})
    assert store.scan()[one].finished
    monkeypatch.setattr("orchestrator.results.json_file.MAX_JSON_BYTES", 4000)
    if store.files.local:
        assert not store.scan()[one].finished
    with pytest.raises(ValueError, match="larger"):
        store.files.read_json(f"trials/{one}/result.json")


@pytest.mark.parametrize(
    "content", [{"format": 1}, {"format": "2"}, {"format": 1, "name": "x", "trials": [], "data": {}}]
)
def test_what_is_whole_and_yet_no_sweep(store, content):
    store.files.write_json("sweep.json", content)
    with pytest.raises(InputError, match="no sweep of this version"):
        store.sweep()
    store.declare("x", TRIALS, data=FACTS)
    assert len(store.sweep()["trials"]) == 2
    assert store.files.read("sweep.json.damaged")


def test_a_result_is_written_once(store):
    """Whatever the lock says; the same one again is no harm, and a damaged one is made anew."""
    store.open([trial()])
    one = trial().trial_id
    store.write_result(one, {"status": "done", "test_error": 0.5})
    store.write_result(one, {"status": "done", "test_error": 0.5})
    for attempt in (
        lambda: store.write_result(one, {"status": "done", "test_error": 0.7}),
        lambda: store.write_weights(one, b"other"),
        lambda: store.write_checkpoint(one, 1, b"other"),
    ):
        with pytest.raises(LostError, match=f"another run has finished {one}"):
            attempt()
    assert store.files.names(f"trials/{one}") == {"trial.json", "result.json"}
    assert store.scan()[one].result["test_error"] == 0.5
    store.files.write(f"trials/{one}/result.json", b"{")
    store.write_result(one, {"status": "done", "test_error": 0.7})
    assert store.scan()[one].result["test_error"] == 0.7


def test_a_disk_without_links_still_keeps_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", refuses)
    files = Files(str(tmp_path))
    files.write("a", b"1", once=True)
    with pytest.raises(FileExistsError):
        files.write("a", b"2", once=True)
    assert files.read("a") == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def refuses(*_):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_half_a_character_is_damage(store):
    """No file and no terminal can hold it; two halves in the right order are one character."""
    store.open(TRIALS[:1])
    store.write_result(TRIALS[0].trial_id, {"status": "done", "worker": "\ud83d"})
    assert store.scan()[TRIALS[0].trial_id].status == "missing"
    store.files.write_json("whole.json", {"text": "\U0001f600"})
    assert store.files.read_json("whole.json") == {"text": "\U0001f600"}


@pytest.mark.parametrize(
    "more",
    [{"test_error": 101}, {"test_error": "12"}, {"seed": [1], "epochs_run": -1}, {"pack": 7}, {"status": []}],
)
def test_a_result_whose_values_cannot_be_is_damage(store, more):
    store.open(TRIALS[:1])
    store.write_result(TRIALS[0].trial_id, {"status": "done", **more})
    state = store.scan()[TRIALS[0].trial_id]
    assert state.status == "missing"
    assert "result.json is damaged" in state.warnings[0]


def test_equal_parts_of_results_are_kept_once(tmp_path):
    """A hundred thousand of them fit into memory; each says what its file says."""
    store = Store(str(tmp_path))
    one, two = trial(seed=1), trial(seed=2)
    for t, threads in ((one, "1"), (two, "1")):
        said = {"status": "done", "trial_id": t.trial_id, "norm": "bn", "provenance": {"threads": threads}}
        store.write_result(t.trial_id, said)
    first, second = (state.result for state in store.states([one.trial_id, two.trial_id]).values())
    assert first == store.files.read_json(f"trials/{one.trial_id}/result.json")
    assert first["provenance"] is second["provenance"]
    assert (first["trial_id"], second["trial_id"]) == (one.trial_id, two.trial_id)
