"""The packed network as R networks side by side, for hardware to overlap what no replica shares.

A small kernel fills a corner of a GPU, and a chain of them is bound by the time of each. Replicas need
nothing of one another between the images and the loss, so each can have a stream of its own: forked from
the stream at hand and joined to it again by events, which in a CUDA graph become edges, and R chains
instead of one. The backward pass follows by itself, as autograd runs each operation in the stream of its
forward pass. On a CPU the same networks run one after another.

The R networks are views of the packed one: the same memory, so state, names and checkpoints are those
of any other pack.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from model.net.resnet import ResNet
from model.streams import POOL

#: Side streams of a pack at most; fewer where other packs have them: two packs on one would spoil a capture.
MAX_SIDE_STREAMS = 7


class Branches:
    """`net` unstacked into its replicas. Must be made after `net` got its device, dtype and layout.

    `side_streams`: beside the stream at hand; None takes as many as are free and of use.
    """

    def __init__(self, net: ResNet, side_streams: Sequence[torch.cuda.Stream] | None = None) -> None:
        self._net = net
        self.solos = [_solo(net, replica) for replica in range(net.replicas)]
        self._streams = self._take(net) if side_streams is None else list(side_streams)
        last = net.conv.weight.is_contiguous(memory_format=torch.channels_last)
        self._layout = torch.channels_last if last else torch.contiguous_format

    def _take(self, net: ResNet) -> list[torch.cuda.Stream]:
        device = net.conv.weight.device
        count = min(net.replicas - 1, MAX_SIDE_STREAMS) if device.type == "cuda" else 0
        taken = [POOL.take(device, self) for _ in range(count)]
        return [stream for stream in taken if stream is not None]

    @property
    def leaves(self) -> list[Tensor]:
        """What to differentiate for: every network's parameters, replicas outermost."""
        return [parameter for solo in self.solos for parameter in solo.parameters()]

    def __call__(self, images: Tensor) -> Tensor:
        """[N, R·I, H, W] -> [R, N, classes], as the packed network."""
        if self.solos[0].training != self._net.training:
            for solo in self.solos:
                solo.train(self._net.training)
        parts = images.chunk(len(self.solos), 1)
        logits = []
        with self._forked():
            for replica, (solo, part) in enumerate(zip(self.solos, parts, strict=True)):
                with self._stream(replica):
                    logits.append(solo(part.contiguous(memory_format=self._layout))[0])
        return torch.stack(logits)

    @contextmanager
    def _forked(self) -> Iterator[None]:
        """Side streams begin after all that the stream at hand has to do, and it goes on after them."""
        for stream in self._streams:
            stream.wait_stream(torch.cuda.current_stream(stream.device))
        yield
        for stream in self._streams:
            torch.cuda.current_stream(stream.device).wait_stream(stream)

    @contextmanager
    def _stream(self, replica: int) -> Iterator[None]:
        """The first replica stays in the stream at hand."""
        number = replica % (len(self._streams) + 1)
        if not number:
            yield
            return
        with torch.cuda.stream(self._streams[number - 1]):
            yield


def _solo(net: ResNet, replica: int) -> ResNet:
    """A network of one replica whose tensors are views of the packed ones."""
    with torch.device("meta"):
        solo = ResNet(net.spec, net.in_channels, net.classes)
    shares = {name: tensor.chunk(net.replicas)[replica] for name, tensor in net.state_dict().items()}
    solo.load_state_dict(shares, assign=True)
    return solo
