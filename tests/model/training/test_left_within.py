"""An epoch that is left between two steps and taken up again is, to the bit, the one that nobody left."""

import io

import pytest
import torch

from model.training.epoch import CHUNK_IMAGES
from model.training.training import LeftWithin, Training
from tests.helpers.cells import spec, toy_data
from tests.model.training.test_epoch import Calls

#: Images of `DATA`: 7 steps of 4, two images left over, each augmented.
DATA = toy_data(n=30)
CASES = [
    ({"norm": "bn"}, (1,)),
    ({"norm": "bn", "grad_clip": "agc"}, (1, 2, 3)),
    ({"norm": "gn", "groups": 4, "optimizer": "adamw", "grad_clip": "norm", "clip_at": 0.1}, (1, 2, 3)),
    ({"norm": "brn", "schedule": "cosine", "warmup_epochs": 1, "optimizer": "adamw"}, (1,)),
]


def at(*steps):
    """Leaves after so many steps or a few more, counted from where an epoch was begun or taken up."""
    waiting = list(steps)

    def leave(done, total):
        assert 0 < done < total
        if waiting and done >= waiting[0]:
            waiting.pop(0)
            return True
        return False

    return leave


def run_epoch(make, left=()):
    """The first two epochs of a training that is left in the second, each time for a new process."""
    training = make(lambda *_: False)
    metrics = [training.run_epoch()]
    for steps in left:
        leaving = make(at(steps))
        leaving.load_state(sent(training.state()))
        with pytest.raises(LeftWithin):
            leaving.run_epoch()
        training = leaving
    last = make(lambda *_: False)
    last.load_state(sent(training.state()))
    metrics.append(last.run_epoch())
    return metrics, last.state()


def sent(states):
    """As a checkpoint has them."""
    file = io.BytesIO()
    torch.save(states, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def equal(one, other):
    assert one.keys() == other.keys()
    for name, part in one.items():
        if isinstance(part, dict):
            assert all(torch.equal(tensor, other[name][key]) for key, tensor in part.items()), name
        else:
            assert part == other[name], name


@pytest.mark.parametrize(("axes", "seeds"), CASES)
def test_left_once_and_twice(axes, seeds, monkeypatch):
    """Blocks of three steps of one seed, and of one step of three."""
    monkeypatch.setitem(CHUNK_IMAGES, "cpu", 12)
    cell = spec(**axes)

    def make(leave):
        return Training(cell, seeds, DATA, leave=leave)

    metrics, states = run_epoch(make)
    for left in [(1,), (3, 2)]:
        found, after = run_epoch(make, left)
        assert found == metrics
        for one, other in zip(after, states, strict=True):
            equal(one, other)
    assert set(states[0]) == {"epoch", "weights", *Training(cell, seeds, DATA).step.moments, "statistics"}


@pytest.mark.parametrize(("left", "steps"), [((2,), 3), ((4,), 6), ((1, 3), 6)])
def test_captured_steps_are_left_between_two_graphs(left, steps):
    """Of graphs of three steps; the first three of each process are not captured."""
    cell, places = spec(), []
    metrics, states = run_epoch(lambda leave: Training(cell, [1, 2], DATA, leave=leave))

    def make(leave):
        training = Training(cell, [1, 2], DATA, graphs=Calls(3), leave=leave)
        places.append(training)
        return training

    found, after = run_epoch(make, left)
    assert places[-2].steps == steps
    assert found == metrics
    for one, other in zip(after, states, strict=True):
        equal(one, other)


def test_a_trial_goes_on_within_an_epoch_in_another_pack():
    """Two packs left after the same step: a seed of each, and the numbers of both."""
    cell = spec()
    whole = Training(cell, [1, 2, 3], DATA)
    expected = whole.run_epoch()
    left = [Training(cell, seeds, DATA, leave=at(3)) for seeds in ([1, 2], [3])]
    for training in left:
        with pytest.raises(LeftWithin):
            training.run_epoch()
    mixed = Training(cell, [3, 1], DATA)
    mixed.load_state([left[1].state()[0], left[0].state()[0]])
    assert (mixed.epoch, mixed.steps) == (0, 3)
    assert mixed.run_epoch() == [expected[2], expected[0]]
    equal(mixed.state()[0], whole.state()[2])


def test_the_same_training_goes_on_after_it_was_left():
    whole, left = Training(spec(), [1], DATA), Training(spec(), [1], DATA, leave=at(2, 4))
    for _ in range(2):
        with pytest.raises(LeftWithin):
            left.run_epoch()
    assert left.run_epoch() == whole.run_epoch()
    equal(left.state()[0], whole.state()[0])


def test_states_of_two_steps_do_not_go_on_together():
    cell = spec()
    left = [Training(cell, [seed], DATA, leave=at(seed)) for seed in (1, 2)]
    for training in left:
        with pytest.raises(LeftWithin):
            training.run_epoch()
    with pytest.raises(ValueError, match=r"epochs and steps \[\(0, 1\), \(0, 2\)\]"):
        Training(cell, [1, 2], DATA).load_state([training.state()[0] for training in left])
