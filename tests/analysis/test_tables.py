import csv
import io

import pytest
from scipy import stats as scipy_stats

from analysis import load, tables
from analysis.stats.choices import Choices
from analysis.words import latex
from tests.helpers.synthetic import block


@pytest.fixture
def frame(sweep):
    trials = block(batch_size=[32, 2], seeds=4) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=1)
    return load(sweep(trials, status=lambda t: "failed" if (t.batch_size, t.seed) == (2, 4) else "done"))


def test_csv_has_exactly_the_promised_columns_and_the_numbers(frame):
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(frame))))
    assert list(rows[0]) == ["norm", "groups", "batch_size", "n", "mean", "sd", "ci_low", "ci_high"]
    assert [(r["norm"], r["groups"], r["batch_size"], r["n"]) for r in rows] == [
        ("bn", "", "32", "4"),
        ("bn", "", "2", "3"),
        ("gn", "8", "32", "1"),
        ("gn", "8", "2", "1"),
    ]
    errors = frame[(frame["norm"] == "bn") & (frame["batch_size"] == 32)]["test_error"]
    low, high = scipy_stats.t.interval(0.95, 3, errors.mean(), scipy_stats.sem(errors))
    assert float(rows[0]["mean"]) == pytest.approx(errors.mean(), rel=1e-5)
    assert float(rows[0]["ci_low"]) == pytest.approx(low, rel=1e-5)
    assert float(rows[0]["ci_high"]) == pytest.approx(high, rel=1e-5)
    assert rows[2]["sd"] == rows[2]["ci_low"] == ""  # one seed has no spread


def test_a_table_of_medians_says_so(frame):
    median = Choices(measure="median5")
    assert "error %, median of 5" in tables.to_markdown(frame, median)
    assert "median of 5" not in tables.to_markdown(frame)


def test_two_panels_are_told_apart(sweep):
    text = tables.to_csv(load(sweep(block(seeds=2) + block(seeds=2, holdout=5000))))
    assert text.splitlines()[0] == "holdout,norm,groups,batch_size,n,mean,sd,ci_low,ci_high"
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["0", "5000"]


def test_the_terminal_table_fits_and_says_what_is_wanting(frame):
    lines = tables.terminal(frame).splitlines()
    assert max(map(len, lines)) <= 80
    assert "in the 1 to 3 runs of each (n = 1 to 3 each: no interval)." in " ".join(lines)
    paired = tables.terminal(frame, Choices(paired=True))
    assert "in the one seed that both finished (n = 1: no interval)." in " ".join(paired.splitlines())
    assert any("1 failed" in line for line in lines)
    assert any("GN (G = 8)" in line and "–" in line for line in lines)


def test_markdown_is_a_table(frame):
    lines = tables.to_markdown(frame).splitlines()
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert len(lines) == 2 + 4


def test_latex_is_set_with_booktabs_and_escaped(frame):
    text = tables.to_latex(frame)
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\usepackage{booktabs}"):
        assert rule in text
    assert r"error \%" in text
    assert latex.escaped("a_b & 5% – {x} − 1\\") == r"a\_b \& 5\% -- \{x\} $-$ 1\textbackslash{}"


def test_the_command_line(frame, sweep, capsys, tmp_path):
    url = sweep(block(seeds=2), folder="cli")
    assert tables.main([url, "--format", "csv"]) == 0
    assert capsys.readouterr().out == tables.to_csv(load(url))
    assert tables.main([str(tmp_path / "absent")]) == 2
    out = capsys.readouterr()
    assert out.err.startswith("error: no such folder")
    assert out.out == ""
