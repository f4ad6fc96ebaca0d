"""Stored networks evaluated on Ray: the same files as inline, whatever was there and whatever is lost."""

import os
import shutil
import subprocess
import sys

import pytest

from orchestrator.evaluate import main
from tests.helpers.answers import ALL, written
from tests.helpers.waiting import until

pytestmark = pytest.mark.xdist_group("ray")
SLOW = pytest.mark.slow
ASKED = ["--statistics", ALL]


@pytest.fixture
def out(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "out")


@SLOW
def test_on_this_machine_it_goes_on_and_names_what_is_spoilt(
    evaluated, out, images, monkeypatch, tmp_path, capsys
):
    """Also where folders are given as they lie below the one that the command is typed in."""
    shutil.copytree(evaluated / "evaluations", out / "evaluations")
    for path in sorted(out.glob("evaluations/*/*"))[:5]:
        path.unlink()
    spoilt = max((out / "trials").iterdir())
    (spoilt / "weights.pt").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    code = main(["out", "--data-dir", os.path.relpath(images), *ASKED, "--executor", "ray"])
    printed = capsys.readouterr().out
    assert (code, "5 evaluations written, 6 there before" in printed) == (1, True), printed
    assert f"NOT evaluated: {spoilt.name}: " in printed.replace("\n", "")
    assert written(out) == written(evaluated)


@SLOW
def test_on_a_cluster_killed_and_run_again_inline(evaluated, out, images, ray_address):
    """The driver dies in the middle; what is there by then is whole."""
    command = [sys.executable, "-m", "orchestrator.evaluate", str(out), "--data-dir", str(images), *ASKED]
    command += ["--address", ray_address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: process.poll() is not None or written(out))
    assert process.poll() in (None, 0), process.communicate()[0]
    process.kill()
    process.communicate()
    assert written(out).items() <= written(evaluated).items()
    assert main([str(out), "--data-dir", str(images), *ASKED]) == 0
    assert written(out) == written(evaluated)


def test_what_does_not_go_is_one_line(out, images, monkeypatch, capsys):
    place = [str(out), "--data-dir", str(images)]
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert main(place) == 2
    error = capsys.readouterr().err
    assert "no Ray cluster answers at 127.0.0.1:1" in error
    assert error.count("\n") == 1
    assert not (out / "evaluations").exists()
    assert main(["memory://nowhere", "--executor", "ray"]) == 2
    assert "memory:// is one process's own" in capsys.readouterr().err
    assert main([*place, "--executor", "inline"]) == 0, "whoever says inline means it"
