"""Commands whose output nobody reads to its end."""

import subprocess
import sys

import pytest

from orchestrator.results.store import Store
from tests.helpers.tiny import trial
from tests.helpers.waiting import HANGS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep whose status is longer than a pipe holds."""
    folder = tmp_path_factory.mktemp("sweep")
    trials = [trial(seed=s) for s in range(600)]
    Store(str(folder)).declare("x", trials, data={"imagefolder": {"fingerprint": "x", "train_size": 20}})
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "orchestrator.status {folder} --json",
        "analysis.tables {folder} --format csv",
        pytest.param("orchestrator.status {folder}", marks=pytest.mark.slow),
        pytest.param("analysis.tables {folder}", marks=pytest.mark.slow),
        "orchestrator.run --list-grids",
        "orchestrator.run --grid {grid} --dry-run --results {empty} --data-dir {images} --executor inline",
    ],
)
def test_a_reader_that_goes_is_no_error(command, folder, images, tmp_path):
    grid = tmp_path / "g.yaml"
    grid.write_text("blocks: [{dataset: imagefolder, norm: bn, batch_size: [8, 4], epochs: 1, seeds: 2}]")
    words = command.format(folder=folder, grid=grid, images=images, empty=tmp_path / "none").split()
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=HANGS) == 141
    assert errors == ""


def test_neither_output_nor_errors_have_a_reader(folder):
    """`analysis.tables … 2>&1 | true`"""
    command = [sys.executable, "-m", "analysis.tables", str(folder), "--format", "csv"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.close()
    assert process.wait(timeout=HANGS) == 141


@pytest.mark.parametrize(
    "command",
    [pytest.param("analysis.tables {folder}", marks=pytest.mark.slow), "orchestrator.run --list-grids"],
)
def test_output_that_was_closed_before(command, folder):
    """`>&-`: what the command would say is dropped, and no file of its own takes the number."""
    words = ["sh", "-c", f"{sys.executable} -m {command.format(folder=folder)} >&-"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_all_that_was_closed_before_is_filled():
    code = "import os; from model.command import leave\ndef main():\n  assert os.open('/', 0) > 2\n  return 3\nleave(main)"
    found = subprocess.run(["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, code], check=False)
    assert found.returncode == 3


def test_a_broken_connection_is_no_reader_that_went():
    code = "from model.command import leave\ndef main(): raise BrokenPipeError('storage')\nleave(main)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "BrokenPipeError: storage" in found.stderr


def test_the_code_of_a_command_is_its_own():
    code = "from model.command import leave\nleave(lambda: 2)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 2


def test_what_a_command_imported_is_not_searched_for_cycles_as_it_ends():
    """With torch, Ray and pandas that was a second of each command."""
    code = (
        "import atexit, gc\n"
        "from model.command import leave\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"  # called after what is registered later
        "leave(lambda: 3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "True\n")
