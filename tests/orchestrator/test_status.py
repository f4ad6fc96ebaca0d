"""Where a sweep stands, told from its folder."""

import json
import time
from datetime import UTC, datetime

import pytest

from orchestrator.results.files import Files
from orchestrator.results.lock import Lock
from orchestrator.results.store import Store
from orchestrator.status import main, status
from tests.helpers.tiny import trial

DONE, RUNNING, WAITING, FAILED, DIVERGED, OLD, FRESH = (trial(seed=s) for s in range(1, 8))


@pytest.fixture
def folder(tmp_path):
    store = Store(str(tmp_path))
    declared = [DONE, RUNNING, WAITING, FAILED, DIVERGED, FRESH]
    store.declare("tiny", declared, data={"imagefolder": {"fingerprint": "x", "train_size": 20}})
    store.open([DONE, RUNNING, WAITING, FAILED, DIVERGED, OLD])
    entry = {"epoch": 2, "worker": "gpu7/123", "ended": time.time() - 65}
    for t in (RUNNING, WAITING):
        store.write_checkpoint(t.trial_id, 2, b"x")
        store.write_history(t.trial_id, {"pack": [t.trial_id], "epochs": [{"epoch": 1}, entry]})
    store.write_result(DONE.trial_id, {"status": "done"})
    store.write_result(DIVERGED.trial_id, {"status": "diverged", "diverged_at": 2})
    store.write_failure(FAILED.trial_id, {"attempts": 3, "error": "RuntimeError: boom"})
    return tmp_path


def test_every_state(folder):
    with Lock(Files(str(folder)), "the command", running=lambda: [RUNNING.trial_id]):
        found = status(str(folder))
    states = {t["trial_id"]: t["state"] for t in found["trials"]}
    assert states == {
        DONE.trial_id: "done",
        RUNNING.trial_id: "running",
        WAITING.trial_id: "waiting",
        FAILED.trial_id: "failed",
        DIVERGED.trial_id: "diverged",
        FRESH.trial_id: "waiting",
        OLD.trial_id: "undeclared",
    }
    assert found["counts"] == {
        "done": 1,
        "diverged": 1,
        "running": 1,
        "waiting": 2,
        "failed": 1,
        "undeclared": 1,
    }
    assert found["held_by"]["command"] == "the command"
    running = next(t for t in found["trials"] if t["state"] == "running")
    assert (running["epoch"], running["epochs"], running["worker"]) == (2, 3, "gpu7/123")


def test_nothing_runs_where_nobody_holds_it(folder):
    found = status(str(folder))
    assert found["held_by"] is None
    assert found["counts"]["running"] == 0


def test_for_a_person_and_for_a_program(folder, capsys):
    with Lock(Files(str(folder)), "x", running=lambda: [RUNNING.trial_id]):
        assert main([str(folder)]) == 0
        out = capsys.readouterr().out
        for part in ("1 done", "1 running", "gpu7/123", "2/3", "RuntimeError: boom", "1 no longer declared"):
            assert part in out
        assert main([str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"


@pytest.mark.parametrize("content", [None, b"{"])
def test_no_sweep(tmp_path, capsys, content):
    if content:
        (tmp_path / "sweep.json").write_bytes(content)
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_of_a_finished_trial_the_result_says_where_it_stands(folder):
    said = {"status": "done", "epochs_run": 3, "worker": "gpu7/9", "finished": "2026-11-27T12:00:00+00:00"}
    forged = {**said, "finished": "yesterday"}
    for t, content in ((DONE, said), (DIVERGED, forged)):
        (folder / f"trials/{t.trial_id}/result.json").unlink()
        Store(str(folder)).write_result(t.trial_id, content)
    trials = {t["trial_id"]: t for t in status(str(folder))["trials"]}
    shown = [trials[DONE.trial_id][name] for name in ("epoch", "worker", "last_sign")]
    assert shown == [3, "gpu7/9", datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()]
    assert trials[DIVERGED.trial_id]["last_sign"] is None
