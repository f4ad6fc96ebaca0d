import pytest

from analysis.stats import versus
from analysis.study import read
from tests.helpers.synthetic import block


def csv_of(tmp_path, rows):
    path = tmp_path / "theirs.csv"
    path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(",".join(map(str, r)) for r in rows) + "\n")
    return str(path)


def test_a_sweep_against_somebodys_csv(sweep, tmp_path):
    ours = sweep(block(seeds=3) + block(norm="gn", groups=8, seeds=3), name="ours")
    theirs = csv_of(tmp_path, [(s, 32, n, 0.8 + s / 100) for s in (1, 2) for n in ("bn", "gn")])
    study = read([ours, theirs])
    ((a, b, rows),) = versus.pairs(study.panels)
    assert (a.source, b.source) == ("ours", "theirs.csv")
    assert [(r.line.norm, r.line.groups, r.x, r.difference.n) for r in rows] == [
        ("bn", None, 32, (3, 2)),
        ("gn", 8, 32, (3, 2)),  # the CSV does not say its G, and ours has only one
    ]
    assert rows[0].second == pytest.approx(18.5)
    assert rows[0].difference.mean == pytest.approx(18.5 - rows[0].first)


def test_a_csv_without_g_is_not_matched_where_there_are_two(sweep, tmp_path):
    ours = sweep(block(norm="gn", groups=[8, 4], seeds=2))
    theirs = csv_of(tmp_path, [(1, 32, "gn", 0.8)])
    assert versus.pairs(read([ours, theirs]).panels) == []


def test_two_recipes_of_one_sweep_are_not_set_against_each_other(sweep):
    study = read([sweep(block(epochs=2) + block(epochs=3))])
    assert versus.pairs(study.panels) == []


def test_the_same_trial_in_two_sweeps_keeps_its_own_numbers(sweep):
    trials = block(seeds=2)
    a = sweep(trials, folder="a", error=lambda t: 10.0, epochs=60)
    b = sweep(trials, folder="b", error=lambda t: 20.0, epochs=60)
    study = read([a, b])
    assert len(study.frame) == 4
    ((_, _, (row,)),) = versus.pairs(study.panels)
    assert row.difference.mean == pytest.approx(10.0, abs=0.1)
    assert {p.source for p in study.panels} == {a, b}  # one name twice, so the places tell them apart
