"""An axis is declared once: added to a copy of the table, it is everywhere, with no other file changed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.grid.parse import find
from tests.helpers.synthetic import write_sweep

ROOT = Path(__file__).parents[1]

#: The one change: a field at the end of `Spec`.
WHERE = "\n    @property\n    def name(self)"
AXIS = """
    jitter: Annotated[float, Axis("Jitter", help="of every pixel", before=1e-4)] = 1e-4
"""

GRID = """
blocks:
  - {dataset: digits, norm: bn, batch_size: [8, 2], jitter: [0.0001, 0.0005], epochs: 2, seeds: 2}
"""

#: Runs in the copy: prints what each part of the product makes of the grid above.
PROBE = """
import argparse, json, sys
from pathlib import Path
from orchestrator.grid.arguments import add_options, adjustments
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import find, parse
from orchestrator.grid.schema import grid_schema
from orchestrator.grid.trial import Trial
from orchestrator.planning.plan import make_plan
from model.spec import full_name
from analysis import load, report, tables
from analysis.stats.cells import cells
from tests.helpers.synthetic import write_sweep

text, old = Path(sys.argv[1]).read_text(), sys.argv[2]
trials = parse("x", text).trials()
parser = argparse.ArgumentParser()
add_options(parser)
given = adjustments(parser.parse_args(["--set", "jitter=0,0.001"]))
plan = make_plan(trials, {}, pack_size=lambda spec: 5, max_failures=1)
folder = write_sweep("made", trials)
frame = load(folder)
try:
    parse("x", text.replace("0.0005", "much"))
except Exception as error:
    refusal = str(error)
print(json.dumps({
    "blocks": [[t.batch_size, t.jitter, t.seed] for t in trials],
    "round trip": [Trial.from_identity(t.identity) == t for t in trials],
    "ids": [t.trial_id for t in trials],
    "demo ids": [t.trial_id for t in find("demo").trials()],
    "options": sorted({t.jitter for t in adjust(find("demo"), given)}),
    "help": parser.format_help(),
    "packs": [pack.name for pack in plan.packs],
    "full names": [full_name({**t.identity}) for t in trials],
    "column": frame["jitter"].tolist(),
    "columns": list(frame.columns),
    "old column": load(old)["jitter"].unique().tolist(),
    "titles": [cell.panel.title for cell in cells(frame)],
    "table": tables.to_csv(frame).splitlines(),
    "report": report.build(folder),
    "schema": grid_schema()["properties"]["blocks"]["items"]["properties"]["jitter"],
    "refusal": refusal,
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the probe saw in a copy of the packages to which the axis was added."""
    folder = tmp_path_factory.mktemp("axis")
    for package in ("orchestrator", "model", "analysis", "tests/helpers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    table = folder / "model" / "spec.py"
    text = table.read_text(encoding="utf-8")
    assert text.count(WHERE) == 1
    table.write_text(text.replace(WHERE, AXIS + WHERE), encoding="utf-8")
    (folder / "x.yaml").write_text(GRID)
    old = write_sweep(str(folder / "old"), grid="demo")  # by the product without the axis
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, "x.yaml", old],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_grid_multiplies_it(seen):
    product = [[b, decay, seed] for b in (8, 2) for decay in (1e-4, 5e-4) for seed in (1, 2)]
    assert seen["blocks"] == product
    assert "jitter" in seen["refusal"]
    assert "much" in seen["refusal"]


def test_ids_tell_it_and_old_ones_stay(seen):
    assert len(set(seen["ids"])) == 8
    assert all(seen["round trip"])
    assert seen["demo ids"] == [trial.trial_id for trial in find("demo").trials()]


def test_the_command_line_gives_it(seen):
    assert seen["options"] == [0.0, 0.001]
    assert "--set AXIS=A,B" in seen["help"]


def test_a_plan_names_it_where_it_is_not_the_default(seen):
    assert seen["packs"] == [
        "bn, batch 8, seeds 1–2",
        "bn, batch 8, jitter 0.0005, seeds 1–2",
        "bn, batch 2, seeds 1–2",
        "bn, batch 2, jitter 0.0005, seeds 1–2",
    ]


def test_a_result_names_it_too(seen):
    """An identity leaves the axis out at the value of before, and then so does the name."""
    background = "(digits, resnet20, projection, wu2018, 2)"
    assert seen["full names"][0] == f"bn, batch 8 {background}"
    assert seen["full names"][2] == f"bn, batch 8, jitter 0.0005 {background}"


def test_the_frame_has_it_last_and_knows_it_of_older_results(seen):
    assert seen["column"] == [1e-4, 1e-4, 5e-4, 5e-4] * 2
    assert seen["columns"][-1] == "jitter"
    assert seen["old column"] == [1e-4]


def test_cells_tables_and_the_report_tell_it_apart(seen):
    assert seen["titles"] == [
        "digits · resnet20 · recipe of Wu & He (2018) · 2 epochs",
        "digits · resnet20 · recipe of Wu & He (2018) · 2 epochs",
        "digits · resnet20 · recipe of Wu & He (2018) · 2 epochs · jitter 0.0005",
        "digits · resnet20 · recipe of Wu & He (2018) · 2 epochs · jitter 0.0005",
    ]
    assert seen["table"][0].startswith("jitter,norm,groups,batch_size,")
    assert [line.split(",")[0] for line in seen["table"][1:]] == ["0.0001"] * 2 + ["0.0005"] * 2
    assert "jitter 0.0005" in seen["report"]
    assert "Jitter" in seen["report"]  # heads a column of the table of cells


def test_the_schema_describes_it(seen):
    item = {"type": "number"}
    assert seen["schema"] == {
        "title": "Jitter",
        "description": "of every pixel",
        "default": 1e-4,
        "anyOf": [item, {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}],
    }
