"""Seeds added in rounds: which, when it ends, the same after every kill, and what goes with what."""

import json
import os
import re
import shutil
import signal

import pandas as pd
import pytest

from analysis import report
from analysis.stats.choices import Choices
from model.training.training import Training
from orchestrator.grid.parse import parse
from orchestrator.results.store import Store
from orchestrator.rounds import Rounds
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.sequential import rule

#: Eight test images make coarse errors, so this takes all that it may.
RULE = ["--until-ci", "0.5", "--max-seeds", "5"]
GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: 8, epochs: 2, seeds: 2}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 8, epochs: 2, seeds: 2}
"""
SLOW = pytest.mark.slow
TRIALS = 10  # of two cells, in rounds of seeds 2 + 2 + 1


@pytest.fixture(scope="module")
def adaptive(tmp_path_factory, images):
    path = tmp_path_factory.mktemp("rounds") / "tiny.yaml"
    path.write_text(GRID)
    return ["--grid", str(path), "--data-dir", str(images), "--executor", "inline"]


@pytest.fixture(scope="module")
def undisturbed(adaptive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "out"
    assert main([*adaptive, *RULE, "--results", str(folder)]) == 0
    return folder


@pytest.fixture
def run(adaptive, tmp_path, capsys):
    """Runs the command line; gives exit code, stdout and stderr."""

    def call(*arguments):
        try:
            code = main([*adaptive, "--results", str(tmp_path / "out"), *arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


def sweep_of(folder):
    return json.loads((folder / "sweep.json").read_text())


def test_seeds_are_added_up_to_the_most(undisturbed):
    frame = pd.read_csv(undisturbed / "results.csv")
    assert (frame["status"] == "done").all()
    assert sorted(frame["seed"]) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert frame["sequential"].all()


def test_the_rule_is_there_before_the_first_trial(undisturbed):
    (version,) = sweep_of(undisturbed)["analysis"]
    assert version["results"] == 0
    assert version["plan"]["stopping"]["until_ci"] == 0.5
    assert version["plan"]["stopping"]["max_seeds"] == 5


def test_the_page_says_so_and_shows_what_holds_whenever_one_stops(undisturbed):
    page = (undisturbed / "report.html").read_text()
    assert "Seeds are added as results come in, until every comparison’s interval is ±0.5 points" in page
    assert "anytime-valid t test (Lai 1976; Wang &amp; Ramdas 2023), which hold whenever one stops" in page
    assert "before any trial had a result" in page
    said = re.sub("<script.*?</script>", "", page, flags=re.S)  # of a packed one any three letters are part
    for fixed in ("sign flip", "(paired t)", "(Welch)", "Student t)", "BCa"):
        assert fixed not in said


@pytest.mark.parametrize("count", [4, *(pytest.param(n, marks=SLOW) for n in (3, 6, 11))])
def test_interrupted_anywhere_it_ends_with_the_same_numbers(
    adaptive, undisturbed, tmp_path, at_epoch, count, capsys
):
    folder = tmp_path / "out"
    done = at_epoch(count, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert main([*adaptive, *RULE, "--results", str(folder)]) == 130, (
        "the last epoch of a round is none of the sweep's"
    )
    assert len(done) >= count
    assert main([*adaptive, *RULE, "--results", str(folder)]) == 0
    assert numbers(folder) == numbers(undisturbed)
    assert len(sweep_of(folder)["analysis"]) == 1
    capsys.readouterr()


class KilledError(BaseException):
    """What no handler of the worker catches, as a kill is."""


@pytest.mark.parametrize("count", [6, pytest.param(9, marks=SLOW)])
def test_dead_in_mid_round(adaptive, undisturbed, tmp_path, at_epoch, count):
    folder = tmp_path / "out"

    def die():
        raise KilledError

    at_epoch(count, die)
    with pytest.raises(KilledError):
        main([*adaptive, *RULE, "--results", str(folder)])
    assert main([*adaptive, *RULE, "--results", str(folder)]) == 0
    assert numbers(folder) == numbers(undisturbed)


@SLOW
@pytest.mark.xdist_group("ray")
def test_on_a_cluster_that_is_joined_once_for_all_rounds(adaptive, tmp_path, ray_address):
    rule = [*RULE[:-1], "4"]
    assert main([*adaptive, *rule, "--results", str(tmp_path / "inline")]) == 0
    on_ray = [part if part != "inline" else "ray" for part in adaptive]
    assert main([*on_ray, *rule, "--results", str(tmp_path / "out"), "--address", ray_address]) == 0
    found = numbers(tmp_path / "out")
    assert len(found) == 8, "of two rounds"
    assert found == numbers(tmp_path / "inline")


def test_run_again_it_trains_nothing(run, undisturbed, tmp_path, monkeypatch):
    shutil.copytree(undisturbed, tmp_path / "out")
    monkeypatch.setattr(Training, "run_epoch", lambda _: pytest.fail("nothing may be trained"))
    code, out, _ = run(*RULE)
    assert code == 0
    assert f"{TRIALS} done, 0 to run" in out
    assert "No more seeds: the seeds of the rule are used up, and 1 of 1 comparisons are still open." in out


@SLOW
def test_it_ends_where_all_is_as_wanted(run, tmp_path):
    code, out, _ = run("--until-ci", "90", "--max-seeds", "8", "--seeds", "4")
    assert code == 0
    assert "No more seeds: every comparison is as the rule wants it." in out
    assert len(Store(str(tmp_path / "out")).scan()) == 8


@SLOW
def test_a_seed_that_fails_is_not_waited_for(run, tmp_path, monkeypatch):
    real = Training.run_epoch

    def fails(self):
        if 2 in self.seeds and self.spec.norm == "gn":
            raise RuntimeError("made up")
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", fails)
    code, out, _ = run(*RULE, "--max-failures", "1", "--pack", "1")
    assert code == 1
    assert "1 trial failed" in out
    states = Store(str(tmp_path / "out")).scan().values()
    assert sorted(state.status for state in states) == ["done"] * 9 + ["failed"]
    monkeypatch.setattr(Training, "run_epoch", real)
    code, _, _ = run(*RULE, "--max-failures", "1", "--retry-failed", "--pack", "1")
    assert code == 0
    assert all(state.finished for state in Store(str(tmp_path / "out")).scan().values())


def test_another_rule_is_told_and_both_are_kept(run, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "out")
    code, out, _ = run("--until-decided", "--max-seeds", "5", "--margin", "40")
    assert code == 0
    assert "the plan of the analysis is another than that of" in out
    first, second = sweep_of(tmp_path / "out")["analysis"]
    assert (first["results"], second["results"]) == (0, TRIALS)
    page = (tmp_path / "out" / "report.html").read_text()
    assert re.search(
        r"Changed on \d+ \w+ \d{4}, [\d:]+ UTC, when 10 trials had one already: until every comparison is",
        page,
    )


def test_without_the_rule_the_page_keeps_its_intervals(run, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "out")
    _, out, _ = run()
    assert "which this run does not say" in out
    assert report.main([str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "anytime-valid" in page
    assert "sign flip" not in page


@SLOW
def test_a_damaged_result_is_made_again_and_the_rounds_go_on(run, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "out")
    result = next((tmp_path / "out" / "trials").glob("*-s2-*/result.json"))
    result.write_text("{")
    assert run(*RULE)[0] == 0
    assert numbers(tmp_path / "out") == numbers(undisturbed)


def test_a_damaged_sweep_json_is_written_anew(run, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "out")
    (tmp_path / "out" / "sweep.json").write_text("{")
    code, out, _ = run(*RULE)
    assert code == 0
    assert "the plan of the analysis is written down when 10 of the trials have a result already" in out
    assert numbers(tmp_path / "out") == numbers(undisturbed)


def test_a_dry_run_says_the_rule_and_the_most(run, tmp_path):
    code, out, _ = run(*RULE, "--max-hours", "2", "--dry-run")
    assert code == 0
    assert "with 2 to 5 seeds a cell and within 2 hours of training: at most 10 trials in all" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until-ci", "0", "--max-seeds", "9"], "'0'; expected a number above zero"),
        (["--until-ci", "-1", "--max-seeds", "9"], "'-1'; expected a number above zero"),
        (["--until-ci", "nan", "--max-seeds", "9"], "'nan'; expected a number above zero"),
        (["--until-ci", "1"], "need --max-seeds"),
        (
            ["--until-decided", "--max-seeds", "1"],
            "--max-seeds 1 is less than the 2 seeds that every cell begins with",
        ),
        (["--until-decided", "--max-seeds", "x"], "'x'; expected a number of seeds"),
        (["--max-seeds", "9"], "--max-seeds limits --until-ci and --until-decided; give one of them too"),
        (["--max-hours", "9"], "--max-hours limits --until-ci and --until-decided"),
        (["--until-decided", "--max-seeds", "9", "--margin", "5%"], "needs a --margin in points"),
        (["--until-decided", "--max-seeds", "9", "--norms", "bn"], "needs two lines to compare"),
        (["--until-ci", "1", "--max-seeds", "9", "--max-hours", "0"], "'0'; expected a number above zero"),
    ],
)
def test_what_does_not_go_is_one_error_and_nothing_is_written(run, tmp_path, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_seed_that_starts_from_another_trial_has_that_one_too(tmp_path):
    """Also where the parent's own comparisons ask for no more seeds."""
    text = """\
blocks:
  - {dataset: digits, norm: [bn, ln], batch_size: 8, epochs: 1, seeds: 2, from: {norm: bn, batch_size: 32}}
"""
    rounds = Rounds(parse("g", text).trials(), rule(first_seeds=2, max_seeds=6), Choices(), str(tmp_path))
    ids = {trial.trial_id for trial in rounds.most}
    assert {trial.parent_id for trial in rounds.most if trial.parent_id} <= ids
    assert len(ids) == 3 * 6


def test_a_search_for_groups_is_none_to_add_seeds_to(run):
    code, _, err = run(
        "--norms", "gn", "--groups", "4,2", "--set", "holdout=4", "--until-ci", "1", "--max-seeds", "9"
    )
    assert code == 2
    assert "nothing but a search for G" in err


def test_cells_begin_with_the_same_seeds(tmp_path, images, capsys):
    path = tmp_path / "g.yaml"
    path.write_text(GRID.replace("seeds: 2}\n  -", "seeds: 3}\n  -"))
    code = main(["--grid", str(path), "--data-dir", str(images), *RULE, "--results", str(tmp_path / "out")])
    assert code == 2
    assert "begin with the same seeds in every cell" in capsys.readouterr().err


def test_a_forged_plan_is_none(run, undisturbed, tmp_path):
    """Whatever stands there, every command reads the folder."""
    shutil.copytree(undisturbed, tmp_path / "out")
    store = Store(str(tmp_path / "out"))
    sweep = {k: v for k, v in (store.files.read_json("sweep.json") or {}).items() if k != "sha256"}
    (version,) = sweep["analysis"]
    for forged in ("x", [1], [{**version, "plan": {**version["plan"], "margin": "1.2.3"}}], [{"plan": {}}]):
        store.files.write_json("sweep.json", {**sweep, "analysis": forged})
        assert report.main([str(tmp_path / "out")]) == 0
