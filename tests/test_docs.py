"""The commands of README and docs work as they are written there: what trains is planned, what takes minutes is tried
elsewhere."""

import importlib
import json
import re
import shlex
import sys

import pytest

from tests.helpers import ROOT
from tests.helpers.synthetic import write_sweep
from tests.helpers.tiny import make_images

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
#: Command -> where it is tried.
ELSEWHERE = {
    "python -m analysis.figures results/fig1 --format pdf": "tests/analysis/test_figures.py; needs Chromium",
    "python -m analysis.report results/why": "of networks that were evaluated: tests/orchestrator/test_evaluate.py",
    "python -m analysis.report results/norms": "the same",
    "python -m analysis.report s3://your-bucket/normsweep/fig1 --out fig1.html": "tests/orchestrator/test_s3.py",
    "python -m model.bench": "tests/model/bench",
    "python -m model.bench --layers --norms gn,bn --batch-sizes 2,4,8 --packs 5": "tests/model/bench/test_layers.py",
    "python -m model.bench --layers --norms gn,bn --batch-sizes 16,32 --packs 1": "the same",
    "python -m model.bench --device cuda --check": "tests/model/bench/test_check.py; needs a GPU",
    "python -m model.bench --device cuda --survey 4 --out survey.jsonl": "tests/model/bench/test_survey.py; needs a GPU",
    "python -m orchestrator.run --grid demo --tracker tensorboard": "tests/orchestrator/trackers; needs tensorboard",
    "python -m orchestrator.run --grid demo --tracker wandb": "tests/orchestrator/trackers; needs wandb",
    "python -m orchestrator.run --grid fig1 --epochs 4 --executor inline --gpus-per-pack 0.1 --dataset imagefolder "
    "--data-dir ~/images": "on an H200, as the page says; without a GPU the same by --dry-run: docs/running.md",
    "python -m orchestrator.bench": "tests/orchestrator/bench",
    "python -m orchestrator.bench --finished 100000": "tests/orchestrator/bench: what it reads, of few trials",
    "python -m orchestrator.bench --nodes 2 --trials 10000": "tests/orchestrator/bench: of few trials",
    "python -m orchestrator.bench --nodes 3": "tests/orchestrator/bench",
    "python -m orchestrator.simulate --grid full --seeds 100": "tests/orchestrator/simulate",
    "python -m orchestrator.status results/fig1 --serve": "tests/orchestrator/live",
    "python -m orchestrator.status s3://your-bucket/normsweep/fig1": "tests/orchestrator/test_s3.py",
    "python tests/soak/fuzz.py --minutes 60": "tests/orchestrator/results: a minute of it",
    "python tests/soak/soak.py --rounds 200": "tests/orchestrator/test_soak.py",
}
#: The same, for every command that begins so.
BEGINNINGS = {
    "python -m orchestrator.onprem": "tests/cluster/test_onprem.py",
    "python -m orchestrator.evaluate": "tests/orchestrator/test_evaluate.py",
}


def commands(text):
    found = re.findall(
        r"^    (?:[A-Z_]+=\S+ )?(?:taskset \S+ \S+ )?(python .+?)(?:\s+#.*)?$",
        text.replace("\\\n", " "),
        re.M,
    )
    return [" ".join(command.split()) for command in found]


COMMANDS = list(dict.fromkeys(command for text in PAGES.values() for command in commands(text)))


def tried_elsewhere(command):
    return command in ELSEWHERE or command.startswith(tuple(BEGINNINGS))


def files(text):
    """The files that a page has its reader save, by name: said before the block, or in its first line."""
    blocks = re.findall(r"(?:Save this as `(\S+)`:?\n\n)?^```(?:yaml|py)\n(.*?)^```", text, re.M | re.S)
    for said, content in blocks:
        first = re.match(r"# (\S+\.py)\n", content)
        if name := said or (first[1] if first else "mine.yaml" if "mine.yaml" in text else None):
            yield name, content


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that holds what the pages speak of: sweeps, somebody's CSV, grids and code, images at home."""
    place = tmp_path_factory.mktemp("docs")
    for grid in ("fig1", "gsearch", "grule", "finetune-demo"):
        write_sweep(str(place / "results" / grid), grid=grid, epochs=3)
    write_sweep(str(place / "results/demo"), grid="demo", epochs=3)
    rows = [
        f"{seed},{size},{norm},{0.8 + seed / 100}"
        for seed in (1, 2)
        for size in (32, 2)
        for norm in ("bn", "gn")
    ]
    (place / "theirs.csv").write_text("\n".join(["seed,batch_size,norm,accuracy", *rows]))
    for text in PAGES.values():
        for name, content in files(text):
            (place / name).write_text(content)
    make_images(place / "home/images", train=16)
    rates = [
        {"norm": norm, "batch_size": size, "pack": 1, "images_per_second": 1000.0}
        for norm in ("bn", "gn", "ln", "in", "fbn")
        for size in (32, 16, 8, 4, 2)
    ]
    (place / "rates.json").write_text(json.dumps(rates))
    return place


@pytest.mark.parametrize("command", [c for c in COMMANDS if not tried_elsewhere(c)])
def test_a_command(command, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", [*sys.path])  # code of one's own is looked for here, and then no more
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    _, _, module, *arguments = shlex.split(command.replace("~", str(place / "home")))
    if module == "orchestrator.run" and "--grid" in arguments:
        arguments += ["--dry-run", "--executor", "inline"]
        if "MeanOnly" not in command:  # a norm that rates.json cannot know
            arguments += ["--pace-from", "rates.json"]
    code = importlib.import_module(module).main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert out


def test_the_lines_of_a_notebook(place, monkeypatch):
    monkeypatch.chdir(place)
    (text,) = re.findall(r"^```python\n(.*?)^```", PAGES["docs/results.md"], re.M | re.S)
    *lines, last = text.strip().splitlines()
    names = {}
    exec("\n".join(lines), names)
    assert {trace.type for trace in eval(last, names).data} == {"scatter"}


@pytest.mark.slow
def test_the_lines_of_the_page_on_python(place, monkeypatch):
    """Each block goes on where the one before it stopped, as cells do."""
    monkeypatch.chdir(place)
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGES["docs/python.md"], re.M | re.S):
        *lines, last = re.split(r"\n(?=[^\s\])}])", block.strip())
        exec("\n".join(lines), names)
        names["last"] = eval(last, names)
    assert names["sweep"].status()["counts"]["done"] == 2
    assert names["study"].plan().trials == 12
    assert names["last"].html.rstrip().endswith("</html>")


@pytest.mark.parametrize("name", [*PAGES, "CONTRIBUTING.md"])
def test_files_that_are_named_exist(name):
    text = PAGES.get(name) or (ROOT / name).read_text()
    paths = set(
        re.findall(r"(?<![\w/<])((?:orchestrator|model|analysis|tests|deploy|\.github)/[\w./-]*\w/?)", text)
    )
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_what_is_tried_elsewhere_is_in_the_pages():
    assert set(ELSEWHERE) <= set(COMMANDS)
    assert all(any(c.startswith(beginning) for c in COMMANDS) for beginning in BEGINNINGS)


def test_every_page_is_in_the_index_and_the_readme_is_short():
    pages = {name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")} - {"index.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", PAGES["docs/index.md"]))
    assert len(PAGES["README.md"].split()) <= 900
