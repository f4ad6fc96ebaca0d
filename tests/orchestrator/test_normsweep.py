"""The console command: what it runs, what it says of mistakes, and how little it imports for that."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from orchestrator import normsweep
from tests.helpers import ROOT
from tests.helpers.synthetic import write_sweep

#: Asked for nothing that trains or draws, a command starts without them.
HEAVY = {"torch", "ray", "pandas", "plotly", "scipy", "numpy"}
#: Nor without these, each a tenth to a third of its start: what reads buckets, what waits for storage and what
#: both bring.
LATER = {"fsspec", "tenacity", "asyncio", "ssl"}
#: What checks and reads grids, and what draws tables: for those that show some.
SHOWING = {"pydantic", "yaml", "rich"}


def as_typed(*words):
    """A program that does what the installed command does with these words."""
    return (
        f"import sys; sys.argv = ['/somewhere/bin/normsweep', *{words!r}]\n"
        "from orchestrator.normsweep import main\nmain()\n"
    )


def ran(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture
def typed(monkeypatch):
    """Runs words in this process, as the installed command would; gives the exit code."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["/somewhere/bin/normsweep", *words])
        with pytest.raises(SystemExit) as left:
            normsweep.main()
        return left.value.code

    return run


def test_what_is_installed_is_this():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert normsweep.found(scripts["normsweep"]) is normsweep.main


@pytest.mark.parametrize("name", normsweep.COMMANDS)
def test_every_command_answers_help_by_the_name_that_was_typed(name, typed, capsys):
    assert typed(name, "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: normsweep {name} ")
    assert "python -m orchestrator" not in out
    assert "python -m analysis" not in out


@pytest.mark.parametrize("name", [name for name in normsweep.COMMANDS if name not in {"axes", "completion"}])
def test_the_module_has_the_same_parser(name, typed, monkeypatch, capsys):
    """What `python -m` says of its options is what the command says, but for the name."""
    typed(name, "--help")
    said = capsys.readouterr().out
    module = normsweep.COMMANDS[name].main.partition(":")[0]
    monkeypatch.setattr(sys, "argv", ["module.py"])
    with pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    plain = capsys.readouterr().out
    assert f"usage: python -m {module.removesuffix('.__main__')} " in plain
    assert short(plain) == short(said)


def short(text):
    """With every command by its last name, and no line breaks, which follow the length of names."""
    return " ".join(re.sub(r"(python -m (orchestrator|analysis|model)\.|normsweep )", "", text).split())


def test_alone_it_lists_its_commands(typed, capsys):
    assert typed() == 2
    listed = capsys.readouterr().out
    assert typed("--help") == 0
    assert capsys.readouterr().out == listed
    for name, one in normsweep.COMMANDS.items():
        assert f"  {name} " in listed
        assert one.help in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["raport"], "there is no command 'raport'; did you mean report? (see normsweep --help)"),
        (["xyzzy"], "there is no command 'xyzzy' (see normsweep --help)"),
        (["--grid", "demo"], "--grid demo: expected a command first, as in normsweep run --grid demo"),
        (
            ["run", "--grd", "demo"],
            "there is no option --grd; did you mean --grid? (see normsweep run --help)",
        ),
        (["run"], "--grid is missing: name a grid of --list-grids, or a YAML file"),
        (["tables"], "the following arguments are required: RESULTS (see normsweep tables --help)"),
        (["status", "/nowhere"], "/nowhere"),
        (["completion", "tcsh"], "invalid choice: 'tcsh'"),
    ],
)
def test_mistakes_are_one_line(words, said, typed, capsys):
    assert typed(*words) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not out


def test_the_version_is_the_one_of_the_package(typed, capsys, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda package: f"1.2.3 of {package}")
    assert typed("--version") == 0
    assert capsys.readouterr().out == "normsweep 1.2.3 of normsweep\n"


def test_axes_are_those_that_a_run_lists(typed, capsys):
    assert typed("axes") == 0
    axes = capsys.readouterr().out
    assert typed("run", "--list-axes") == 0
    assert capsys.readouterr().out == axes
    assert "batch_size" in axes


def test_commands_reach_what_python_m_reaches(typed, tmp_path, capsys):
    results = str(tmp_path / "results")
    write_sweep(results, grid="demo", epochs=2)
    assert typed("status", results) == 0
    assert "18 done" in capsys.readouterr().out
    assert typed("tables", results, "--format", "csv") == 0
    assert capsys.readouterr().out.startswith("norm,groups,batch_size,n,mean")


def test_a_run_is_remembered_as_it_was_typed(typed, tmp_path, monkeypatch):
    from orchestrator import run

    told = []
    monkeypatch.setattr(run, "_train", lambda _, command, *more: told.append(command) or 0)
    typed("run", "--grid", "demo", "--results", str(tmp_path / "a b"))
    assert told == [f"normsweep run --grid demo --results '{tmp_path}/a b'"]
    run.main(["--grid", "demo"])
    assert told[1] == "normsweep run --grid demo"
    monkeypatch.setattr(sys, "argv", ["/somewhere/orchestrator/run.py", "--grid", "fig1"])
    run.main()
    assert told[2] == "python -m orchestrator.run --grid fig1"


def imported(tmp_path, *words):
    """Of `HEAVY`, `LATER` and `SHOWING`, what a command imports from its start to its exit."""
    results = str(tmp_path / "results")
    write_sweep(results, grid="demo", seeds=1, epochs=1)
    words = [results if word == "RESULTS" else word for word in words]
    asked = HEAVY | LATER | SHOWING
    code = as_typed(*words).replace(
        "main()\n", f"try: main()\nfinally: print(sorted({asked} & set(sys.modules)), file=sys.stderr)\n"
    )
    return set(ast.literal_eval(ran(code).stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["--hlep"], ["nothing"], ["tables"], ["run", "--gird", "demo"]]
    + [[name, "--help"] for name in ("run", "status", "report", "figures", "evaluate", "bench", "simulate")],
    ids=" ".join,
)
def test_what_the_parser_answers_imports_nothing_that_shows_results(words, tmp_path):
    assert imported(tmp_path, *words) == set()


@pytest.mark.parametrize(
    ("words", "showing"),
    [
        (["axes"], {"rich"}),
        (["run", "--list-grids"], SHOWING),
        (["run", "--grid", "nosuch", "--dry-run"], SHOWING),
        (["status", "RESULTS"], {"pydantic", "rich"}),
        (["completion", "bash"], {"pydantic", "yaml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_needs_no_torch_imports_what_it_shows_alone(words, showing, tmp_path):
    assert imported(tmp_path, *words) <= showing


def test_ctrl_c_is_no_traceback():
    code = as_typed("simulate", "--grid", "demo").replace(
        "main()\n",
        "import orchestrator.simulate.__main__ as module\n"
        "def interrupted(words):\n    import signal\n    signal.raise_signal(signal.SIGINT)\n"
        "module.main = interrupted\nmain()\n",
    )
    done = ran(code)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")


# -- completion ----------------------------------------------------------------------------------------


def completed(script, *words):
    """What bash offers for the last of `words`."""
    line = (
        f"source {script}; COMP_WORDS=(normsweep {' '.join(map(repr, words))}); COMP_CWORD={len(words)}; "
        '_shtab_normsweep; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(
        subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, check=True, cwd=script.parent
        ).stdout.split()
    )


def test_bash_completes_commands_options_and_values(typed, tmp_path, capsys):
    pytest.importorskip("shtab")
    assert typed("completion", "bash") == 0
    script = tmp_path / "normsweep.bash"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "results").mkdir()
    assert completed(script, "") == {*normsweep.COMMANDS}
    assert completed(script, "re") == {"report"}
    assert completed(script, "run", "--groups") == {"--groups", "--groups-from"}
    assert completed(script, "run", "--grid", "") == {*shipped_grids(), "mine.yaml", "results/"}
    assert {"bn", "gn"} < completed(script, "run", "--norms", "")
    assert completed(script, "tables", "--format", "la") == {"latex"}
    assert "results" in completed(script, "status", "res")


def shipped_grids():
    return {path.stem for path in (ROOT / "orchestrator/grid/shipped").glob("*.yaml")}


def test_zsh_takes_its_script(typed, tmp_path, capsys):
    pytest.importorskip("shtab")
    assert typed("completion", "zsh") == 0
    text = capsys.readouterr().out
    assert text.startswith("#compdef normsweep\n")
    for name, one in normsweep.COMMANDS.items():
        assert f"{name}:'{one.help}'" in text
    if (zsh := shutil.which("zsh")) is not None:
        (tmp_path / "_normsweep").write_text(text)
        subprocess.run([zsh, "-n", str(tmp_path / "_normsweep")], check=True)


def test_without_shtab_it_says_what_to_install(typed, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert typed("completion", "bash") == 2
    assert "pip install shtab" in capsys.readouterr().err
