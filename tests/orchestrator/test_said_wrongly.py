"""What goes wrong beside the storage is said for what it is, with its own exit code and no traceback."""

import os
import signal
import subprocess
import sys

import pytest

from model.errors import InputError
from orchestrator.display.output import LastingOutput
from orchestrator.patience import patience_of
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.waiting import HANGS

#: A run that gets a signal when a module is first looked for, or when Ray connects.
AT_IMPORT = """
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "rich.table":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("orchestrator.run", run_name="__main__", alter_sys=True)
"""
AT_CONNECT = """
import os, signal, sys
import ray
real = ray._private.worker.connect
def connect(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGTERM)
    return real(*args, **kwargs)
ray._private.worker.connect = connect
from orchestrator.run import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments, code=("-m", "orchestrator.run"), stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, *code, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=HANGS,
        env={**os.environ, **environment},
    )


def test_output_that_is_lost_takes_every_word(capsys):
    """The first that fails is told, once."""
    with open("/dev/full", "w") as full:
        output = LastingOutput(full)
        assert output.write("x" * 100_000) == 100_000
        output.flush()
        output.write("more")
        output.flush()
    said = "warning: standard output is lost (No space left on device); the run goes on\n"
    assert capsys.readouterr().err == said


@pytest.mark.slow
def test_standard_output_lost_in_the_middle(command, undisturbed, tmp_path):
    """A full disk under the log; the sweep is trained all the same."""
    with open("/dev/full", "w") as full:
        done = run(*command, "--results", tmp_path, stdout=full)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "warning: standard output is lost (No space left on device); the run goes on\n"
    assert numbers(tmp_path) == undisturbed


@pytest.mark.slow
def test_a_reader_that_goes_while_it_trains(command, undisturbed, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*command, "--results", tmp_path, stdout=writer)
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "warning: standard output is lost (Broken pipe); the run goes on\n"
    assert numbers(tmp_path) == undisturbed


def test_a_full_disk_under_a_table():
    with open("/dev/full", "w") as full:
        done = run("--list-grids", stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output cannot be written: No space left on device\n",
    )


def test_a_terminal_without_dashes():
    done = run("--list-grids", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.slow
def test_a_bad_folder_of_rays(command, tmp_path):
    on_ray = [part if part != "inline" else "ray" for part in command]
    done = run(*on_ray, "--results", tmp_path, RAY_TMPDIR="/proc/nosuch")
    assert done.returncode == 2
    assert "error: Ray does not start on this machine: " in done.stderr
    assert "/proc/nosuch (RAY_TMPDIR)" in done.stderr
    assert "storage failed" not in done.stderr
    assert "Traceback" not in done.stderr


#: As ray._private.node raises it, of no type of its own (Ray 2.60).
TIMED_OUT = (
    "The current node timed out during startup. This could happen because some of the raylet failed to "
    "startup or the GCS has become overloaded."
)


def test_a_ray_that_does_not_start_in_time(command, tmp_path, capsys, monkeypatch):
    """Nobody's mistake, so neither bad input nor a traceback; what was declared waits for the next run."""
    on_ray = [part if part != "inline" else "ray" for part in command]

    def init(**_):
        raise Exception(TIMED_OUT)

    monkeypatch.setattr("ray.init", init)
    assert main([*on_ray, "--results", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: Ray did not start on this machine in time")
    assert error.endswith("Run the same command again to go on.\n")
    assert error.count("\n") == 1
    assert not (tmp_path / "lock.json").exists(), "the next run need not wait"
    states = Store(str(tmp_path)).scan().values()
    assert [(state.status, state.failure) for state in states] == [("missing", None)] * 6


def test_a_cluster_that_does_not_answer_in_time(command, tmp_path, capsys, monkeypatch):
    def init(**_):
        raise Exception(TIMED_OUT)

    monkeypatch.setattr("orchestrator.cluster.session.check_answers", lambda address: None)
    monkeypatch.setattr("ray.init", init)
    on_ray = [part if part != "inline" else "ray" for part in command]
    assert main([*on_ray, "--results", str(tmp_path / "out"), "--address", "10.0.0.1:6379"]) == 2
    error = capsys.readouterr().err
    assert "10.0.0.1:6379" in error
    assert "The current node timed out during startup" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out" / "trials").exists()


@pytest.mark.slow
def test_sigterm_while_ray_starts(command, tmp_path):
    on_ray = [part if part != "inline" else "ray" for part in command]
    done = run(*on_ray, "--results", tmp_path, code=("-c", AT_CONNECT))
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "0 of 6 trials done" in done.stdout
    assert "Traceback" not in done.stderr


def test_ctrl_c_before_anything_is_imported():
    done = run("--list-grids", code=("-c", AT_IMPORT))
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


def test_a_lost_identity_is_no_reason_to_train(command, undisturbed, tmp_path, capsys):
    assert main([*command, "--results", str(tmp_path)]) == 0
    for path in sorted(tmp_path.glob("trials/*/trial.json"))[:2]:
        path.unlink()
    capsys.readouterr()
    assert main([*command, "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "6 done, 0 to run" in out
    assert "trial.json is damaged or was edited in 2 finished trials" in out
    assert len(Store(str(tmp_path)).scan()) == 6


def test_memory_is_one_process_own(command, capsys):
    on_ray = [part if part != "inline" else "ray" for part in command]
    assert main([*on_ray, "--results", "memory://x"]) == 2
    assert "--executor inline" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blocks: &x [*x]", "an alias holds itself"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
         "blocks: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]", "stand for more than 100,000 values"),
        ('description: "\\ud800"\nblocks: [{dataset: imagefolder, norm: bn, batch_size: 4, seeds: 1}]',
         "description: it is not UTF-8 text"),
    ],
    ids=["circle", "bomb", "surrogate"],
)  # fmt: skip
def test_a_hostile_grid(tmp_path, capsys, text, said):
    grid = tmp_path / "g.yaml"
    grid.write_text(text)
    assert main(["--grid", str(grid), "--dry-run", "--executor", "inline"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_what_a_command_line_names_is_plain_and_no_larger_than_such_files_are(tmp_path, command, capsys):
    pipe, device, huge = tmp_path / "pipe.yaml", tmp_path / "device.yaml", tmp_path / "huge.yaml"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    huge.touch()
    os.truncate(huge, 50 * 10**9)
    for path, said in ((pipe, "no plain file"), (device, "no plain file"), (huge, "larger than such a file")):
        assert main(["--grid", str(path), "--dry-run", "--executor", "inline"]) == 2
        assert f"cannot read the grid file {path}: it is {said}" in capsys.readouterr().err
        rates = path.rename(path.with_suffix(".json"))
        assert (
            main([*command, "--results", str(tmp_path / "out"), "--dry-run", "--pace-from", str(rates)]) == 2
        )
        assert f"cannot read {rates}: it is {said}" in capsys.readouterr().err


def test_a_grid_in_a_folder_that_is_not_utf8(tmp_path, command):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    with open(folder + b"/g.yaml", "w") as grid:
        grid.write("blocks: [{dataset: digits, norm: bn, batch_size: 4, epochs: 1, seeds: 1}]")
    done = run(
        "--grid", os.fsdecode(folder + b"/g.yaml"), "--results", tmp_path / "out", "--executor", "inline"
    )
    assert done.returncode == 2
    assert "is not UTF-8 text; choose another name" in done.stderr
    assert not (tmp_path / "out").exists()


def test_half_a_surrogate_pair_is_a_question_mark(tmp_path):
    """A strict stream, as a notebook's or a log's; a command's own standard output replaces by itself."""
    with open(tmp_path / "log", "w", encoding="utf-8") as strict:
        LastingOutput(strict).write("trained on \ud800, then\n")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "trained on ?, then\n"


def test_a_patience_that_is_none(monkeypatch):
    """One without an end would wait for a machine for ever."""
    for said in ("inf", "-1", "soon"):
        monkeypatch.setenv("NORMSWEEP_STORAGE_PATIENCE", said)
        with pytest.raises(InputError, match=f"NORMSWEEP_STORAGE_PATIENCE={said}: expected a number"):
            patience_of("NORMSWEEP_STORAGE_PATIENCE", 300)
    monkeypatch.setenv("NORMSWEEP_STORAGE_PATIENCE", "")
    assert patience_of("NORMSWEEP_STORAGE_PATIENCE", 300) == 300
    done = run(
        "--grid", "demo", "--dry-run", NORMSWEEP_MACHINE_PATIENCE="nan", NORMSWEEP_STORAGE_PATIENCE="0"
    )
    told = "error: NORMSWEEP_MACHINE_PATIENCE=nan: expected a number of seconds.\n"
    assert (done.returncode, done.stderr) == (2, told)
