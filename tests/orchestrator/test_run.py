"""The command line: the main job without Ray, and every mistake a user can make."""

import csv
import io
import json
import re
import shutil
import socket
from types import SimpleNamespace

import pandas as pd
import pytest
from PIL import Image

from analysis import report, tables
from orchestrator import driver
from orchestrator.outcome import spent
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.live_page import state
from tests.helpers.tiny import GRID, make_images


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(GRID)
    return str(path)


@pytest.fixture
def run(tmp_path, grid, images, capsys):
    """Runs the command line inline; gives exit code, stdout and stderr."""

    def call(*arguments, defaults=True):
        common = ["--executor", "inline", "--results", str(tmp_path / "out")]
        common = ["--grid", grid, "--data-dir", str(images), *common] if defaults else common
        try:
            code = main([*common, *arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def training_forbidden(monkeypatch):
    def forbidden(*_):
        raise AssertionError("nothing may be trained")

    return lambda: monkeypatch.setattr("orchestrator.execution.inline.run_pack", forbidden)


def files(folder):
    """Every file but those that each run makes anew, with its time of change."""
    made_anew = {"results.csv", "report.html", "sweep.json"}
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and p.name not in made_anew}


def test_the_main_job(run, tmp_path, training_forbidden):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "8 trials in 4 cells" in out
    assert str(tmp_path / "out" / "report.html") in out
    frame = pd.read_csv(tmp_path / "out" / "results.csv")
    assert list(frame.columns[:13]) == [
        "trial_id",
        "dataset",
        "model",
        "norm",
        "groups",
        "batch_size",
        "recipe",
        "epochs",
        "seed",
        "status",
        "test_error",
        "test_error_median5",
        "val_error",
    ]
    assert (frame["status"] == "done").all()
    assert frame["test_error"].between(0, 100).all()
    assert "<html" in (tmp_path / "out" / "report.html").read_text()
    # run again: nothing is trained, nothing is touched
    before = files(tmp_path / "out")
    training_forbidden()
    code, out, _ = run()
    assert code == 0
    assert "8 done, 0 to run" in out
    assert files(tmp_path / "out") == before


def drawn(page):
    """The figures of a page, without the moment at which they were made."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.S)[1])
    return {name: data[name] for name in ("measure", "figures", "copies")}


def test_a_report_is_as_its_run_was_told(run, tmp_path):
    """As `analysis.report` makes it of the same choices; the next run is told anew."""
    common = ["--norms", "bn,gn", "--set", "lr=0.05,0.1", "--epochs", "1", "--seeds", "1", "--groups", "4"]
    chosen = ["--x", "lr", "--base", "norm=gn", "--margin", "2"]
    page = tmp_path / "out" / "report.html"
    code, out, _ = run(*common, *chosen)
    assert code == 0
    assert "gn" in out
    told = drawn(page)
    run(*common)
    assert drawn(page) != told
    assert report.main([str(tmp_path / "out"), *chosen]) == 0
    assert drawn(page) == told


def test_a_report_that_cannot_be_is_told_before_anything_trains(run, tmp_path, training_forbidden):
    run("--norms", "bn", "--batch-sizes", "8")
    before = files(tmp_path / "out")
    training_forbidden()
    code, _, err = run("--norms", "gn", "--base", "ln")
    assert code == 2
    assert "--base ln is no line of these results; expected all or one of: norm=gn,groups=4" in err
    assert files(tmp_path / "out") == before


def test_more_seeds_train_only_the_new_ones(run, tmp_path):
    run("--norms", "bn", "--batch-sizes", "8")
    before = files(tmp_path / "out")
    code, out, _ = run("--norms", "bn", "--batch-sizes", "8", "--seeds", "4")
    assert code == 0
    assert "2 done, 2 to run" in out
    after = files(tmp_path / "out")
    assert {p: after[p] for p in before} == before
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 4


def test_what_is_no_longer_declared_is_kept_told_and_not_counted(run, tmp_path, capsys):
    run("--norms", "bn", "--batch-sizes", "8")
    code, out, _ = run("--norms", "bn", "--batch-sizes", "8", "--seeds", "1")
    assert code == 0
    assert "1 trial in" in out
    assert "1 finished trial (bn, batch 8, seed 2). It is kept there" in out
    assert len(Store(str(tmp_path / "out")).scan()) == 2
    assert tables.main([str(tmp_path / "out"), "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["n"] == "1"
    assert pd.read_csv(tmp_path / "out" / "results.csv")["declared"].tolist() == [True, False]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "1 of 1 trial done; 1 other is no longer declared, and left out of figures and tables" in page


def test_a_dry_run_finds_what_is_wrong_with_the_data_as_a_run_does(run, tmp_path):
    folder = make_images(tmp_path / "images")
    (folder / "train/class1/3.png").write_bytes(b"no image")
    said = [run("--data-dir", str(folder), *more) for more in (["--dry-run"], [])]
    assert [code for code, _, _ in said] == [2, 2]
    assert said[0][2] == said[1][2]
    assert "class1/3.png" in said[0][2]
    assert not (tmp_path / "out" / "sweep.json").exists()


def test_a_run_serves_its_live_page_while_it_lasts(run, tmp_path, monkeypatch):
    asked = []

    def execute(*arguments, **more):
        port = int(re.search(r"127\.0\.0\.1:(\d+)/", shown.getvalue())[1])
        asked.append((port, state(port)["counts"]["waiting"]))
        return real(*arguments, **more)

    real, shown = driver.execute, io.StringIO()
    monkeypatch.setattr(driver, "execute", execute)
    monkeypatch.setattr("sys.stdout", shown)
    code, _, err = run("--norms", "bn", "--batch-sizes", "8", "--serve")
    assert code == 0, err
    ((port, waiting),) = asked
    assert waiting == 2
    with pytest.raises(ConnectionRefusedError):
        state(port)


def test_a_port_that_is_taken_is_told_before_anything_is_written(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("--serve", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "is not free" in err
    assert not (tmp_path / "out" / "sweep.json").exists()


def test_a_dry_run_writes_and_trains_nothing(run, tmp_path, training_forbidden):
    training_forbidden()
    code, out, _ = run("--dry-run")
    assert code == 0
    for part in ("8 to run", "bn, batch 8", "gn G=4, batch 2", "packs of", "going by a short calibration"):
        assert part in out
    assert not (tmp_path / "out").exists()


def test_packs_are_said_to_be_no_larger_than_what_is_left(run):
    _, out, _ = run("--dry-run", "--pack", "5", "--norms", "bn")
    assert "packs of 2 at batch size 8, 2: as --pack says" in out
    assert "packs of 5" not in out


def test_two_cells_that_differ_in_another_axis_are_told_apart(run):
    _, out, _ = run(
        "--dry-run", "--norms", "bn", "--batch-sizes", "8", "--set", "shortcut=projection,identity"
    )
    cells = [row.split("  ")[0] for row in out.splitlines() if row.startswith("bn, batch 8")]
    assert len(cells) == len(set(cells)) == 2


@pytest.mark.parametrize(
    ("estimate", "whole", "said"),
    [
        (20.0, True, "Took 37 s; the plan said 20 s."),
        (20.0, False, "Stopped after 37 s of about 20 s."),
        (None, True, "Took 37 s; the plan could not tell."),
        (None, False, "Stopped after 37 s."),
    ],
)
def test_what_an_interrupted_run_took_is_not_what_it_would_take(estimate, whole, said):
    schedule = SimpleNamespace(estimate=estimate)
    assert spent(schedule, 37.0, whole=whole) == said


def test_pack_size_does_not_change_what_is_declared(run, tmp_path):
    run("--pack", "1", "--norms", "bn")
    code, out, _ = run("--pack", "2", "--norms", "bn")
    assert code == 0
    assert "4 done, 0 to run" in out


def test_groups_from_a_search(run, tmp_path, images):
    search = tmp_path / "search.yaml"
    search.write_text(
        "blocks: [{dataset: imagefolder, norm: gn, groups: [4, 2], batch_size: 4, epochs: 1, holdout: 8, seeds: 1}]"
    )
    found = tmp_path / "gsearch"
    arguments = [
        "--grid",
        str(search),
        "--executor",
        "inline",
        "--data-dir",
        str(images),
        "--results",
        str(found),
    ]
    assert main(arguments) == 0
    frame = pd.read_csv(found / "results.csv")
    assert frame["test_error"].isna().all(), "a search never sees the test set"
    best = int(frame.sort_values(["val_error", "groups"]).iloc[0]["groups"])
    if frame["val_error"].nunique() == 2:
        _, out, _ = run("--groups-from", str(found), "--norms", "gn", "--dry-run")
        assert f"gn G={best}" in out


def test_attempts_are_counted_over_runs(run, tmp_path, monkeypatch):
    tried = []

    def broken(self):
        if self.data.info.name != "noise":
            tried.append(1)
        raise RuntimeError("it broke")

    monkeypatch.setattr("model.training.training.Training.run_epoch", broken)
    arguments = ["--norms", "bn", "--batch-sizes", "8"]
    assert run(*arguments, "--max-failures", "2")[0] == 1
    assert run(*arguments, "--max-failures", "3")[0] == 1
    assert len(tried) == 3


def test_odd_names_of_folders(run, tmp_path, monkeypatch):
    """Brackets are markup to the terminal's library, ~ is the home folder, and both are only names."""
    arguments = ["--norms", "bn", "--batch-sizes", "8", "--seeds", "1"]
    for name in ("x[/y]", "x[b]", "ä ö"):
        code, out, err = run(*arguments, "--results", str(tmp_path / name))
        assert (code, err) == (0, "")
        assert f"{tmp_path / name}/report.html" in out
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    assert run(*arguments, "--results", "~/sweep")[0] == 0
    assert (tmp_path / "home" / "sweep" / "results.csv").exists()


def test_list_grids(capsys):
    assert main(["--list-grids"]) == 0
    out = capsys.readouterr().out
    for part in ("demo", "18", "fig1", "50", "gsearch", "15", "full", "100", "he2015"):
        assert part in out


def test_a_failing_trial_ends_the_run_with_1(run, monkeypatch):
    def broken(*_):
        raise RuntimeError("it broke")

    with monkeypatch.context() as patch:
        patch.setattr("model.training.training.Training.run_epoch", broken)
        code, out, _ = run("--norms", "bn", "--batch-sizes", "8", "--max-failures", "2")
        assert code == 1
        for part in ("2 trials failed", "RuntimeError: it broke", "--retry-failed"):
            assert part in out
        code, out, _ = run("--norms", "bn", "--batch-sizes", "8", "--max-failures", "2")
        assert code == 1
        assert "2 failed before" in out
    code, out, _ = run("--norms", "bn", "--batch-sizes", "8", "--max-failures", "2", "--retry-failed")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-sizes", "64"], "batch size 64 is larger than the training set"),
        (["--set", "train_size=21"], "train_size 21: imagefolder has 20 training images"),
        (["--set", "train_size=15", "--set", "holdout=6"], "has 14 training images after a hold-out of 6"),
        (["--set", "train_size=0"], "greater than 0"),
        (["--set", "train_size=4", "--batch-sizes", "8"], "4 training images as train_size says"),
        (["--set", "label_noise=1.5"], "less than or equal to 1"),
        (["--set", "label_noise=0.01"], "of 20 training images that is not one"),
        (["--x", "lrr"], "--x lrr is no axis that lines can run over; did you mean lr?"),
        (["--x", "groups"], "not every trial has a value of it"),
        (["--base", "ln"], "--base ln is no line of these results; expected all or one of: norm=bn"),
        (["--batch-sizes", "-2"], "greater than 0"),
        (["--batch-sizes", "x"], "whole numbers"),
        (["--batch-sizes", ""], "empty list"),
        (["--groups", "3"], "G = 3 does not divide"),
        (["--dataset", "mine.npz"], "write --dataset npz --data-dir mine.npz"),
        (["--dataset", "./images"], "write --dataset imagefolder --data-dir ./images"),
        (["--norms", "bm"], "'bm' is none of bn, gn, ln, in"),
        (["--seeds", "0"], "count above zero"),
        (["--seeds", "1,1"], "given twice: 1"),
        (["--epochs", "0"], "above zero"),
        (["--pack", "0"], "above zero"),
        (["--cpus-per-pack", "0"], "above zero"),
        (["--seeds", "20240101"], "write 20240101,"),
        (["--seeds", "99999999999999999999,"], "less than"),
        (["--cpus-per-pack", "100000"], "asks for 100000 CPUs"),
        (["--data-dir", "~nosuchuser/x"], "~nosuchuser"),
        (["--results", "q\udcff"], "not UTF-8"),
        (["--data-dir", "x" * 5000], "cannot be read: File name too long"),
        (["--nonsense"], "there is no option --nonsense"),
        (["--epoch", "3"], "there is no option --epoch; did you mean --epochs?"),
        (["--lr=0.1"], "there is no option --lr; write --set lr=VALUE"),
        (["--zero-gamma", "true"], "there is no option --zero-gamma; write --set zero_gamma=VALUE"),
        (["--resume"], "there is no option --resume; the same command resumes a sweep"),
        (["--pack", "1", "more"], "unexpected argument 'more'"),
        (["--gpus-per-pack", "1"], "asks for 1 GPU and this machine has 0"),
        (["--groups-from", "/nowhere"], "/nowhere"),
        (["--precision", "tf32"], "a CPU has no TF32, and would give float32 numbers under another name"),
        (["--precision", "fp8"], "'fp8' is none of fp32, tf32, bf16"),
    ],
)
def test_bad_arguments(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") <= 2
    assert not (tmp_path / "out").exists(), "nothing half written"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--grid is missing"),
        (["--grid", "fig2"], "Did you mean fig1"),
        (["--grid", "/nowhere.yaml"], "cannot read the grid file"),
        (["--grid", "fig1", "--dataset", "imagefolder"], "--data-dir"),
        (["--grid", "fig1", "--dataset", "imagefolder", "--data-dir", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_grids_and_data(run, arguments, message):
    code, _, err = run(*arguments, defaults=False)
    assert code == 2
    assert message in err
    assert err.count("\n") <= 2


def spoil_class(folder):
    shutil.rmtree(folder / "test" / "class1")


def spoil_split(folder):
    shutil.rmtree(folder / "test")


def spoil_image(folder):
    (folder / "train" / "class0" / "3.png").write_bytes(b"no image")


def spoil_all(folder):
    for split in ("train", "test"):
        shutil.rmtree(folder / split / "class0")
        shutil.rmtree(folder / split / "class1")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(spoil_class, "class1"), (spoil_split, "test"), (spoil_image, "3.png"), (spoil_all, "train")],
)
def test_bad_images(run, tmp_path, spoil, message):
    folder = make_images(tmp_path / "bad")
    spoil(folder)
    code, _, err = run("--data-dir", str(folder))
    assert code == 2
    assert message in err
    assert err.count("\n") <= 2
    assert not (tmp_path / "out" / "trials").exists()


def test_a_link_back_up_counts_no_image_twice(run, tmp_path):
    folder = make_images(tmp_path / "looped")
    (folder / "train" / "class0" / "again").symlink_to(folder / "train" / "class0")
    code, _, _ = run("--data-dir", str(folder), "--batch-sizes", "20", "--norms", "bn", "--dry-run")
    assert code == 0
    assert run("--data-dir", str(folder), "--batch-sizes", "21", "--norms", "bn", "--dry-run")[0] == 2


def test_images_of_other_sizes_are_told_once_in_a_line(run, tmp_path):
    folder = make_images(tmp_path / "odd")
    Image.new("L", (12, 9)).save(folder / "train" / "class0" / "zz.png")
    code, _, err = run("--data-dir", str(folder), "--norms", "bn", "--seeds", "1")
    assert code == 0
    assert err.startswith("warning: resized to 8×8 pixels, the size of the first training image: 1 image: ")
    assert err.count("\n") == 1


def test_a_folder_with_an_incompatible_trial(run, tmp_path):
    run("--norms", "bn", "--batch-sizes", "8", "--seeds", "1")
    (path,) = (tmp_path / "out" / "trials").glob("*")
    files = Files(str(path))
    files.write_json("trial.json", {**files.read_json("trial.json"), "batch_size": 4})
    code, _, err = run("--norms", "bn", "--batch-sizes", "8", "--seeds", "2")
    assert code == 2
    assert "batch_size: 4 there, 8 declared" in err


def test_a_folder_of_other_data(run, tmp_path):
    run("--norms", "bn", "--batch-sizes", "8", "--seeds", "1")
    other = make_images(tmp_path / "other", train=12)
    code, _, err = run("--norms", "bn", "--batch-sizes", "8", "--seeds", "2", "--data-dir", str(other))
    assert code == 2
    assert "other imagefolder" in err


def test_the_same_names_and_sizes_with_other_pixels_are_other_data(run, tmp_path):
    folder = bitmaps(tmp_path / "bitmaps")
    arguments = ["--norms", "bn", "--batch-sizes", "8", "--data-dir", str(folder)]
    assert run(*arguments, "--seeds", "1")[0] == 0
    swap(folder)
    code, _, err = run(*arguments, "--seeds", "2")
    assert code == 2
    assert "other imagefolder" in err


def test_a_folder_that_knows_names_and_sizes_alone_goes_on_and_learns_the_content(run, tmp_path):
    """Results of before fingerprints of content."""
    folder = bitmaps(tmp_path / "bitmaps")
    arguments = ["--norms", "bn", "--batch-sizes", "8", "--data-dir", str(folder)]
    assert run(*arguments, "--seeds", "1")[0] == 0
    files = Files(str(tmp_path / "out"))
    sweep = files.read_json("sweep.json")
    facts = sweep["data"]["imagefolder"]
    content, facts["fingerprint"] = facts["fingerprint"], facts.pop("listing")
    files.write_json("sweep.json", sweep)
    assert run(*arguments, "--seeds", "2")[0] == 0
    assert files.read_json("sweep.json")["data"]["imagefolder"]["fingerprint"] == content
    swap(folder)
    assert run(*arguments, "--seeds", "3")[0] == 2


def bitmaps(folder):
    """The tiny images as BMPs, which all have one size."""
    make_images(folder)
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            image.save(path.with_suffix(".bmp"))
        path.unlink()
    return folder


def swap(folder):
    """The pictures of one class for those of the other."""
    for path in sorted((folder / "train" / "class0").iterdir()):
        other = folder / "train" / "class1" / path.name
        ours, theirs = path.read_bytes(), other.read_bytes()
        path.write_bytes(theirs)
        other.write_bytes(ours)


def test_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("--results", str(tmp_path / "file" / "sweep"))
    assert code == 2
    assert "cannot be written" in err
