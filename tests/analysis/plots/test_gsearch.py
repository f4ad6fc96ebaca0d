import math

import pytest

from analysis import report
from analysis.plots import gsearch
from analysis.study import read
from analysis.words.search import search_headline
from tests.helpers.synthetic import block


@pytest.fixture
def study(sweep):
    errors = {8: 12.0, 4: 12.4, 2: 14.2}
    trials = block(norm="gn", groups=[8, 4, 2], holdout=5000, seeds=5)
    return read([sweep(trials, error=lambda t: errors[t.groups] + t.seed / 100, epochs=60)])


def test_the_search_by_value(study):
    (search,) = study.searches
    assert [p.groups for p in search.points] == [8, 4, 2]
    assert [p.mean for p in search.points] == pytest.approx([12.03, 12.43, 14.23], abs=0.05)
    assert search.published == {8: 12.00, 4: 12.38, 2: 14.25}


def test_the_headline_says_which_g_and_how_sure(study):
    said = search_headline(study.searches[0])
    assert said.title.startswith("GN with G = 8 has the lowest validation error, 12.0")
    assert said.facts[0] == "In 100% of bootstrap resamples of the seeds, G = 8 is the best."
    assert "n = 5" in said.facts[1]


def test_two_seeds_that_agree_give_no_interval(sweep):
    trials = block(norm="gn", groups=[8, 4], holdout=5000, seeds=2)
    (search,) = read([sweep(trials, error=lambda t: 12.0 + t.groups / 10, epochs=60)]).searches
    assert all(math.isnan(p.low) for p in search.points)
    said = search_headline(search)
    assert said.detail == "n = 2: too few for an interval"
    assert said.facts[0].startswith("The runner-up, G = 8, differs by +0.40 points (too few for an")


def test_a_search_alone_is_the_first_screen_of_its_report(study):
    html = report.build(study.sweeps[0])
    assert "GN with G = 8 has the lowest validation error" in html
    assert 'data-figure="fig1"' not in html  # there is no batch size to put on an axis


def test_trials_judged_on_the_test_set_are_no_search(sweep):
    study = read([sweep(block(norm="gn", groups=[8, 4, 2]))])
    assert study.searches == []


def test_the_drawing_shows_every_seed(study):
    drawn = gsearch.figure(study.searches[0])
    by_name = {t.name: t for t in drawn.data}
    assert len(by_name["one seed"].y) == 15
    assert list(by_name["mean, 95% CI"].x) == ["G = 8", "G = 4", "G = 2"]
    assert list(by_name["Franke 2021"].y) == [12.00, 12.38, 14.25]


def test_any_norm_in_groups_is_searched_and_each_by_itself(sweep):
    """Own norms too: what they are is in their file, and that they are in groups is in their trials."""
    best = {"rms": 4, "gn": 8}
    trials = [t for n in best for t in block(norm=n, groups=[8, 4, 2], holdout=5000, batch_size=8)]
    url = sweep(trials, error=lambda t: 12.0 + (t.groups != best[t.norm]) + t.seed / 100, epochs=60)
    study = read([url])
    said = {search.line.short: search_headline(search).title for search in study.searches}
    assert said["RMS"].startswith("RMS with G = 4 has the lowest validation error, 12.0")
    assert said["GN"].startswith("GN with G = 8 has the lowest validation error, 12.0")
    assert len(study.compared) == 1, "the norms are compared too"
    frame = study.sweeps[0].frame
    own = frame[frame["norm"] == "rms"].replace({"norm": {"rms": "mylab.norms:Mine@0123456789ab"}})
    alone = read([own])
    assert search_headline(alone.searches[0]).title.startswith("Mine with G = 4 has")
    assert alone.compared == {}
    drawn = gsearch.figure(alone.searches[0])
    assert drawn.layout.xaxis.title.text == "Groups of Mine, at batch size 8"
    assert "Franke 2021" not in {t.name for t in drawn.data}


def test_a_search_at_another_learning_rate_has_no_published_one_beside_it(sweep):
    trials = block(norm="gn", groups=[8, 4], holdout=5000, lr=0.02)
    assert read([sweep(trials, epochs=60)]).searches[0].published == {}
