"""A sweep in which one file is forged, and every command that reads one: none breaks, hangs or lies."""

import json
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from analysis import methods, tables
from analysis.report import build
from analysis.sources.load import load, load_history
from model.errors import InputError
from orchestrator.evaluate import main as evaluate
from orchestrator.live.watch import Watch
from orchestrator.results.files import Files
from orchestrator.run import main
from orchestrator.standing import status
from orchestrator.status import main as show_status
from tests.helpers import forgery
from tests.helpers.tiny import make_images

#: Where a sweep lies, and the command that made it, without --results.
Made = tuple[Path, list[str]]
#: Seconds after which a command hangs.
_HANGS = 120


def make(folder: Path) -> Made:
    """A sweep of two finished trials, whose networks were evaluated, one half trained and one that failed."""
    make_images(folder / "images")
    grid = folder / "grid.yaml"
    grid.write_text("blocks: [{dataset: imagefolder, norm: [bn, ln], batch_size: 4, epochs: 2, seeds: 2}]")
    out = folder / "out"
    command = ["--grid", str(grid), "--data-dir", str(folder / "images"), "--executor", "inline"]
    command += ["--pack", "1"]
    assert main([*command, "--results", str(out)]) == 0
    half, failed = sorted((out / "trials").iterdir())[1::2]
    whole = {path: path.read_bytes() for path in half.iterdir()}
    for name in ("result.json", "weights.pt"):
        (half / name).unlink()
    _train_half([*command, "--results", str(out)])
    assert [p.name for p in half.iterdir() if p not in whole], "it has a checkpoint now"
    for name in ("result.json", "weights.pt", "history.json"):
        (failed / name).unlink()
    failure = {
        "attempts": 3,
        "error": "RuntimeError: boom",
        "traceback": "…",
        "time": "2026-01-01T00:00:00+00:00",
    }
    Files(str(failed)).write_json("failure.json", failure)
    assert (
        evaluate([str(out), "--data-dir", str(folder / "images"), "--statistics", "population,precise"]) == 0
    )
    return out, command


def _train_half(command: list[str]) -> None:
    """Train the trial that is missing, interrupted after its first epoch."""
    from model.training.training import Training

    real = Training.run_epoch

    def run_epoch(self: Training) -> Any:
        metrics = real(self)
        if self.data.info.name != "noise":
            signal.raise_signal(signal.SIGINT)
        return metrics

    Training.run_epoch = run_epoch  # type: ignore[method-assign]
    try:
        assert main(command) == 130
    finally:
        Training.run_epoch = real  # type: ignore[method-assign]


def json_anywhere(folder: Path, data: st.DataObject) -> Path:
    """Forge any JSON file of a sweep; gives its path."""
    return _forged(folder, "**/*.json", data, forgery.json_file)


def notes_anywhere(folder: Path, data: st.DataObject) -> Path:
    """Forge the history in any weights or checkpoint; gives its path."""
    return _forged(folder, "trials/*/*.pt", data, forgery.notes_in)


def bytes_anywhere(folder: Path, data: st.DataObject) -> Path:
    """Spoil any file, or put another's content into it; gives its path."""

    def spoilt(path: Path, data: st.DataObject) -> None:
        manner = data.draw(st.sampled_from([*forgery.MANNERS, "another's"]), "manner")
        if manner == "another's":
            others = sorted(p for p in folder.rglob("*") if p.is_file())
            path.write_bytes(data.draw(st.sampled_from(others), "other").read_bytes())
        else:
            forgery.spoil(path, manner, data.draw(st.randoms(use_true_random=False)))

    return _forged(folder, "**/*", data, spoilt)


def _forged(
    folder: Path, pattern: str, data: st.DataObject, forge: Callable[[Path, st.DataObject], None]
) -> Path:
    paths = sorted(p for p in folder.glob(pattern) if p.is_file())
    path = data.draw(st.sampled_from(paths), "file")
    forge(path, data)
    return path


def watched(place: str) -> None:
    """What the live page is told, as it is sent."""
    json.dumps(Watch(place).view())


def read_everything(folder: Path, command: list[str], *, page: bool) -> list[int]:
    """Each command that reads a folder, as a user calls it; their exit codes."""
    codes = []
    place = str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in (load, load_history, status, watched, *([build] if page else [])):
            try:
                call(place)
            except InputError:
                codes.append(2)
        codes += [show_status([place]), tables.main([place]), tables.main([place, "--format", "csv"])]
        codes += [main([*command, "--results", place, "--dry-run"])]
        if page:
            codes += [methods.main([place])]
    return codes


def read_csv(path: Path) -> list[int]:
    """Each command that reads a CSV, as a user calls it; their exit codes."""
    codes = [tables.main([str(path)])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            build(str(path))
        except InputError:
            codes.append(2)
    return codes


def check(
    made: Made,
    folder: Path,
    data: st.DataObject,
    forge: Callable[[Path, st.DataObject], Path] = json_anywhere,
    *,
    page: bool = False,
    run: bool = False,
) -> None:
    """Forge one file of a copy in `folder` and read it with everything; `page`: with what draws too; `run`: go on
    in it. No traceback, no hang, and the trials that nobody touched keep their errors."""
    out, command = made
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(out, folder)
    with _soon():
        hurt = forge(folder, data).parent.name
        assert set(read_everything(folder, command, page=page)) <= {0, 2}
        _same(out, folder, hurt)
        if run:
            assert main([*command, "--results", str(folder)]) in {0, 1, 2}, "1 where a trial failed"
            _same(out, folder, hurt)


def check_csv(made: Made, folder: Path, data: st.DataObject) -> None:
    """The same of results.csv as somebody hands it on."""
    folder.mkdir(exist_ok=True)
    path = folder / "results.csv"
    shutil.copyfile(made[0] / "results.csv", path)
    with _soon():
        forgery.cell_of(path, data)
        assert set(read_csv(path)) <= {0, 2}


def _same(out: Path, folder: Path, hurt: str) -> None:
    """The trials that nobody touched keep their errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            now = load(str(folder)).set_index("trial_id")["test_error"].to_dict()
        except InputError:
            return
        errors = load(str(out)).set_index("trial_id")["test_error"].to_dict()
    for trial_id, error in errors.items():
        if trial_id != hurt and trial_id in now and pd.notna(error):
            assert now[trial_id] == error, f"{trial_id}, which nobody touched"


@contextmanager
def _soon() -> Iterator[None]:
    """Raises AssertionError in what hangs."""

    def late(_: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it hangs in {frame}")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
