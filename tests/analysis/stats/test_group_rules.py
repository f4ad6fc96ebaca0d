"""One G for every width or one number of channels per group, by hand and by loops."""

import itertools
import math
from random import Random

import pytest

from analysis.stats.group_rules import compare, constants
from analysis.study import read
from tests.helpers.synthetic import block

CHANNELS = {1: 16, 2: 32, 4: 64}
TRIED = {1: [16, 8, 4, 2, 1], 2: [32, 16, 8, 4, 2, 1], 4: [64, 32, 16, 8, 4, 2, 1]}


def trials(tried=TRIED, seeds=5, **more):
    fields = {"norm": "gn", "holdout": 5000, "seeds": seeds, **more}
    return [t for w, groups in tried.items() for t in block(width=w, groups=groups, **fields)]


def noisy(trial):
    """Lowest at four channels per group at every width, and a noise that makes the seeds disagree."""
    away = abs(math.log2(CHANNELS[trial.width] / trial.groups) - 2)
    return round(12 - trial.width + 0.2 * away + Random(trial.trial_id).gauss(0, 0.3), 3)


@pytest.fixture
def surface(sweep):
    def make(declared=None, error=noisy, **more):
        (found,) = read([sweep(declared or trials(), error=error, epochs=5, **more)]).surfaces
        return found

    return make


def test_constants_are_the_values_that_every_width_has(surface):
    one = surface()
    assert one.channels == CHANNELS
    assert list(constants(one, "groups")) == [1, 2, 4, 8, 16]
    assert constants(one, "channels")[4] == {1: 4, 2: 8, 4: 16}
    assert constants(one, "channels")[16] == {1: 1, 2: 2, 4: 4}


def test_the_rules_and_what_they_cost_by_loops(surface):
    one = surface()
    found = compare(one)
    seeds, errors = range(1, 6), one.errors

    def lowest(options, judged):
        """The option with the lowest sum over the seeds that are `judged`."""
        return min(options, key=lambda option: sum(sum(own[s] for own in option) for s in judged))

    for kind, rule in found.rules.items():
        options = [[errors[w][g] for w, g in own.items()] for own in constants(one, kind).values()]
        best = lowest(options, seeds)
        assert rule.mean == pytest.approx(sum(own[s] for own in best for s in seeds) / 15)
        assert [errors[w][g] for w, g in rule.groups.items()] == best
        lost = []
        for seed in seeds:
            others = [s for s in seeds if s != seed]
            own = [lowest([[e] for e in errors[w].values()], others)[0][seed] for w in errors]
            lost.append(sum(cell[seed] for cell in lowest(options, others)) / 3 - sum(own) / 3)
        assert rule.cost == pytest.approx(sum(lost) / 5)
    rules = found.rules
    assert found.difference.mean == pytest.approx(rules["groups"].mean - rules["channels"].mean)


def test_a_g_that_is_used_at_another_width(surface):
    exact = {
        (w, g): 10 + abs(math.log2(g / best)) for w, best in ((1, 4), (2, 16), (4, 64)) for g in TRIED[w]
    }
    one = surface(error=lambda t: exact[t.width, t.groups] + t.seed / 100)
    by_pair = {(t.source, t.target): t for t in compare(one).transfers}
    assert set(by_pair) == set(itertools.permutations((1, 2, 4), 2))
    up = by_pair[1, 4]
    assert (up.best, up.kept, up.scaled, up.exact) == (4, 4, 16, True)
    assert up.difference.mean == pytest.approx(exact[4, 4] - exact[4, 16])
    down = by_pair[4, 1]  # G = 64 is none at width 1, and the nearest is one channel per group as well
    assert (down.best, down.kept, down.scaled, down.exact) == (64, 16, 16, False)
    assert down.difference is None


def test_a_g_that_diverged_is_no_constant(surface):
    gone = surface(status=lambda t: "diverged" if (t.width, t.groups, t.seed) == (2, 8, 1) else "done")
    assert 8 not in constants(gone, "groups")
    assert 4 not in constants(gone, "channels")
    assert compare(gone) is not None


def test_one_width_or_the_test_set_is_no_surface(sweep):
    assert read([sweep(trials({1: [8, 4]}), epochs=5)]).surfaces == []
    judged_by_test = [t for w in (1, 2) for t in block(norm="gn", groups=[8, 4], width=w)]
    assert read([sweep(judged_by_test, folder="test", epochs=5)]).surfaces == []
    one_g_each = trials({1: [4], 2: [8], 4: [16]})
    assert read([sweep(one_g_each, folder="one", epochs=5)]).surfaces == []


def test_searches_at_two_batch_sizes_are_two_surfaces(sweep):
    declared = trials({1: [8, 4], 2: [8, 4]}, batch_size=[32, 8])
    found = read([sweep(declared, epochs=5)]).surfaces
    assert sorted(surface.where for surface in found) == ["batch size 32", "batch size 8"]
    assert all(surface.widths == (1, 2) for surface in found)


def test_searches_of_two_norms_are_two_surfaces(sweep):
    declared = [t for norm in ("gn", "rms") for t in trials({1: [8, 4], 2: [8, 4]}, norm=norm)]
    found = read([sweep(declared, epochs=5)]).surfaces
    assert [surface.line.short for surface in found] == ["GN", "RMS"]


def test_widths_without_a_value_in_common_are_not_compared(surface):
    assert compare(surface(trials({1: [16, 8], 4: [4, 2]}))) is None
