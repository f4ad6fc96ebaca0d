"""A recurrent network that reads an image row by row, with the norm inside the cell."""

import torch
from torch import Tensor, nn

from model.net.studied import MakeNorm

UNITS = 64


class LSTM(nn.Module):
    """An LSTM over the rows of an image, top to bottom, and a linear layer on its last state.

    The norm stands where Ba et al. 2016, Layer Normalization, equations 20 to 22, put layer norm: gates =
    norm(W_h·h) + norm(W_x·x) + b over all four gates at once, and h = σ(o)·tanh(norm(c)). Weights start
    uniform within ±1/√units, as torch's `nn.LSTM`; the forget gate's bias at 1 (Jozefowicz et al. 2015,
    section 5).
    """

    def __init__(
        self, in_channels: int, classes: int, norm: MakeNorm, *, image_size: tuple[int, int], width: int = 1
    ) -> None:
        super().__init__()
        self.units = units = UNITS * width
        self.of_input = nn.Linear(in_channels * image_size[1], 4 * units, bias=False)
        self.of_state = nn.Linear(units, 4 * units, bias=False)
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.norm_input, self.norm_state, self.norm_cell = norm(4 * units), norm(4 * units), norm(units)
        self.classifier = nn.Linear(units, classes)
        for layer in (self.of_input, self.of_state, self.classifier):
            nn.init.uniform_(layer.weight, -(units**-0.5), units**-0.5)
        nn.init.ones_(self.bias.data[:units])

    def forward(self, x: Tensor) -> Tensor:
        rows = x.transpose(1, 2).flatten(2)  # [N, H, C·W]
        inputs = self.norm_input(self.of_input(rows)) + self.bias
        state = cell = inputs.new_zeros(len(x), self.units)
        for row in inputs.unbind(1):
            gates = row + self.norm_state(self.of_state(state))
            forget, keep, out, new = gates.chunk(4, 1)
            cell = forget.sigmoid() * cell + keep.sigmoid() * new.tanh()
            state = out.sigmoid() * self.norm_cell(cell).tanh()
        logits: Tensor = self.classifier(state)
        return logits
