"""One rule for the best G, whoever asks."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load, report, tables
from analysis.stats.best_groups import best_groups, confidence
from analysis.stats.choices import DEFAULT, Choices
from analysis.study import read
from analysis.words.search import best_of, search_headline
from model.errors import InputError
from tests.helpers.synthetic import block

GSEARCH = {"norm": "gn", "groups": [8, 4, 2], "holdout": 5000}


def test_best_groups_is_the_lowest_mean_validation_error(sweep):
    errors = {8: 12.4, 4: 12.0, 2: 14.0}
    trials = block(**GSEARCH) + block(norm="gn", groups=2)  # a test trial of G = 2 must not count
    url = sweep(trials, error=lambda t: errors[t.groups] if t.holdout else 1.0)
    assert best_groups(load(url)) == {1: 4}


@pytest.mark.parametrize("state", ["missing", "failed", "partial"])
def test_an_unfinished_search_is_an_error(sweep, state):
    url = sweep(block(**GSEARCH), status=lambda t: state if (t.groups, t.seed) == (2, 3) else "done")
    with pytest.raises(InputError, match="1 of 9 trials have no result"):
        best_groups(load(url))


def test_a_g_that_diverged_cannot_win(sweep):
    errors = {8: 12.4, 4: 12.0, 2: 14.0}
    url = sweep(
        block(**GSEARCH),
        error=lambda t: errors[t.groups],
        status=lambda t: "diverged" if (t.groups, t.seed) == (4, 1) else "done",
    )
    assert best_groups(load(url)) == {1: 8}


def test_no_search_and_two_searches_are_errors(sweep):
    with pytest.raises(InputError, match="no G search"):
        best_groups(load(sweep(block(norm="gn", groups=8))))
    two = block(**GSEARCH) + block(**{**GSEARCH, "batch_size": 16})
    with pytest.raises(InputError, match="more than one G search"):
        best_groups(load(sweep(two, folder="two")))


def test_of_several_norms_that_were_searched_the_wanted_one_is_asked(sweep):
    best = {"rms": 4, "gn": 8}
    trials = [t for norm in best for t in block(**{**GSEARCH, "norm": norm})]
    frame = load(sweep(trials, error=lambda t: 12.0 + (t.groups != best[t.norm])))
    assert best_groups(frame, ["bn", "rms"]) == {1: 4}
    assert best_groups(frame, ["gn"]) == {1: 8}
    for norms in ([], ["bn"], ["gn", "rms"]):
        with pytest.raises(InputError, match="say by --norms which"):
            best_groups(frame, norms)
    assert best_groups(frame[frame["norm"] == "rms"]) == {1: 4}


def test_the_report_and_the_command_line_choose_the_same_g(sweep):
    """The seeds of G = 4 that survived have the lowest mean of all; it diverged, and neither takes it."""
    errors = {8: 12.4, 4: 11.0, 2: 14.0}
    url = sweep(
        block(**GSEARCH),
        error=lambda t: errors[t.groups],
        status=lambda t: "diverged" if (t.groups, t.seed) == (4, 1) else "done",
    )
    (search,) = read([url]).searches
    said = search_headline(search)
    assert best_groups(load(url)) == {1: best_of(search).groups} == {1: 8}
    assert said.title.startswith("GN with G = 8 has the lowest validation error")
    assert said.facts[-1] == "G = 4 cannot win: 1 of its trials diverged."
    assert 4 not in best_of(search).chances
    assert {p.groups for p in search.points} == {8, 4, 2}  # it is shown all the same


def test_where_every_g_diverged_none_is_chosen(sweep):
    url = sweep(block(**GSEARCH), status=lambda t: "diverged" if t.seed == 1 else "done")
    with pytest.raises(InputError, match="no G of the search has a validation error for every seed"):
        best_groups(load(url))
    (search,) = read([url]).searches
    assert best_of(search) is None
    assert "No G can be chosen for GN at batch size 32: trials of every G diverged." in report.build(url)


def rng():
    return np.random.default_rng(0)


def test_confidence_by_hand():
    errors = {8: {1: 12.0, 2: 12.2}, 4: {1: 12.4, 2: 12.0}, 2: {1: 14.0, 2: 14.1}}
    best = confidence(errors, rng(), resamples=20_000)
    assert (best.groups, best.runner_up) == (8, 4)
    # resamples of two seeds: (1,1) and mixed are won by 8, (2,2) by 4
    assert best.chances[8] == pytest.approx(0.75, abs=0.02)
    assert best.chances[4] == pytest.approx(0.25, abs=0.02)
    assert best.chances[2] == 0.0
    assert best.lead.mean == pytest.approx(0.1)


def test_confidence_shares_ties_and_needs_no_second_g():
    tied = confidence({8: {1: 1.0, 2: 2.0}, 4: {1: 1.0, 2: 2.0}}, rng())
    assert tied.chances == {8: 0.5, 4: 0.5}
    alone = confidence({8: {1: 1.0, 2: 2.0}}, rng())
    assert (alone.lead, alone.runner_up) == (None, None)


def test_the_optimism_of_the_winner_by_hand():
    """Resamples (1,1), mixed, (2,2) of two seeds: the winner lies 0.1, 0.0 and 0.2 below its own mean."""
    best = confidence({8: {1: 12.0, 2: 12.2}, 4: {1: 12.4, 2: 12.0}}, rng(), resamples=40_000)
    assert best.optimism == pytest.approx(0.25 * 0.1 + 0.5 * 0.0 + 0.25 * 0.2, abs=0.002)


def test_where_all_g_are_alike_the_winner_is_too_good_by_as_much_as_simulated():
    """Three Gs of one true error: what the bootstrap takes for the optimism is near what it is."""
    generator = np.random.default_rng(2)
    studies = generator.normal(12.0, 0.4, (400, 3, 8))
    truth = (12.0 - studies.mean(axis=2).min(axis=1)).mean()
    said = [
        confidence(
            {g: dict(enumerate(x)) for g, x in zip((8, 4, 2), study, strict=True)}, generator, 400
        ).optimism
        for study in studies
    ]
    assert np.mean(said) == pytest.approx(truth, rel=0.4)


def test_independent_runs_are_resampled_by_themselves_and_compared_by_welch():
    errors = {8: {1: 12.0, 2: 12.4, 3: 12.1}, 4: {4: 12.3, 5: 12.2, 6: 12.9, 7: 12.6}}
    best = confidence(errors, rng(), resamples=40_000, paired=False)
    x, y = (list(own.values()) for own in errors.values())
    expected = scipy_stats.ttest_ind(y, x, equal_var=False)
    assert best.lead.p == pytest.approx(expected.pvalue)
    means = [[np.mean(draw) for draw in itertools.product(own, repeat=len(own))] for own in (x, y)]
    wins = np.subtract.outer(*means)
    assert best.chances[8] == pytest.approx((wins < 0).mean() + (np.abs(wins) < 1e-9).mean() / 2, abs=0.01)
    assert confidence(errors, rng()).chances == {}, "as pairs they have no seed in common"


def test_the_search_in_a_csv_is_of_independent_runs_unless_it_is_said_otherwise(sweep, tmp_path):
    frame = load(sweep(block(**GSEARCH)))
    path = tmp_path / "results.csv"
    path.write_text(tables.results_csv(frame))
    for choices, words in (
        (DEFAULT, "independent runs, n = 3 each"),
        (Choices(paired=True), "paired by seed, n = 3"),
    ):
        (search,) = read([str(path)], choices).searches
        assert any(words in fact for fact in search_headline(search).facts)
