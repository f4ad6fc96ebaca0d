"""One constant: another level in analysis.stats.intervals is another level everywhere."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from scipy import stats as scipy_stats

from tests.helpers import ROOT
from tests.helpers.synthetic import block

#: What the calculator offers as power has nothing to do with the level of intervals.
POWER = '<option value="0.95">95%</option>'
#: What a program sees that has the copy: the page, each table, and the texts of Figure 1 and of the G search.
PROGRAM = """
import json, sys
from analysis import fig1, load, report, tables
from analysis.figures import figures
from analysis.stats.choices import Choices
from analysis.study import read
said = {"page": report.build(*sys.argv[1:]), "csv": tables.to_csv(load(sys.argv[1]))}
said |= {name: make(load(sys.argv[1]), Choices(paired=True)) for name, make in tables.FORMATS.items()}
said["fig1"] = fig1(sys.argv[1]).to_json()
said |= {name: figure.to_json() for name, figure in figures(read([sys.argv[1]])).items()}
print(json.dumps(said))
"""


@pytest.fixture
def sources(sweep, tmp_path):
    trials = block(batch_size=[32, 2], seeds=5) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=5)
    trials += block(norm="gn", groups=[8, 4], holdout=5000, seeds=5)
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("seed,batch_size,norm,accuracy\n1,32,bn,0.86\n2,32,bn,0.861\n")
    return [sweep(trials), str(theirs)]


def made_at(level, sources, tmp_path):
    """What a copy of the package makes in which the one constant says `level`."""
    copy = tmp_path / f"at-{level}"
    for package in ("analysis", "orchestrator", "model"):  # one of them alone would hide the package
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / "analysis" / "stats" / "intervals.py"
    text = path.read_text()
    assert text.count("\nCONFIDENCE = 0.95\n") == 1
    path.write_text(text.replace("\nCONFIDENCE = 0.95\n", f"\nCONFIDENCE = {level}\n"))
    paths = os.pathsep.join([str(copy), str(ROOT)])
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *sources],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def test_another_level_changes_every_number_and_every_word(sources, tmp_path):
    usual, stricter = (made_at(level, sources, tmp_path) for level in (0.95, 0.99))
    for name in ("page", "csv", "terminal", "markdown", "latex", "fig1", "differences-1", "gsearch"):
        assert usual[name] != stricter[name], name
    for name, text in stricter.items():
        words = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S).replace(POWER, "")
        assert not re.search(r"(?<![\d.])95%|(at|below) 0\.05", words), name
    page = stricter["page"]
    for words in (
        "99% CI (paired t)",
        "BCa (nominal 99%)",
        "99% CI (Welch)",
        "99% CI (Student t)",
        "99% t interval",
    ):
        assert words in page
    assert "significant at 0.01; at least nine pairs would be needed" in page
    assert "99%&nbsp;CI&nbsp;" in page
    assert "mean, 99% CI" in stricter["gsearch"]


def test_the_number_is_that_of_the_level(sources, tmp_path):
    def half_width(table):
        first = dict(zip(*(line.split(",") for line in table.splitlines()[:2]), strict=True))
        return (float(first["ci_high"]) - float(first["ci_low"])) / 2 / float(first["sd"])

    table = made_at(0.99, sources, tmp_path)["csv"]
    assert half_width(table) == pytest.approx(scipy_stats.t.ppf(0.995, 4) / 5**0.5, rel=1e-4)
