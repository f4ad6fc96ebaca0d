from analysis import load
from analysis.stats.cells import panels
from analysis.stats.choices import Choices
from analysis.stats.differences import differences
from analysis.words.headline import headline
from tests.helpers.synthetic import block

NOISE = {1: -0.2, 2: -0.1, 3: 0.0, 4: 0.1, 5: 0.2}


def answer(url, paired=True):
    panel, cells = next(iter(panels(load(url)).items()))
    choices = Choices(paired=paired)
    return headline(panel, cells, differences(cells, choices), choices)


def two_norms(seeds=5, sizes=(32, 2)):
    return block(batch_size=list(sizes), seeds=seeds) + block(
        norm="gn", groups=8, batch_size=list(sizes), seeds=seeds
    )


def error(gap):
    """BN is `gap(batch size)` points worse than GN, in every seed but for a little noise."""

    def of(t):
        own = 0.5 * NOISE[t.seed] + (t.batch_size == 2) * (t.seed % 3 - 1) / 10
        return 14.0 + NOISE[t.seed] + (gap(t.batch_size) + own) * (t.norm == "bn")

    return of


def test_the_headline_is_the_interaction_where_it_is_clear(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: 5.5 if b == 2 else 0.0), epochs=60))
    assert said.title == "From batch size 32 to 2, BN’s error grows by 5.5 points relative to GN’s."
    assert said.detail.startswith("95% CI 5.")
    assert said.detail.endswith(", n = 5, p < 0.001")
    assert said.facts[0].startswith("At batch size 2, GN’s error is 5.5 points lower than BN’s (95% CI 5.")


def test_where_the_difference_stays_it_is_the_headline(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: 5.5), epochs=60))
    assert said.title == "At batch size 2, GN’s error is 5.5 points lower than BN’s."
    assert (
        "whether GN’s error or BN’s grows more is not resolved by 5 seeds (GN − BN changes by"
        in said.facts[0]
    )


def test_where_group_norm_is_worse_stands_beside_where_it_is_better(sweep):
    gaps = {32: -2.0, 8: 0.0, 2: 5.5}
    said = answer(sweep(two_norms(sizes=(32, 8, 2)), error=error(gaps.get), epochs=60))
    assert said.title == "From batch size 32 to 2, BN’s error grows by 7.5 points relative to GN’s."
    assert said.facts[0].startswith("At batch size 2, GN’s error is 5.5 points lower than BN’s")
    assert said.facts[1].startswith("At batch size 32, GN’s error is 2.0 points higher than BN’s")
    mirrored = answer(
        sweep(two_norms(), error=error(lambda b: -3.0 if b == 2 else 0.0), epochs=60, folder="m")
    )
    assert mirrored.title == "From batch size 32 to 2, BN’s error falls by 3.0 points relative to GN’s."


def test_an_open_question_is_called_open(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: 0.0), epochs=60))
    assert said.title == "At batch size 2, whether GN or BN has the lower error is not resolved by 5 seeds."
    assert "GN − BN" in said.detail


def test_two_seeds_state_means_and_resolve_nothing(sweep):
    said = answer(sweep(two_norms(seeds=2), error=error(lambda b: 5.0), epochs=60))
    assert (
        said.title
        == "At batch size 2, GN’s mean error is 5.0 points lower than BN’s in the 2 seeds that both finished."
    )
    assert said.detail == "n = 2: too few for an interval"


def test_no_direction_where_the_interval_holds_zero(sweep):
    def wobbling(t):
        return 14.0 + (t.seed % 2) * (t.batch_size == 2) - 0.7 * (t.batch_size == 2) + NOISE[t.seed]

    facts = " ".join(answer(sweep(two_norms(), error=wobbling, epochs=60)).facts)
    assert "BN’s error changes by −0.1 points (95% CI −0.8 to +0.6)" in facts
    assert "falls" not in facts


def test_independent_runs_are_counted_for_each_norm(sweep):
    url = sweep(two_norms(), error=error(lambda b: 5.5 if b == 2 else 0.0), epochs=60)
    said = answer(url, paired=False)
    assert said.title == "From batch size 32 to 2, BN’s error grows by 5.5 points relative to GN’s."
    assert said.detail.endswith(", n = 5 each, p < 0.001")
    url = sweep(two_norms(seeds=1), error=error(lambda b: 5.0), epochs=60, folder="one")
    assert answer(url, paired=False).title.endswith("than BN’s in the one run of each.")
    url = sweep(two_norms(seeds=2), error=error(lambda b: 5.0), epochs=60, folder="two")
    assert answer(url, paired=False).title.endswith("than BN’s in the 2 runs of each.")
    assert answer(url, paired=False).detail == "n = 2 each: too few for an interval"


def test_one_seed_claims_nothing(sweep):
    said = answer(sweep(two_norms(seeds=1), error=error(lambda b: 5.0), epochs=60))
    assert "in the one seed that both finished" in said.title
    assert said.detail == "n = 1: no interval"


def test_what_is_wanting_is_said(sweep):
    def status(t):
        if (t.norm, t.batch_size, t.seed) == ("bn", 2, 1):
            return "diverged"
        return "failed" if t.seed == 5 else "done"

    facts = answer(sweep(two_norms(), status=status)).facts
    assert "1 of 5 trials of BN at batch size 2 diverged; that cell’s mean is over the others." in facts
    assert "Not all trials have a result: 4 failed. The numbers may still change." in facts


def test_a_line_that_lacks_a_batch_size_names_its_own(sweep):
    trials = two_norms(sizes=(32, 8, 2))
    url = sweep(trials, status=lambda t: "missing" if (t.norm, t.batch_size) == ("gn", 2) else "done")
    rise = next(f for f in answer(url).facts if "rises by" in f)
    assert rise.startswith("From batch size 32 to 2, BN’s error rises by")
    assert "from 32 to 8" in rise


def test_nothing_finished_and_nothing_to_compare(sweep):
    assert answer(sweep(block(), status=lambda t: "missing")).title == "No trial has finished yet."
    assert answer(sweep(block(), folder="b")).title.startswith("BN reaches 1")
