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


def _ended(main: str, first: str = "") -> tuple[int, str, str]:
    code = f"{first}\nfrom model.command import leave\n{main}\nleave(main)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_command_ends_without_python_taking_it_apart():
    """A search for cycles in torch, Ray and pandas was a second of each command. What it does not find,
    Triton's bindings called leaked, in forty lines behind the last word of every run."""
    kept = "class Kept:\n  def __del__(self): print('taken apart')\nkept = Kept()"
    assert _ended("main = lambda: 3", kept) == (3, "", "")
    pytest.importorskip("triton")
    assert _ended("main = lambda: 0", "import triton") == (0, "", "")


def test_whatever_asked_to_be_told_of_the_end_is_told():
    main = (
        "import atexit, threading, time\n"
        "def last(): time.sleep(0.2); print('thread')\n"
        "def main(): atexit.register(print, 'end'); threading.Thread(target=last).start(); return 4"
    )
    assert _ended(main) == (4, "thread\nend\n", "")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [("SystemExit(2)", 2, ""), ("SystemExit()", 0, ""), ("SystemExit('no')", 1, "no\n")],
)
def test_a_parser_that_ends_a_command_says_its_code(raised, code, said):
    assert _ended(f"def main(): raise {raised}") == (code, "", said)


def test_what_nobody_expected_is_a_traceback_and_code_1():
    code, out, err = _ended("def main(): print('before'); raise ZeroDivisionError('here')")
    assert (code, out, err.splitlines()[-1]) == (1, "before\n", "ZeroDivisionError: here")
