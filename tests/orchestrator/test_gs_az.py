"""Results at Google's and at Azure's, against their emulators: what `Files` promises, and a sweep that is killed."""

import subprocess
import sys
import time

import pytest

from analysis.sources.load import load
from model.errors import InputError
from orchestrator.results.files import Files
from orchestrator.results.lock import Lock
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers.clouds import bucket_at, lacking
from tests.helpers.many_files import check_read_at_once
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt
from tests.helpers.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clouds")]


@pytest.fixture(scope="module", params=["gs", "az"])
def store(request, tmp_path_factory):
    """A scheme whose buckets are reached by the environment, also from processes that are started here."""
    if (reason := lacking(request.param)) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp(request.param)
    with bucket_at(request.param, folder) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield request.param


@pytest.fixture
def place(store):
    import fsspec

    name = f"bucket-{time.monotonic_ns()}"
    fsspec.filesystem(store).mkdir(name)
    return f"{store}://{name}/some/prefix"


def test_interrupted_killed_and_widened(place, command, undisturbed, at_epoch, capsys):
    at_epoch(3, interrupt)
    assert main([*command, "--results", place]) == 130
    assert status(place)["held_by"] is None
    driver = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.run", *command, "--results", place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    begun = sum(max(s.epochs, default=0) for s in Store(place).scan().values())
    until(lambda: sum(max(s.epochs, default=9) for s in Store(place).scan().values()) > begun)
    driver.kill()
    driver.wait()
    assert main([*command, "--results", place]) == 0
    assert numbers(place) == undisturbed
    assert len(load(place)) == len(undisturbed)
    capsys.readouterr()
    assert main([*command, "--results", place]) == 0
    assert "6 done, 0 to run" in capsys.readouterr().out


def test_files(place):
    files = Files(place, patience=5)
    files.writable()
    files.readable()
    assert (files.folders("trials"), files.names("trials"), files.sizes("trials", "x")) == ({}, set(), {})
    files.write("trials/a/x", b"123")
    files.write("trials/a/y", b"")
    files.write("trials/b/x", b"1")
    assert files.folders("trials") == {"a": {"x", "y"}, "b": {"x"}}
    assert files.names("trials/a") == {"x", "y"}
    assert files.sizes("trials", "x") == {"a": 3, "b": 1}
    files.write("trials/a/x", b"4")
    assert files.read("trials/a/x") == b"4"
    files.remove("trials/a/x")
    files.remove("trials/a/x")
    assert not files.exists("trials/a/x")
    with pytest.raises(FileNotFoundError):
        files.read("trials/a/x")


def test_many_files_at_once(place):
    check_read_at_once(place)


def test_of_two_that_finish_a_trial_at_one_moment_one_succeeds(place, monkeypatch):
    """Both looked before either wrote: the store itself refuses the second."""
    files = Files(place)
    monkeypatch.setattr(type(files.fs), "exists", lambda *_: False)
    files.write("result.json", b"first", once=True)
    with pytest.raises(FileExistsError):
        files.write("result.json", b"second", once=True)
    assert files.read("result.json") == b"first"


def test_a_second_driver_is_refused(place):
    with Lock(Files(place, patience=5), "first"), pytest.raises(InputError, match="in use"):  # noqa: SIM117
        with Lock(Files(place, patience=5), "second"):
            pass
    with Lock(Files(place, patience=5), "third"):
        pass


def test_a_bucket_that_is_not_there(store, command, capsys):
    place = f"{store}://no-such-bucket-anywhere/x"
    assert main([*command, "--results", place]) == 2
    error = capsys.readouterr().err
    assert "bucket does not exist. Create the bucket" in error
    assert error.count("\n") <= 2
    with pytest.raises(InputError, match="Create the bucket"):
        status(place)


@pytest.mark.parametrize(
    "ask",
    [
        lambda files: files.read("a/x.json"),
        lambda files: files.exists("a/x.json"),
        lambda files: files.names("a"),
        lambda files: files.folders("a"),
        lambda files: files.sizes("a", "x.json"),
        lambda files: files.read_jsons(["a/x.json"]),
    ],
    ids=["read", "exists", "names", "folders", "sizes", "jsons"],
)
def test_a_bucket_that_vanishes_is_not_an_empty_one(place, ask):
    """To a patient reader, as a worker is: everything would be trained anew."""
    files = Files(place, patience=0.3)
    files.write("a/x.json", b"{}")
    files.fs.rm(place.split("/")[2], recursive=True)
    with pytest.raises(StorageError, match="the results bucket is gone"):
        ask(files)
