"""Whole files in the wrong place: each is its own trial's alone, and a lost sweep.json lets nothing through."""

import shutil

import pytest

from analysis.sources.load import load, load_history
from orchestrator import status
from orchestrator.results.checkpoint import Checkpoint, DamagedError, decode, encode
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.code import as_old
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt
from tests.helpers.tiny import make_images


@pytest.fixture
def out(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "out")


@pytest.fixture
def again(command, out, capsys):
    """Runs it again; gives exit code, stdout and stderr."""

    def call(*more):
        code = main([*command, "--results", str(out), *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def folders(out, norm="bn"):
    return sorted(path for path in (out / "trials").iterdir() if f"-{norm}" in path.name)


def test_a_result_copied_over_another_is_not_believed(out, again, undisturbed):
    one, two, _ = folders(out)
    shutil.copy(two / "result.json", one / "result.json")
    shutil.copy(two / "history.json", one / "history.json")
    told = f"trials/{one.name}/result.json is another trial's ({two.name}) and was ignored"
    assert told in status.status(str(out))["warnings"]
    with pytest.warns(UserWarning, match="is another trial's"):
        frame = load(str(out)).set_index("trial_id")
    assert frame.loc[one.name, "status"] != "done"
    assert one.name not in set(load_history(str(out))["trial_id"])
    code, printed, _ = again()
    assert (code, told in printed) == (0, True)
    assert numbers(out) == undisturbed, "made again from its own weights"


def swap_weights_and_lose_results(targets, sources):
    held = [(path / "weights.pt").read_bytes() for path in sources]
    for path, content in zip(targets, held, strict=True):
        (path / "weights.pt").write_bytes(content)
    warned = status.status(str(targets[0].parents[1]))["warnings"]
    for path in targets:
        (path / "result.json").write_text("{")
    return warned


def test_a_damaged_result_is_not_made_again_from_anothers_weights(out, again, undisturbed):
    one, two, three = folders(out)
    (line,) = swap_weights_and_lose_results([one, two, three], [two, three, one])
    assert f"weights.pt is another trial's in 3 finished trials: {one.name}" in line
    code, printed, _ = again()
    assert code == 0
    assert (
        f"{one.name}: result is lost, and its weights.pt cannot be used (it is another trial's: {two.name}"
        in printed
    )
    assert numbers(out) == undisturbed, "trained again"


def test_another_trials_checkpoint_is_not_gone_on_from(command, tmp_path, at_epoch, undisturbed, capsys):
    at_epoch(2, interrupt)
    out = tmp_path / "half"
    assert main([*command, "--results", str(out)]) == 130
    one, two, _ = (path for path in sorted((out / "trials").iterdir()) if any(path.glob("checkpoint*")))
    shutil.copy(two / "checkpoint-00002.pt", one / "checkpoint-00002.pt")
    capsys.readouterr()
    assert main([*command, "--results", str(out)]) == 0
    assert f"cannot be used (it is another trial's: {two.name}); the one before is" in capsys.readouterr().out
    assert numbers(out) == undisturbed


@pytest.fixture
def elsewhere(command, tmp_path):
    """The same grid over other images, with a folder of its own: its trials have the same ids."""
    other = make_images(tmp_path / "other", classes=3)
    return [*command[:3], str(other), *command[4:], "--results", str(tmp_path / "elsewhere")]


def test_a_checkpoint_of_other_data_is_not_gone_on_from(
    command, tmp_path, elsewhere, at_epoch, undisturbed, capsys
):
    here = [*command, "--results", str(tmp_path / "here")]
    for arguments in (elsewhere, here):
        at_epoch(2, interrupt)
        assert main([*arguments, "--norms", "bn"]) == 130
    for path in folders(tmp_path / "here"):
        shutil.copy(tmp_path / "elsewhere" / "trials" / path.name / "checkpoint-00002.pt", path)
    capsys.readouterr()
    assert main(here) == 0
    assert "cannot be used (it is of other data: fingerprint" in capsys.readouterr().out
    assert numbers(tmp_path / "here") == undisturbed


def test_weights_of_other_data_are_told_and_make_no_result(out, again, elsewhere, tmp_path, undisturbed):
    assert main(elsewhere) == 0
    one = folders(out)[0]
    shutil.copy(tmp_path / "elsewhere" / "trials" / one.name / "weights.pt", one)
    (line,) = status.status(str(out))["warnings"]
    assert line.startswith(
        f"weights.pt was trained on other data than its result in 1 finished trial: {one.name}"
    )
    (one / "result.json").write_text("{")
    code, printed, _ = again()
    assert code == 0
    assert "result is lost, and its weights.pt cannot be used (it is of other data: fingerprint" in printed
    assert numbers(out) == undisturbed, "trained again"


def test_old_files_that_carry_no_id_keep_working(out, again, undisturbed):
    """But another pack's were never this one's."""
    as_old(out)
    assert status.status(str(out))["warnings"] == []
    assert "warning" not in again()[1]
    assert numbers(out) == undisturbed
    for path in folders(out):
        (path / "result.json").write_text("{")
    assert again()[1].count("made again what was damaged, from its weights.pt") == 3
    assert numbers(out) == undisturbed
    assert swap_weights_and_lose_results(folders(out), folders(out, "gn")) == []
    assert again()[1].count("and its weights.pt cannot be used (it is another trial's") == 3
    assert numbers(out) == undisturbed


def test_an_old_checkpoint_goes_on_and_another_packs_does_not():
    old = encode(Checkpoint({}, [], ["a", "b"]))
    assert decode(old, "a", ["0123456789ab"]).trial_id is None
    for data, who in ((old, "c"), (encode(Checkpoint({}, [], ["a", "b"], "a")), "b")):
        with pytest.raises(DamagedError, match="another trial's: a"):
            decode(data, who)


def test_damaged_it_is_told_and_the_data_are_checked_all_the_same(out, again, tmp_path, command):
    (out / "sweep.json").write_text("{")
    other = make_images(tmp_path / "other", train=11)
    arguments = [*command[:2], "--data-dir", str(other), *command[4:]]
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert main([*arguments, "--results", str(out), "--seeds", "4"]) == 2
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    for how in (["--dry-run"], []):  # said so that it is true of both
        code, printed, _ = again(*how)
        assert (code, "sweep.json is damaged: a run writes it anew" in printed) == (0, True)
    assert (out / "sweep.json.damaged").read_text() == "{"
    assert "is damaged" not in again()[1]


@pytest.mark.parametrize("reader", ["run", "dry", "status", "load"])
def test_a_newer_sweep_is_refused_and_left_alone(out, again, reader, capsys):
    files = Files(str(out))
    files.write_json("sweep.json", {"format": 2, "everything": "otherwise"})
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    if reader == "load":
        with pytest.raises(ValueError, match="of format 2"):
            load(str(out))
    elif reader == "status":
        assert status.main([str(out)]) == 2
        assert "of format 2" in capsys.readouterr().err
    else:
        code, printed, err = again(*(["--dry-run"] if reader == "dry" else []))
        assert (code, printed) == (2, "")
        assert "is of format 2, and this version of normsweep knows format 1 alone" in err
        assert err.count("\n") == 1
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_the_fingerprint_lies_with_each_trial(out):
    said = {s.result["provenance"]["data"] for s in Store(str(out)).scan().values()}
    assert said == {(Store(str(out)).sweep() or {})["data"]["imagefolder"]["fingerprint"]}
