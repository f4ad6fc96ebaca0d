"""Somebody's own model.py, analysis.py or model/ beside a sweep: named by `python -m`, no matter to normsweep."""

import os
import subprocess
import sys

import pytest

from orchestrator.shadowing import shadows_in
from tests.helpers import ROOT

THEIRS = "print('their own code ran')\n"


def started(folder, *command):
    """A process in `folder` that finds the packages as installed ones, behind what `python -m` looks at."""
    # As pip's .pth does: at the end of the path, where site-packages is; never before the folder itself.
    code = "import sys; sys.path.append(%r); sys.argv = %r; %s"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    kind, *words = command
    if kind == "-m":
        run = code % (
            str(ROOT),
            ["-m", *words[1:]],
            f"import runpy; runpy.run_module({words[0]!r}, run_name='__main__', alter_sys=False)",
        )
    else:
        start = "sys.path.remove(''); from orchestrator.normsweep import main; main()"
        run = code % (str(ROOT), ["/somewhere/bin/normsweep", *words], start)
    return subprocess.run(
        [sys.executable, "-c", run], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )


@pytest.mark.parametrize("name", ["model.py", "analysis.py", "model/__init__.py"])
def test_python_m_names_the_file_and_runs_none_of_it(name, tmp_path):
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(THEIRS)
    shown = place.parent if place.name == "__init__.py" else place
    done = started(tmp_path, "-m", "orchestrator.run", "--grid", "demo", "--dry-run")
    package = name.partition("/")[0].removesuffix(".py")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(
        f"error: {shown} hides normsweep's own package `{package}`. Type `normsweep`"
    )
    assert done.stderr.count("\n") == 1
    assert not done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {shown.name}


def test_normsweep_does_not_look_there(tmp_path):
    for name in ("model.py", "analysis.py", "orchestrator.py"):
        (tmp_path / name).write_text(THEIRS)
    done = started(tmp_path, "normsweep", "run", "--list-grids")
    assert (done.returncode, done.stderr) == (0, "")
    assert "fig1" in done.stdout
    assert "their own code" not in done.stdout


def test_an_import_says_it_too(tmp_path):
    (tmp_path / "model.py").write_text(THEIRS)
    code = f"import sys; sys.path.append({str(ROOT)!r}); import analysis"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: {tmp_path}/model.py hides normsweep's own package `model`. Rename it"
    )
    assert not done.stdout


def test_which_folders_hide_something(tmp_path):
    assert not shadows_in(str(tmp_path))
    assert not shadows_in(str(ROOT)), "these are ours"
    (tmp_path / "analysis").mkdir()
    assert shadows_in(str(tmp_path)), "a folder hides what is installed as editable"
    (tmp_path / "analysis").rmdir()
    (tmp_path / "orchestrator.py").touch()
    assert shadows_in(str(tmp_path))
