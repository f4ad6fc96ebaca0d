"""What the live page's server says of a folder, and what it refuses."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from orchestrator.live import watch
from orchestrator.results.files import Files
from orchestrator.results.lock import Lock
from orchestrator.results.store import Store
from orchestrator.standing import status
from orchestrator.status import main
from tests.helpers.live_page import asked, served, state
from tests.helpers.synthetic import block, write_sweep
from tests.helpers.tiny import trial
from tests.helpers.waiting import HANGS

TRIALS = block(seeds=2, epochs=6) + block(norm="gn", groups=8, seeds=2, epochs=6)


@pytest.fixture(autouse=True)
def _always_look(monkeypatch):
    monkeypatch.setattr(watch, "_LEAST", 0.0)
    monkeypatch.setattr(watch, "_SHARE", 0.0)


@pytest.fixture
def folder(tmp_path):
    """A diverged trial, a failed one, one done, one in its midst."""
    what = {("bn", 1): "partial", ("bn", 2): "diverged", ("gn", 1): "failed"}
    write_sweep(str(tmp_path / "sweep"), TRIALS, status=lambda t: what.get((t.norm, t.seed), "done"))
    return tmp_path / "sweep"


def test_every_trial_as_the_status_has_it(folder):
    with (
        Lock(Files(str(folder)), "the command", running=lambda: [TRIALS[0].trial_id]),
        served(folder) as port,
    ):
        told, stands = state(port), status(str(folder))
    assert told["whole"]
    assert told["counts"] == stands["counts"]
    assert told["held_by"]["command"] == "the command"
    by_id = {one["id"]: one for one in told["trials"]}
    assert list(by_id) == [one["trial_id"] for one in stands["trials"]]
    for one in stands["trials"]:
        shown = by_id[one["trial_id"]]
        assert (shown["state"], shown["epoch"], shown["epochs"]) == (
            one["state"],
            one["epoch"],
            one["epochs"],
        )
        history = Files(str(folder)).read_json(f"trials/{one['trial_id']}/history.json")["epochs"]
        assert shown["curve"][-1] == [history[-1]["epoch"], history[-1]["test_error"]]
        assert len(shown["curve"]) >= len(history)
    epochs = [(6, 6) if t["state"] in ("done", "diverged") else (t["epoch"], 6) for t in stands["trials"]]
    assert told["share"] == pytest.approx(sum(done for done, _ in epochs) / sum(of for _, of in epochs))


def test_only_what_changed_is_told_again(folder):
    store, (first, *_) = Store(str(folder)), TRIALS
    with served(folder) as port:
        told = state(port)
        known = f"?session={told['session']}&since={told['version']}"
        assert state(port, known)["trials"] == []
        history = store.scan(history=True)[first.trial_id].history
        new = {**history["epochs"][-1], "epoch": 3, "test_error": 12.5}
        store.write_history(first.trial_id, {**history, "epochs": [*history["epochs"], new]})
        again = state(port, known)
        assert [(one["id"], one["epoch"], one["error"]) for one in again["trials"]] == [
            (first.trial_id, 3, 12.5)
        ]
        assert not again["whole"]
        assert state(port, f"?session=another&since={told['version']}")["whole"]
        assert state(port, "?session=%00&since=-1")["whole"]


def test_the_log_tells_what_packs_did_together(folder):
    with served(folder) as port:
        log = state(port)["events"]
    assert [one["time"] for one in log] == sorted((one["time"] for one in log), reverse=True)
    texts = [one["text"] for one in log]
    gn = [Files(str(folder)).read_json(f"trials/{t.trial_id}/history.json")["epochs"][1] for t in TRIALS[2:]]
    mean = sum(entry["test_error"] for entry in gn) / 2
    assert f"gn G=8, batch 32, seeds 1–2: epoch 2, error {mean:.2f}%" in texts
    assert "bn, batch 32, seed 2: diverged" in texts
    assert "gn G=8, batch 32, seed 1: attempt 3 failed: RuntimeError: made up" in texts


def test_a_sweep_that_grows_and_trials_of_another_version(folder):
    more = trial(seed=9)
    with served(folder) as port:
        before = state(port)
        Store(str(folder)).declare("other", [*TRIALS[:3], more])
        told = state(port, f"?session={before['session']}&since={before['version']}")
        assert {one["id"]: one["state"] for one in told["trials"]} == {
            TRIALS[3].trial_id: "undeclared",
            more.trial_id: "waiting",
        }
        assert told["name"] == "other"


def test_a_folder_that_is_away_is_said_and_comes_back(folder):
    with served(folder) as port:
        os.rename(folder, f"{folder}-away")
        code, _, body = asked(port, "/state")
        assert (code, b"holds no sweep" in body) == (503, True)
        os.rename(f"{folder}-away", folder)
        assert state(port)["counts"]["done"] == 1


def test_the_report_is_shown_once_there_is_one_and_reaches_nothing(folder):
    with served(folder) as port:
        assert state(port)["report"] is None
        assert asked(port, "/report")[0] == 404
        (folder / "report.html").write_text("<p>first</p>")
        first = state(port)["report"]
        code, headers, body = asked(port, "/report")
        assert (code, body) == (200, b"<p>first</p>")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        os.utime(folder / "report.html", (1, 1))
        assert state(port)["report"] != first


@pytest.mark.parametrize("path", ["/../sweep.json", "/sweep.json", "/%2e%2e/sweep.json", "/page.js/.."])
def test_no_other_file_is_served(folder, path):
    with served(folder) as port:
        assert asked(port, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(folder, method):
    with served(folder) as port:
        assert asked(port, "/state", method)[0] == 501


@pytest.mark.parametrize(
    ("host", "code"),
    [("localhost:9000", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example", 403), ("localhost.evil.example:8420", 403), ("", 403)],
)  # fmt: skip
def test_another_name_that_points_here_reads_nothing(folder, host, code):
    with served(folder) as port:
        assert asked(port, "/state", Host=host)[0] == code


def test_it_listens_to_this_machine_alone(folder):
    with served(folder) as port:
        assert list(listening(port)) == ["0100007F"]


def listening(port):
    """The addresses, in hexadecimal, that listen on a port of this network."""
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            local, _, kind = line.split()[1:4]
            if kind == "0A" and int(local.split(":")[1], 16) == port:
                yield local.split(":")[0]


def test_no_sweep_and_a_port_in_use_are_one_line(folder, tmp_path, capsys):
    assert main([str(tmp_path), "--serve"]) == 2
    assert "holds no sweep" in capsys.readouterr().err
    with served(folder) as port:
        assert main([str(folder), "--serve", "--port", str(port)]) == 2
        assert f"error: port {port} of this machine is not free" in capsys.readouterr().err


def test_the_command_serves_until_ctrl_c(folder):
    command = [sys.executable, "-m", "orchestrator.status", str(folder), "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = process.stdout.readline().split()[0]
    assert "ssh -N -L" in process.stdout.readline()
    assert b"<title>normsweep</title>" in urllib.request.urlopen(url, timeout=10).read()
    process.send_signal(signal.SIGINT)
    assert process.wait(HANGS) == 0


def test_of_many_packs_the_log_has_the_latest_events(tmp_path, monkeypatch):
    """As a plain sort of all of them gives it."""
    trials = block(batch_size=[32, 16, 8, 4, 2], seeds=3, epochs=7)
    write_sweep(str(tmp_path), trials, status=lambda t: "partial" if t.seed == 3 else "done")
    with served(tmp_path) as port:
        everything = state(port)["events"]
    assert 30 < len(everything) < 300
    monkeypatch.setattr(watch, "_EVENTS", 7)
    with served(tmp_path) as port:
        latest = state(port)["events"]
    assert [one["time"] for one in latest] == [one["time"] for one in everything[:7]]
