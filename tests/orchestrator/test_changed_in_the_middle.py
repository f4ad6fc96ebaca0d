"""Pack and threads that change between two epochs of a trial: said by plan, status, report and methods."""

import json

import pytest
import torch

from analysis.methods import main as methods
from model.machine import cores
from orchestrator.run import main
from orchestrator.status import main as status
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt

CUT = "a pack of 2 instead of 3 in 2 trials; a pack of 1 instead of 3 in 1 trial"


@pytest.fixture
def half_done(command, tmp_path, at_epoch, capsys):
    """A sweep that was stopped in its first pack of three, after two epochs."""
    at_epoch(2, interrupt)
    assert main([*command, "--results", str(tmp_path)]) == 130
    capsys.readouterr()
    return tmp_path


def test_a_pack_that_a_person_cuts(command, undisturbed, half_done, capsys):
    again = [*command[:-1], "2", "--results", str(half_done)]
    for more in (["--dry-run"], []):
        assert main([*again, *more]) == 0
        assert f"half-trained trials go on in another way than they began: {CUT}." in capsys.readouterr().out
    assert numbers(half_done) == undisturbed, "on a CPU the pack changes no number"
    assert status([str(half_done)]) == 0
    assert f"one way from beginning to end: {CUT}." in " ".join(capsys.readouterr().out.split())
    assert status([str(half_done), "--json"]) == 0
    said = [trial["changes"] for trial in json.loads(capsys.readouterr().out)["trials"]]
    two, one = "from epoch 3 on a pack of 2 instead of 3", "from epoch 3 on a pack of 1 instead of 3"
    assert sorted(said) == [[]] * 3 + [[one], [two], [two]]
    page = (half_done / "report.html").read_text()
    assert "Changed in mid-trial in" in page
    assert f"{two} (2 trials); {one} (1 trial)" in page
    assert methods([str(half_done)]) == 0
    assert "Of the trials, 3 were not computed in one way from beginning to end" in capsys.readouterr().out


def test_a_pack_that_has_begun_stays_whole_by_itself(command, undisturbed, half_done, capsys, monkeypatch):
    """More workers than before, for which packs are cut smaller."""
    monkeypatch.setattr("orchestrator.planning.local.cores", lambda: 6)
    on_ray = [part if part != "inline" else "ray" for part in command[:-2]]
    assert main([*on_ray, "--results", str(half_done), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "packs of 1 at batch size 4: smaller, so that all 6 workers have a pack" in out
    assert "1 pack larger than that: begun, and kept together" in out
    assert "4 packs, 6 at a time" in out
    assert "go on in another way" not in out


@pytest.mark.slow
@pytest.mark.skipif(cores() < 2, reason="needs two cores")
def test_threads_that_a_person_changes(command, half_done, capsys):
    try:
        assert main([*command, "--results", str(half_done), "--cpus-per-pack", "2"]) == 0
    finally:
        torch.set_num_threads(1)
    assert "they began: threads 2 instead of 1 in 3 trials." in capsys.readouterr().out
    page = (half_done / "report.html").read_text()
    assert "from epoch 3 on threads 2 instead of 1 (3 trials)" in page
    assert "its trials were computed in 2 environments" in page
    assert methods([str(half_done)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 then 2 threads (3 trials) and 2 threads (3 trials) of the CPU" in out
