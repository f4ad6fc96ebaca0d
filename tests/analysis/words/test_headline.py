from analysis import load
from analysis.stats.cells import panels
from analysis.stats.differences import differences
from analysis.words.headline import headline
from tests.helpers.synthetic import block

NOISE = {1: -0.2, 2: -0.1, 3: 0.0, 4: 0.1, 5: 0.2}


def answer(url):
    panel, cells = next(iter(panels(load(url)).items()))
    return headline(panel, cells, differences(cells))


def two_norms(seeds=5, sizes=(32, 2)):
    return block(batch_size=list(sizes), seeds=seeds) + block(
        norm="gn", groups=8, batch_size=list(sizes), seeds=seeds
    )


def error(gap):
    """BN is `gap(batch size)` points worse than GN, in every seed but for a little noise."""
    return lambda t: 14.0 + NOISE[t.seed] + (gap(t.batch_size) + 0.5 * NOISE[t.seed]) * (t.norm == "bn")


def test_a_clear_difference_is_claimed_with_its_interval(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: 5.5 if b == 2 else 0.0), epochs=60))
    assert said.title == "At batch size 2, GN’s error is 5.5 points lower than BN’s."
    assert said.detail.startswith("95% CI 5.")
    assert said.detail.endswith(", n = 5")


def test_an_open_question_is_called_open(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: 0.0), epochs=60))
    assert said.title == "At batch size 2, GN and BN cannot be told apart."
    assert "GN − BN" in said.detail


def test_an_open_question_does_not_hide_the_answers_at_other_batch_sizes(sweep):
    said = answer(sweep(two_norms(), error=error(lambda b: -3.0 if b == 32 else 0.0), epochs=60))
    assert "cannot be told apart" in said.title
    assert said.facts[0].startswith("At batch size 32, GN’s error is 3.0 points higher than BN’s (95% CI ")


def test_one_seed_claims_nothing(sweep):
    said = answer(sweep(two_norms(seeds=1), error=error(lambda b: 5.0), epochs=60))
    assert "in the one seed there is" in said.title
    assert said.detail == "n = 1: no interval"


def test_what_is_wanting_is_said(sweep):
    def status(t):
        if (t.norm, t.batch_size, t.seed) == ("bn", 2, 1):
            return "diverged"
        return "failed" if t.seed == 5 else "done"

    facts = answer(sweep(two_norms(), status=status)).facts
    assert "1 of 5 trials of BN at batch size 2 diverged; that cell’s mean is of the others alone." in facts
    assert "Not all is in: 4 failed. These numbers may still move." in facts


def test_a_line_that_lacks_a_batch_size_names_its_own(sweep):
    trials = two_norms(sizes=(32, 8, 2))
    url = sweep(trials, status=lambda t: "missing" if (t.norm, t.batch_size) == ("gn", 2) else "done")
    rise = next(f for f in answer(url).facts if f.startswith("From batch size"))
    assert rise.startswith("From batch size 32 to 2, BN’s error rises by")
    assert "from 32 to 8" in rise


def test_nothing_finished_and_nothing_to_compare(sweep):
    assert answer(sweep(block(), status=lambda t: "missing")).title == "No trial has finished yet."
    assert answer(sweep(block(), folder="b")).title.startswith("BN reaches 1")
