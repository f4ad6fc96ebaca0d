"""The network as a diagram, from the facts that the model is built from.

model.spec says everything that the picture shows, so a report needs no torch to draw it; that the picture
is true is a test's business: tests/analysis/test_network.py walks the real model layer by layer.
"""

from html import escape
from typing import NamedTuple

from model.spec import MODELS, WIDTHS


class Conv(NamedTuple):
    """A 3×3 convolution. `size`: [height, width] of its output."""

    inputs: int
    outputs: int
    stride: int
    size: tuple[int, int]


class Block(NamedTuple):
    """Two convolutions and what goes around them: 'identity', 'projection', or 'padding' (zeros)."""

    first: Conv
    second: Conv
    shortcut: str


class Network(NamedTuple):
    """`image`: [channels, height, width]. `parameters`: trainable ones of one replica."""

    model: str
    image: tuple[int, int, int]
    stem: Conv
    blocks: list[Block]
    classes: int
    parameters: int


def info(
    model: str, shortcut: str = "projection", image: tuple[int, int, int] = (3, 32, 32), classes: int = 10
) -> Network:
    """Every layer of the network, with the shapes that come out. Raises KeyError for an unknown model."""
    n = (MODELS[model] - 2) // 6
    channels, height, width = image
    stem = Conv(channels, WIDTHS[0], 1, (height, width))
    blocks = []
    inputs = WIDTHS[0]
    for stage, outputs in enumerate(WIDTHS):
        for index in range(n):
            stride = 2 if stage and index == 0 else 1
            height, width = -(-height // stride), -(-width // stride)
            changes = stride != 1 or inputs != outputs
            kind = ("projection" if shortcut == "projection" else "padding") if changes else "identity"
            first = Conv(inputs, outputs, stride, (height, width))
            blocks.append(Block(first, Conv(outputs, outputs, 1, (height, width)), kind))
            inputs = outputs
    return Network(model, image, stem, blocks, classes, _parameters(stem, blocks, classes))


def _parameters(stem: Conv, blocks: list[Block], classes: int) -> int:
    """Weights, two norm parameters a channel after each convolution, and the classifier with its bias."""
    total = (WIDTHS[-1] + 1) * classes
    for conv in [stem, *(c for b in blocks for c in (b.first, b.second))]:
        total += 9 * conv.inputs * conv.outputs + 2 * conv.outputs
    for block in blocks:
        if block.shortcut == "projection":
            total += block.first.inputs * block.first.outputs + 2 * block.first.outputs
    return total


# -- drawing -----------------------------------------------------------------------------------------

_BOX, _GAP, _BLOCK_GAP, _STAGE_GAP = 29, 9, 20, 34
_MIDDLE, _HEIGHTS = 120, (138, 122, 108)


def svg(network: Network, norm: str) -> str:
    """The network from left to right: a box a layer, an arc a shortcut, dotted where dimensions change."""
    shapes: list[str] = []
    x = 8.0
    x = _box(shapes, x, 96, f"image, {_size(network.image[1:])}", "plainbox") + _BLOCK_GAP
    x = _box(shapes, x, _HEIGHTS[0], f"3×3 conv, {network.stem.outputs}", "stage1") + _BLOCK_GAP
    stage_from, seen = x, 0
    labels: list[str] = []
    for index, block in enumerate(network.blocks):
        stage = WIDTHS.index(block.first.outputs)
        if stage != seen:
            labels.append(_stage_label(stage_from, x - _BLOCK_GAP, network.blocks[index - 1]))
            x += _STAGE_GAP - _BLOCK_GAP
            seen, stage_from = stage, x
        x = _block(shapes, x, block, stage) + _BLOCK_GAP
    labels.append(_stage_label(stage_from, x - _BLOCK_GAP, network.blocks[-1]))
    x = _box(shapes, x, 96, "average pool", "plainbox") + _BLOCK_GAP
    x = _box(shapes, x, 96, f"linear, {network.classes}", "plainbox")
    width = x + 8
    label = (
        f"{network.model}: a 3×3 convolution, {len(network.blocks)} blocks of two 3×3 convolutions with "
        f"shortcuts, "
        f"average pooling and a linear layer; {norm} after every convolution"
    )
    wire = f'<line class="wire" x1="8" x2="{width - 8:.0f}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>'
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Diagram of the network">'
        f'<svg class="network" role="img" aria-label="{escape(label)}" width="{width:.0f}" height="236" '
        f'viewBox="0 0 {width:.0f} 236">{wire}{"".join(shapes)}{"".join(labels)}</svg></div>'
    )


def _size(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _box(shapes: list[str], x: float, height: int, text: str, kind: str) -> float:
    """A layer; the x of its right edge."""
    middle = x + _BOX / 2
    shapes.append(
        f'<rect class="{kind}" x="{x:.0f}" y="{_MIDDLE - height / 2:.0f}" width="{_BOX}" height="{height}" '
        f'rx="4"/>'
        f'<text transform="translate({middle + 4:.0f} {_MIDDLE}) rotate(-90)">{escape(text)}</text>'
    )
    return x + _BOX


def _block(shapes: list[str], x: float, block: Block, stage: int) -> float:
    kind, height = f"stage{stage + 1}", _HEIGHTS[stage]
    half = ", /2" if block.first.stride == 2 else ""
    start = x - _BLOCK_GAP / 2
    x = _box(shapes, x, height, f"3×3 conv, {block.first.outputs}{half}", kind) + _GAP
    x = _box(shapes, x, height, f"3×3 conv, {block.second.outputs}", kind)
    end, top = x + _BLOCK_GAP / 2, _MIDDLE - height / 2 - 6
    dotted = "" if block.shortcut == "identity" else " dotted"
    shapes.append(
        f'<path class="shortcut{dotted}" d="M{start:.0f} {_MIDDLE} C{start:.0f} {top - 34:.0f} {end:.0f} '
        f'{top - 34:.0f} {end:.0f} {_MIDDLE}"/><circle class="sum" cx="{end:.0f}" cy="{_MIDDLE}" r="3"/>'
    )
    return x


def _stage_label(start: float, end: float, block: Block) -> str:
    text = f"{block.second.outputs} maps of {_size(block.second.size)}"
    return (
        f'<line class="rule" x1="{start:.0f}" x2="{end:.0f}" y1="204" y2="204"/>'
        f'<text class="stage" x="{(start + end) / 2:.0f}" y="222">{escape(text)}</text>'
    )
