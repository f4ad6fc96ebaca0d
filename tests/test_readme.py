"""The README's commands work as they are written there: what trains is planned, what takes minutes is tried elsewhere."""

import importlib
import json
import re
import shlex

import pytest

from tests.helpers import ROOT
from tests.helpers.synthetic import write_sweep
from tests.helpers.tiny import make_images

README = (ROOT / "README.md").read_text()
#: Command -> where it is tried.
ELSEWHERE = {
    "python -m analysis.figures results/fig1 --format pdf": "tests/analysis/test_figures.py; needs Chromium",
    "python -m model.bench": "tests/model/bench",
    "python -m model.bench --device cuda --survey 4 --out survey.jsonl": "tests/model/bench/test_survey.py; needs a GPU",
    "python -m orchestrator.bench": "tests/orchestrator/bench",
    "python -m orchestrator.bench --nodes 3": "tests/orchestrator/bench",
    "python -m orchestrator.simulate --grid full --seeds 100": "tests/orchestrator/simulate",
    "python -m orchestrator.status s3://your-bucket/normsweep/fig1": "tests/orchestrator/test_s3.py",
    "python -m analysis.report s3://your-bucket/normsweep/fig1 --out fig1.html": "tests/orchestrator/test_s3.py",
}
ONPREM = "python -m orchestrator.onprem"  # tests/cluster/test_onprem.py


def commands():
    text = README.replace("\\\n", " ")
    found = re.findall(r"^    (?:[A-Z_]+=\S+ )?(?:taskset \S+ \S+ )?(python .+?)(?:\s+#.*)?$", text, re.M)
    return [" ".join(command.split()) for command in found]


def block(language):
    """The text of the README's one block in a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)
    return text


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that holds what the README speaks of: two sweeps, somebody's CSV, a grid, images at home."""
    place = tmp_path_factory.mktemp("readme")
    write_sweep(str(place / "results/fig1"), grid="fig1", epochs=3)
    write_sweep(str(place / "results/gsearch"), grid="gsearch", epochs=3)
    rows = [
        f"{seed},{size},{norm},{0.8 + seed / 100}"
        for seed in (1, 2)
        for size in (32, 2)
        for norm in ("bn", "gn")
    ]
    (place / "theirs.csv").write_text("\n".join(["seed,batch_size,norm,accuracy", *rows]))
    (place / "mine.yaml").write_text(block("yaml"))
    (place / "mylab.py").write_text(block("py"))
    make_images(place / "home/images", train=16)
    rates = [
        {"norm": norm, "batch_size": size, "pack": 1, "images_per_second": 1000.0}
        for norm in ("bn", "gn", "ln", "in")
        for size in (32, 16, 8, 4, 2)
    ]
    (place / "rates.json").write_text(json.dumps(rates))
    return place


@pytest.mark.parametrize(
    "command", [c for c in commands() if c not in ELSEWHERE and not c.startswith(ONPREM)]
)
def test_a_command(command, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    _, _, module, *arguments = shlex.split(command.replace("~", str(place / "home")))
    if module == "orchestrator.run" and "--list-grids" not in arguments:
        arguments += ["--dry-run", "--executor", "inline", "--pace-from", "rates.json"]
    code = importlib.import_module(module).main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert out


def test_the_lines_of_a_notebook(place, monkeypatch):
    monkeypatch.chdir(place)
    *lines, last = block("python").strip().splitlines()
    names = {}
    exec("\n".join(lines), names)
    assert {trace.type for trace in eval(last, names).data} == {"scatter"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(name):
    text = (ROOT / name).read_text()
    paths = set(re.findall(r"(?<![\w/<])((?:orchestrator|model|analysis|tests|\.github)/[\w./-]*\w/?)", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert len(paths) > 3


def test_what_is_tried_elsewhere_is_in_the_readme():
    assert set(ELSEWHERE) <= set(commands())
