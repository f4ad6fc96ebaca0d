"""What is wrong beside a whole result is told in a line, wherever a sweep's folder is read."""

import io
import json
import uuid
import zipfile
from pathlib import Path

import pytest

from analysis import tables
from analysis.report import build
from analysis.sources.load import load
from orchestrator.results.damage import damage
from orchestrator.results.store import Store
from orchestrator.run import main as run
from orchestrator.status import main as status
from tests.helpers.synthetic import block
from tests.helpers.tiny import trial

TRIALS = [trial(seed=s) for s in range(1, 6)]
A, B = TRIALS[0].trial_id, TRIALS[1].trial_id


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("archive/data.pkl", bytes(range(256)) * 40)
    return out.getvalue()


@pytest.fixture(params=["disk", "memory"])
def store(request, tmp_path):
    url = str(tmp_path / "sweep") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/sweep"
    store = Store(url)
    store.open(TRIALS)
    for t in TRIALS:
        store.write_weights(t.trial_id, archive())
        store.write_result(t.trial_id, {"status": "done"})
    return store


def found(store):
    return damage(store, store.scan())


def test_nothing_is_said_of_a_whole_sweep(store):
    assert found(store) == []


def test_an_unfinished_trial_has_no_weights_to_miss(store):
    store.files.remove(f"trials/{A}/result.json")
    store.files.remove(f"trials/{A}/weights.pt")
    assert found(store) == []


@pytest.mark.parametrize("change", [{"batch_size": 99}, {"weight_decay": 1}, {"protocol": 0}])
def test_an_identity_that_was_edited_is_noticed_with_or_without_its_checksum(store, change):
    """With the checksum made anew too: the id is a digest of the identity."""
    identity = {**TRIALS[0].identity, **change}
    store.files.write_json(f"trials/{A}/trial.json", identity)
    store.files.write(f"trials/{B}/trial.json", json.dumps(identity).encode())
    (line,) = found(store)
    assert line.startswith(f"trial.json is damaged or was edited in 2 finished trials: {A}, {B}.")


def test_lost_weights_are_one_line_however_many(store):
    for t in TRIALS:
        store.files.remove(f"trials/{t.trial_id}/weights.pt")
    (line,) = found(store)
    assert line.startswith("weights.pt is missing in 5 finished trials: ")
    assert "and 2 more. Their results are whole and nothing is trained again." in line


def cut(data):
    return data[: len(data) // 2]


def bent(data):
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


@pytest.mark.parametrize("spoil", [cut, bent, lambda data: b"", lambda data: b"x" * len(data)])
def test_spoilt_weights_are_noticed_on_a_disk(store, spoil):
    if not store.files.local:
        pytest.skip("of weights in a bucket only the size is looked at")
    store.files.write(f"trials/{A}/weights.pt", spoil(archive()))
    assert [line.split(". ")[0] for line in found(store)] == [
        f"weights.pt is damaged in 1 finished trial: {A}"
    ]


def test_of_many_weights_only_the_ends_are_read(store, monkeypatch):
    monkeypatch.setattr("orchestrator.results.damage._READ", 1000)
    store.files.write(f"trials/{A}/weights.pt", bent(archive()))
    assert found(store) == []
    store.files.write(f"trials/{A}/weights.pt", b"" if not store.files.local else cut(archive()))
    assert len(found(store)) == 1


def test_status_report_tables_and_load_say_the_same_of_a_damaged_result(sweep, capsys):
    trials = block(seeds=2)
    url = sweep(trials)
    one, other = (t.trial_id for t in trials)
    Path(url, "trials", one, "result.json").write_text("{")
    Path(url, "trials", other, "weights.pt").write_bytes(b"x")
    lines = [f"trials/{one}/result.json is damaged", f"weights.pt is damaged in 1 finished trial: {other}"]
    assert status([url]) == 0
    told = " ".join(capsys.readouterr().out.split())
    page = build(url)
    for form in tables.FORMATS:
        assert tables.main([url, "--format", form]) == 0
        captured = capsys.readouterr()
        for line in lines:
            assert f"warning: {line}" in captured.err
            assert line not in captured.out, "what a program reads is a table"
    with pytest.warns(UserWarning, match="damaged") as caught:
        load(url)
    for line in lines:
        assert line in told
        assert line in page
        assert any(line in str(warning.message) for warning in caught)


def test_the_plan_says_so_and_nothing_is_trained_again(command, tmp_path, capsys, at_epoch):
    arguments = [*command, "--results", str(tmp_path), "--norms", "bn", "--seeds", "1"]
    assert run(arguments) == 0
    (weights,) = tmp_path.glob("trials/*/weights.pt")
    trained = at_epoch(99, lambda: None)
    for spoil in (lambda: weights.write_bytes(weights.read_bytes()[:999]), weights.unlink):
        spoil()
        for more in (["--dry-run"], []):
            capsys.readouterr()
            assert run([*arguments, *more]) == 0
            out = capsys.readouterr().out
            assert out.count("warning: weights.pt is ") == 1
            assert "1 done, 0 to run" in out
    assert trained == []
