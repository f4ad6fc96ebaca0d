"""An evaluation that is cut, whose folder goes away, whose data change: the same files in the end, and none elsewhere."""

import dataclasses
import shutil

import pytest

from orchestrator.evaluate import main
from orchestrator.execution import asked
from orchestrator.results import evaluations
from orchestrator.results.storage_errors import StorageError
from tests.helpers.answers import ALL, written


@pytest.fixture
def out(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "out")


@pytest.fixture
def evaluate(out, images, capsys):
    """Evaluates; gives exit code and stderr."""

    def call(*more):
        return main([str(out), "--data-dir", str(images), *more]), capsys.readouterr().err

    return call


@pytest.mark.parametrize("error", [KeyboardInterrupt, StorageError("the disk is gone")])
def test_cut_in_the_middle_and_run_again_it_ends_with_the_same_files(
    evaluated, out, evaluate, monkeypatch, error
):
    real, done = evaluations.write, []

    def write(files, record):
        if len(done) == 5:
            raise error
        done.append(1)
        real(files, record)

    with monkeypatch.context() as patched:
        patched.setattr(evaluations, "write", write)
        code, told = evaluate("--statistics", ALL)
    assert (code, len(written(out))) == ((130 if error is KeyboardInterrupt else 1), 5)
    assert "same command" in told
    assert evaluate("--statistics", ALL)[0] == 0
    assert written(out) == written(evaluated)


@pytest.mark.parametrize("empty", [False, True])
def test_a_folder_that_goes_away_meanwhile_is_not_made_again(out, evaluate, monkeypatch, empty):
    """Nor is anything written into the empty one that an unmounted disk leaves."""
    real, away = evaluations.write, out.with_name("away")

    def write(files, record):
        if not away.exists():
            out.rename(away)
            if empty:
                out.mkdir()
        real(files, record)

    monkeypatch.setattr(evaluations, "write", write)
    monkeypatch.setattr("orchestrator.execution.worker.PATIENCE", 0.1)
    code, told = evaluate()
    assert (code, "the results folder is gone. Run the same command again" in told) == (1, True), told
    assert not out.exists() or not list(out.iterdir())


def test_data_that_change_while_networks_are_evaluated_are_told(out, images, monkeypatch):
    evaluate_group = asked.evaluate_group
    told = []

    def changed(question, group):
        found = dataclasses.replace(question, fingerprints={"imagefolder": "0" * 16})
        with pytest.raises(StorageError, match="changed while the sweep ran: fingerprint 0000") as error:
            evaluate_group(found, group)
        told.append(error)
        raise error.value

    monkeypatch.setattr(asked, "evaluate_group", changed)
    assert main([str(out), "--data-dir", str(images)]) == 1
    assert told
    assert not (out / "evaluations").exists()
