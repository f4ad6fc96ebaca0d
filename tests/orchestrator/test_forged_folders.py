"""Any value anywhere in any file of a sweep: every command that reads it ends, without a traceback or a lie."""

import copy
import json
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analysis import methods, tables
from analysis.report import build
from analysis.sources.load import load, load_history
from model.errors import InputError
from orchestrator.results.files import Files
from orchestrator.run import main
from orchestrator.status import main as show_status
from orchestrator.status import status
from tests.helpers.tiny import make_images

#: What a stranger may write where something else is expected.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63), 10**400, 0, -1, 1e308, -1e308, 0.1, 5000.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "done", "bn", "\ud800", "\x00", "<b>", "nan", "1", "[boom]", "\x1b[31m", "x" * 300]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers()), max_size=3),
)


def places(value, path=()):
    """Every place in a JSON value, the value itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(value, path, new):
    """The value with another in one place."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    if new is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = new
    return value


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sweep of two finished trials, one half trained and one that failed, and the command that made it."""
    folder = tmp_path_factory.mktemp("forged")
    make_images(folder / "images")
    grid = folder / "grid.yaml"
    grid.write_text("blocks: [{dataset: imagefolder, norm: [bn, ln], batch_size: 4, epochs: 2, seeds: 2}]")
    out = folder / "out"
    command = ["--grid", str(grid), "--data-dir", str(folder / "images"), "--executor", "inline"]
    command += ["--pack", "1", "--results", str(out)]
    assert main(command) == 0
    trials = sorted((out / "trials").iterdir())
    (trials[1] / "result.json").unlink()
    (trials[1] / "weights.pt").rename(trials[1] / "checkpoint-00001.pt")
    for name in ("result.json", "weights.pt", "history.json"):
        (trials[3] / name).unlink()
    failure = {
        "attempts": 3,
        "error": "RuntimeError: boom",
        "traceback": "…",
        "time": "2026-01-01T00:00:00+00:00",
    }
    Files(str(trials[3])).write_json("failure.json", failure)
    return out, [*command, "--dry-run"]


def read_everything(folder, command, *, page):
    """Each command that reads a folder, as a user calls it; their exit codes."""
    codes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in (load, load_history, status, *([build] if page else [])):
            try:
                call(str(folder))
            except InputError:
                codes.append(2)
        codes += [show_status([str(folder)]), tables.main([str(folder)]), main(command)]
        codes += [tables.main([str(folder), "--format", "csv"])]
        if page:
            codes += [methods.main([str(folder)])]
    return codes


def check(made, tmp_path, data, *, page):
    out, command = made
    folder = tmp_path / "out"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(out, folder)
    errors = load(str(out)).set_index("trial_id")["test_error"].to_dict()
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.json"))
    name = data.draw(st.sampled_from(files), "file")
    content = Files(str(folder)).read_json(name)
    path = data.draw(st.sampled_from(list(places(content))), "place")
    new = data.draw(st.one_of(VALUES, st.just(...)) if path else VALUES, "value")
    forged = put(content, path, new)
    if isinstance(forged, dict):
        write(folder / name, forged)
    else:
        (folder / name).write_text(json.dumps(forged))
    codes = read_everything(folder, [*command[:-3], "--results", str(folder), "--dry-run"], page=page)
    assert set(codes) <= {0, 2}
    hurt = Path(name).parent.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            now = load(str(folder)).set_index("trial_id")["test_error"].to_dict()
    except InputError:
        return
    for trial_id, error in errors.items():
        if trial_id != hurt and trial_id in now and pd.notna(error):
            assert now[trial_id] == error, "the trials that nobody touched"


def write(path, content):
    """With a checksum that holds, as from somebody who knows the format."""
    try:
        Files(str(path.parent)).write_json(path.name, content)
    except (ValueError, OverflowError):  # what JSON cannot hold
        path.write_text(json.dumps(content))


COMMON = {
    "phases": [Phase.explicit, Phase.generate],  # a value that was not made small says enough, and soon
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=8, **COMMON)
@given(st.data())
def test_any_value_anywhere(made, tmp_path, data):
    check(made, tmp_path, data, page=False)


@pytest.mark.slow
@settings(max_examples=200, **COMMON)
@given(st.data())
def test_any_value_anywhere_on_the_page_too(made, tmp_path, data):
    check(made, tmp_path, data, page=True)
