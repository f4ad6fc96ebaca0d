"""Gradients of weights on a second stream: forked, joined, and to the bit the same. Streams are stand-ins."""

from types import SimpleNamespace

import pytest
import torch

from model.net.aside import beside
from model.training import training
from model.training.training import Training
from tests.helpers.cells import spec, toy_data
from tests.helpers.interpreted import said
from tests.helpers.side_stream import Streams

KERNELS = """
import torch
from model.net import convolution_kernels as kernels
from tests.helpers.side_stream import Streams

streams = Streams()
streams.put_in()
said = streams.said

class Noting:
    def __init__(self, name):
        self.name, self.launch = name, getattr(kernels, name)
        setattr(kernels, name, self)
    def __getitem__(self, grid):
        streams.note(self.name)
        return self.launch[grid]

Noting("_convolve"), Noting("_weigh")
add_up = torch.sum

def noting_sum(*args, **how):
    streams.note("sum")
    return add_up(*args, **how)

torch.sum = noting_sum
torch.manual_seed(0)
# images, channels in and out, height, kernel, stride: the first in one part, the second in several
for n, i, o, h, k, s, parts in ((1, 16, 32, 4, 3, 2, 1), (2, 16, 16, 6, 3, 1, 2)):
    x, w = torch.randn(n, i, h, h).requires_grad_(), torch.randn(o, i, k, k).requires_grad_()
    grad, found = torch.randn(n, o, h // s, h // s), []
    for aside, where in ((None, "main"), (streams.side, "side")):
        y = kernels.convolve(x, w, s, 1, "fp32", aside)
        said.clear()
        found.append(torch.autograd.grad(y, (x, w), grad))
        queued = [f"_weigh on {where}", *[f"sum on {where}"] * (parts > 1), "_convolve on main"]
        assert said == (["side waits for main", *queued, "main waits for side"] if aside else queued), said
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))

# The first layer's input has no gradient: nothing could run beside that of its weights.
y = kernels.convolve(x.detach(), w, 1, 1, "fp32", streams.side)
said.clear()
torch.autograd.grad(y, w, grad)
assert said == ["_weigh on main", "sum on main"], said
print("same")
"""

TRAINING = """
from model.training import training
from tests.helpers.cells import spec, toy_data
from tests.helpers.side_stream import Streams

streams = Streams()
streams.put_in()
training._aside = lambda device, owner: streams.side
cell = spec(norm="gn", groups=4, epochs=1, batch_size=2)
usual = training.Training(cell, [1, 2], toy_data(n=3), layout="nchw", convolution="grouped").run_epoch()
pack = training.Training(cell, [1, 2], toy_data(n=3), convolution="triton", kernels="aside")
for a, b in zip(usual, pack.run_epoch(), strict=True):
    assert abs(a.train_loss - b.train_loss) < 1e-4 * a.train_loss, (a, b)
assert pack.kernels.startswith("nchw, triton convolutions"), "a result does not tell them apart"
assert streams.said == ["side waits for main", "main waits for side"] * (19 + 2 - 1), "but the first of a step"
print("same")
"""


def test_what_comes_next_waits_for_both_after_an_error_too(monkeypatch):
    streams = Streams()
    monkeypatch.setattr(torch.cuda, "current_stream", streams.current)
    monkeypatch.setattr(torch.cuda, "stream", streams.entered)

    def fail():
        streams.note("here")
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        beside(streams.side, lambda: streams.note("aside"), fail)
    assert streams.said == ["side waits for main", "aside on side", "here on main", "main waits for side"]


def test_a_pack_takes_a_second_stream_for_kernels_of_ours_alone_and_goes_without_where_none_is_left(
    monkeypatch,
):
    taken = []
    monkeypatch.setattr(training, "_aside", lambda device, owner: taken.append(device))
    for kernels, convolution in (("aside", "grouped"), ("ours", "triton"), (None, "triton"), (None, None)):
        Training(spec(), [1], toy_data(), kernels=kernels, convolution=convolution)
    assert not taken
    Training(spec(), [1], toy_data(), kernels="aside", convolution="triton")
    assert taken == [torch.device("cpu")]
    monkeypatch.undo()
    monkeypatch.setattr(training, "POOL", SimpleNamespace(take=lambda device, owner: None))
    assert training._aside(torch.device("cuda"), taken) is None


def test_a_fork_before_the_weights_a_join_after_both_and_the_same_bits():
    pytest.importorskip("triton")
    assert said(KERNELS) == "same"


@pytest.mark.slow
def test_a_network_forks_at_every_convolution_but_the_first_and_trains_as_by_torchs():
    pytest.importorskip("triton")
    assert said(TRAINING) == "same"
