"""Files of 50 GB among those of a sweep: nobody loads them, and they are as damaged ones."""

import os
import shutil

import pytest

from analysis.tables import main as tables
from orchestrator.results import json_file
from orchestrator.results.disk import MAX_BYTES
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import main as status
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt

SLOW = pytest.mark.slow


def swell(path):
    """Much larger than the memory, and without a block on the disk."""
    os.truncate(path, 50 * 10**9)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("checkpoint-00002.pt", "cannot be used (it is larger than such a file may be)"),
        pytest.param("history.json", "made its history again", marks=SLOW),
        pytest.param("result.json", "made again what was damaged, from its weights.pt", marks=SLOW),
        pytest.param("trial.json", "", marks=SLOW),
        pytest.param("results.csv", "", marks=SLOW),
    ],
)
def test_a_run_goes_on_as_from_a_damaged_one(command, undisturbed, tmp_path, at_epoch, capsys, name, said):
    """Of two packs one is done and one in its middle."""
    at_epoch(6, interrupt)
    assert main([*command, "--results", str(tmp_path)]) == 130
    # Of the pack in its middle, where both have such a file: which is the first depends on what was timed.
    paths = sorted(tmp_path.rglob(name), key=lambda path: ((path.parent / "result.json").exists(), path))
    swell(paths[0])
    capsys.readouterr()
    assert main([*command, "--results", str(tmp_path)]) == 0
    assert said in capsys.readouterr().out
    assert numbers(tmp_path) == undisturbed


def test_weights_are_told_and_the_others_held_against_their_checksums(command, finished, tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    huge, bent = sorted(folder.rglob("weights.pt"))[:2]
    swell(huge)
    with bent.open("r+b") as file:
        file.seek(bent.stat().st_size // 2)
        file.write(b"bent")
    for reader in (status, tables):
        assert reader([str(folder)]) == 0
        captured = capsys.readouterr()
        said = " ".join((captured.out + captured.err).split())
        assert "weights.pt is damaged in 2 finished trials" in said
    assert main([*command, "--results", str(folder)]) == 0
    assert "weights.pt is damaged in 2 finished trials" in capsys.readouterr().out


def test_a_sweep_file_is_refused(command, finished, tmp_path, capsys):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    swell(folder / "sweep.json")
    for refusing in (
        lambda: main([*command, "--results", str(folder)]),
        lambda: status([str(folder)]),
        lambda: tables([str(folder)]),
    ):
        assert refusing() == 2
        error = capsys.readouterr().err
        assert "it is larger than such a file may be" in error
        assert error.count("\n") == 1


class Bytes(bytes):
    def __len__(self):
        return MAX_BYTES + 1


def test_nothing_is_written_that_could_not_be_read_again(tmp_path):
    with pytest.raises(ValueError, match="no more than 1073741824 are read again"):
        Files(str(tmp_path)).write("weights.pt", Bytes())
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_is_asked_for_the_size_first(monkeypatch):
    files = Files("memory://huge")
    files.write("weights.pt", b"123456")
    with pytest.raises(FileNotFoundError, match="larger than such a file"):
        files.read("weights.pt", most=5)
    monkeypatch.setattr(files.fs, "size", lambda path: MAX_BYTES + 1)
    monkeypatch.setattr(files.fs, "cat_file", lambda path, **_: pytest.fail("it was read"))
    with pytest.raises(FileNotFoundError, match="larger than such a file"):
        files.read("weights.pt")


def test_of_many_files_in_a_bucket_none_too_large_is_read(monkeypatch):
    store = Store("memory://huge/sweep")
    whole, empty, absent, huge = (f"trials/x-{n * 12}/result.json" for n in "0123")
    store.files.write_json(whole, {"status": "done", "rest": "x" * 3 * 2**20})
    store.files.write(empty, b"")
    store.files.write(huge, b"{" + b" " * 2**22)
    monkeypatch.setattr(json_file, "MAX_JSON_BYTES", 2**22)
    fetched, real = {}, store.files.fs.cat_file

    def cat_file(path, start=None, end=None, **options):
        data = real(path, start, end, **options)
        fetched[path] = fetched.get(path, 0) + len(data)
        return data

    monkeypatch.setattr(store.files.fs, "cat_file", cat_file)
    found = store.files.read_jsons([whole, empty, absent, huge])
    assert list(found) == [whole, empty, huge]
    assert found[whole]["status"] == "done"
    assert isinstance(found[empty], ValueError)
    assert str(found[huge]) == "it is larger than such a file may be"
    assert fetched[store.files.path(huge)] <= 2**20
    said = store.scan()["x-333333333333"].warnings
    assert said == (f"{huge} is damaged and was ignored: it is larger than such a file may be",)
