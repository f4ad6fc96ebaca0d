import pytest

from analysis.page.differences import section, seeds_data
from analysis.stats import power
from analysis.study import read
from analysis.words.limits import what_n_allows
from tests.helpers.synthetic import block


def study_of(sweep, sizes, seeds=5):
    trials = block(batch_size=sizes, seeds=seeds) + block(norm="gn", groups=8, batch_size=sizes, seeds=seeds)
    return read([sweep(trials)])


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([32, 16, 8, 4, 2], "1/16, times five for Holm’s correction over the comparisons (0.312), so with that test nothing can be significant at 0.05; at least eight pairs would be needed."),
        ([32, 8, 2], "1/16, times three for Holm’s correction over the comparisons (0.188), so with that test nothing can be significant at 0.05; at least seven pairs would be needed."),
        ([2], "1/16 (0.0625), so with that test nothing can be significant at 0.05; at least six pairs would be needed."),
    ],
)  # fmt: skip
def test_what_five_seeds_allow_counts_holms_correction(sweep, sizes, words):
    (own,) = study_of(sweep, sizes).differences.values()
    assert words in what_n_allows(own)
    assert "with 5 pairs they contain the truth in about 84% of studies" in what_n_allows(own)


def test_seeds_needed_are_those_of_the_level_that_claims_use(sweep):
    study = study_of(sweep, [32, 8, 2])
    (own,), (rows,) = study.differences.values(), seeds_data(study).values()
    seen = own[0].estimate.sd
    low, high = power.sd_interval(seen, 4)
    expected = tuple(power.seeds_for_power(sd, 0.5, 0.8, 0.05 / 3) for sd in (seen, low, high))
    assert rows[0]["power"]["0.8|0.5"] == expected
    assert expected[1] <= expected[0] <= expected[2]


def test_two_pairs_allow_nothing(sweep):
    study = study_of(sweep, [32, 2], seeds=2)
    (own,) = study.differences.values()
    assert what_n_allows(own) == "One or two seeds give means but no intervals, so nothing can be tested."
    assert seeds_data(study) == {}


def test_pairs_are_only_said_of_runs_that_are_known_to_be(sweep, tmp_path):
    ours = study_of(sweep, [32, 2], seeds=3)
    assert "Each seed starts both norms alike" in section(ours).body
    path = tmp_path / "theirs.csv"
    rows = [
        f"{s},{b},{norm},{0.8 + s * b / 10_000}" for s in (1, 2, 3) for b in (2, 32) for norm in ("bn", "gn")
    ]
    path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(rows) + "\n")
    theirs = section(read([str(path)])).body
    assert "Each seed starts both norms alike" not in theirs
    assert "all runs count as independent and are compared by Welch’s t test" in theirs
    assert "two-sided permutation test can give is 1/10, times two for Holm’s correction" in theirs
    assert "at least four runs of each norm would be needed" not in theirs, "five are, for a family of two"
