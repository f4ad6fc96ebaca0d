"""examples/own_study.ipynb does in a kernel what it says, with no network, and shows what a person is to see."""

import json
import os
import re
from itertools import pairwise

import pytest

from tests.helpers import ROOT

PLACE = ROOT / "examples/own_study.ipynb"
CELLS = json.loads(PLACE.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def texts(cell):
    """What a front end without HTML would show."""
    for output in cell["outputs"]:
        yield output.get("text") or output.get("data", {}).get("text/plain", "")


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Its cells by the first line of their source, with outputs; and every message about its live table."""
    client = pytest.importorskip("nbclient", reason="needs Jupyter, of the test extra")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    folder, drawn = tmp_path_factory.mktemp("notebook"), []

    class Watched(client.NotebookClient):
        def process_message(self, msg, cell, index):
            if (
                msg["msg_type"] in {"display_data", "update_display_data"}
                and "text/plain" in msg["content"]["data"]
            ):
                drawn.append(msg["content"]["data"])
            return super().process_message(msg, cell, index)

    book = nbformat.read(PLACE, as_version=4)
    Watched(book, timeout=300, iopub_timeout=60, resources={"metadata": {"path": str(folder)}}).execute(
        env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    cells = {source(cell).splitlines()[0]: cell for cell in book.cells if cell.cell_type == "code"}
    return cells, drawn, folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_does_what_it_says(executed):
    cells, _, folder = executed
    assert "12 trials in 6 cells" in "".join(texts(cells["from orchestrator import Sweep"]))
    assert "'done': 12" in "".join(texts(cells['study.status()["counts"]']))
    (frame,) = cells["frame = study.load()"]["outputs"]
    assert "ScaledByMax" in frame["data"]["text/html"]
    kinds = [
        kind for output in cells["from analysis import fig1"]["outputs"] for kind in output.get("data", ())
    ]
    assert "application/vnd.plotly.v1+json" in kinds, "a figure that can be explored"
    (report,) = cells["study.report()"]["outputs"]
    assert report["data"]["text/html"].startswith("<iframe srcdoc=")
    assert (folder / "results/scaled-by-max/report.html").exists()


@pytest.mark.slow
def test_its_table_changes_in_place(executed):
    cells, drawn, _ = executed
    shown = [data["text/plain"] for data in drawn if "trials done" in data["text/plain"]]
    done = [int(re.search(r"(\d+) of 12 trials done", text)[1]) for text in shown]
    assert done[0] == 0
    assert done[-1] == 12
    assert all(one <= other for one, other in pairwise(done))
    assert len(set(shown)) > 3, "it was drawn while it trained"
    output = cells["study.run()"]["outputs"]
    tables = [o for o in output if "trials done" in o.get("data", {}).get("text/plain", "")]
    assert len(tables) == 1, "one table, not one for every second"
    assert "12 of 12 trials done" in tables[0]["data"]["text/plain"], "and the last that was drawn stays"


def test_it_is_kept_without_outputs_and_opens_on_colab():
    assert [cell for cell in CELLS if cell.get("outputs") or cell.get("execution_count")] == []
    (link,) = re.findall(r"colab-badge\.svg\)\]\((\S+)\)", source(CELLS[0]))
    assert link.endswith(f"/blob/main/{PLACE.relative_to(ROOT)}")
    repository = re.search(r"/github/([\w-]+/[\w-]+)/", link)[1]
    (install,) = (cell for cell in CELLS if "%pip" in source(cell))
    assert f"git+https://github.com/{repository}" in source(install)
    assert "google.colab" in source(install), "nothing is fetched elsewhere"
