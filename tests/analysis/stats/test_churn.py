"""Churn: against every pair of networks counted one by one, and against amounts that are planted."""

import itertools

import numpy as np
import pytest

from analysis.stats import churn as module
from analysis.stats.churn import churn, within


def drawn(shares, n, generator, shift=0.0):
    """The classes that `n` networks give to images whose classes have these `shares` [m, classes]; `shift`: how
    far a seed's logits are moved, alike for all images."""
    m, classes = shares.shape
    moved = np.log(shares) + shift * generator.normal(size=(n, 1, classes))
    return (moved + generator.gumbel(size=(n, m, classes))).argmax(axis=2).astype(np.uint8)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def by_hand(ours, theirs):
    """Churn within both, between, and above, from every pair."""
    pairs = list(itertools.combinations(range(len(ours)), 2))
    a = np.mean([(ours[s] != ours[t]).mean() for s, t in pairs])
    b = np.mean([(theirs[s] != theirs[t]).mean() for s, t in pairs])
    between = np.mean([(ours[s] != theirs[t]).mean() for s, t in itertools.permutations(range(len(ours)), 2)])
    return 100 * np.array([a, b, between, between - (a + b) / 2])


@pytest.fixture
def networks():
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=(120, 4))
    other = logits + generator.normal(size=logits.shape)
    return drawn(softmax(logits), 5, generator, 0.3), drawn(softmax(other), 5, generator, 0.3)


def test_every_pair_counted_by_hand(networks):
    found = churn(*networks)
    assert (found.ours, found.theirs, found.between, found.above.mean) == pytest.approx(
        tuple(by_hand(*networks))
    )
    assert found.same == pytest.approx(100 * (networks[0] != networks[1]).mean())
    assert within(networks[0]) == found.ours


def test_the_jackknife_by_hand(networks):
    ours, theirs = networks
    without = [by_hand(np.delete(ours, s, 0), np.delete(theirs, s, 0))[3] for s in range(5)]
    found = churn(ours, theirs).above
    assert found.error == pytest.approx(np.sqrt(4 / 5 * np.sum((without - np.mean(without)) ** 2)))
    assert (found.df, found.n) == (4, (5,))


def test_blocks_of_images_and_more_than_256_classes_change_nothing(networks, monkeypatch):
    found = repr(churn(*networks))  # to the last digit, and NaN beside NaN
    monkeypatch.setattr(module, "_BLOCK", 28)
    assert repr(churn(*networks)) == found
    wide = [answers.astype(np.uint16) * 300 for answers in networks]
    assert repr(churn(*wide)) == found


def test_what_is_planted_is_found():
    """Half the squared distance of the two norms' shares, image by image, is above what seeds explain."""
    generator = np.random.default_rng(1)
    logits = 2 * generator.normal(size=(300, 4))
    ours, theirs = softmax(logits), softmax(logits + generator.normal(size=logits.shape))
    found = [churn(drawn(ours, 5, generator), drawn(theirs, 5, generator)) for _ in range(60)]
    expected = 100 * ((ours - theirs) ** 2).sum(axis=1).mean() / 2
    means = [one.above.mean for one in found]
    assert np.mean(means) == pytest.approx(expected, abs=4 * np.std(means) / np.sqrt(60))
    assert np.mean([one.ours for one in found]) == pytest.approx(
        100 * (1 - (ours**2).sum(axis=1).mean()), rel=0.02
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "apart", "shift"), [(3, 0.0, 0.5), (5, 0.0, 0.0), (5, 1.0, 0.5), (10, 0.5, 0.3)]
)
def test_the_interval_covers(n, apart, shift):
    """Also where both norms answer alike, and a U-statistic is degenerate."""
    generator, studies = np.random.default_rng(2), 400
    logits = 2 * generator.normal(size=(300, 4))
    other = logits + apart * generator.normal(size=logits.shape)
    moves = shift * generator.normal(size=(2_000, 1, 4))
    ours, theirs = (np.mean([softmax(own + move) for move in moves], axis=0) for own in (logits, other))
    truth = 100 * ((ours - theirs) ** 2).sum(axis=1).mean() / 2
    held = 0
    for _ in range(studies):
        pair = drawn(softmax(logits), n, generator, shift), drawn(softmax(other), n, generator, shift)
        interval = churn(*pair).above.interval
        held += interval.low <= truth <= interval.high
    assert held / studies >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / studies)


def test_few_networks_have_no_interval_and_one_has_no_churn(networks):
    two = churn(*(answers[:2] for answers in networks))
    assert np.isfinite(two.between)
    assert not two.above.interval.known
    one = churn(*(answers[:1] for answers in networks))
    assert np.isnan([one.ours, one.between, one.above.mean]).all()
    assert np.isfinite(one.same)
    alike = churn(networks[0][[0, 0, 0]], networks[0][[0, 0, 0]])
    assert (alike.ours, alike.between, alike.above.mean, alike.above.interval.known) == (0, 0, 0, False)
