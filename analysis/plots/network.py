"""The network as a diagram, from the facts that the model is built from.

model.spec says everything that the picture shows, so a report needs no torch to draw it; a test
walks the real model layer by layer to see that the picture is true (tests/analysis/plots/test_network.py).
"""

from typing import NamedTuple

from model.spec import MODELS, WIDTHS


class Conv(NamedTuple):
    """A 3×3 convolution. `size`: [height, width] of its output."""

    inputs: int
    outputs: int
    stride: int
    size: tuple[int, int]


class ResidualBlock(NamedTuple):
    """Two convolutions and what goes around them: 'identity', 'projection', or 'padding' (zeros)."""

    first: Conv
    second: Conv
    shortcut: str


class Network(NamedTuple):
    """`image`: [channels, height, width]. `parameters`: trainable ones of one replica."""

    model: str
    image: tuple[int, int, int]
    stem: Conv
    blocks: list[ResidualBlock]
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
            blocks.append(ResidualBlock(first, Conv(outputs, outputs, 1, (height, width)), kind))
            inputs = outputs
    return Network(model, image, stem, blocks, classes, _parameters(stem, blocks, classes))


def _parameters(stem: Conv, blocks: list[ResidualBlock], classes: int) -> int:
    """Weights, two norm parameters a channel after each convolution, and the classifier with its bias."""
    total = (WIDTHS[-1] + 1) * classes
    for conv in [stem, *(c for b in blocks for c in (b.first, b.second))]:
        total += 9 * conv.inputs * conv.outputs + 2 * conv.outputs
    for block in blocks:
        if block.shortcut == "projection":
            total += block.first.inputs * block.first.outputs + 2 * block.first.outputs
    return total


# -- drawing -----------------------------------------------------------------------------------------


class Box(NamedTuple):
    """A layer, in pixels from the top left; the text stands upright at `text_x`, `text_y`."""

    style: str
    x: int
    y: int
    width: int
    height: int
    text_x: int
    text_y: int
    text: str
    kind: str = "box"


class Arc(NamedTuple):
    """A shortcut from `start` to `end` [x], over `top` [y]; dotted where dimensions change."""

    start: int
    end: int
    top: int
    bottom: int
    dotted: bool
    kind: str = "arc"


class StageRule(NamedTuple):
    """A line below the blocks of one stage, from `start` to `end`, with its words at `middle` [x]."""

    start: int
    end: int
    middle: int
    text: str


class Diagram(NamedTuple):
    """The drawing. `middle`: y of the wire that all layers hang on; `label`: what a screen reader says."""

    label: str
    width: int
    middle: int
    shapes: list[Box | Arc]
    stages: list[StageRule]


_BOX, _GAP, _BLOCK_GAP, _STAGE_GAP = 29, 9, 20, 34
_MIDDLE, _HEIGHTS, _PLAIN_HEIGHT = 120, (138, 122, 108), 96


def diagram(network: Network, norm: str) -> Diagram:
    """The network from left to right: a box a layer, an arc a shortcut, dotted where dimensions change."""
    shapes: list[Box | Arc] = []
    x = 8.0
    x = _box(shapes, x, _PLAIN_HEIGHT, f"image, {_size(network.image[1:])}", "plainbox") + _BLOCK_GAP
    x = _box(shapes, x, _HEIGHTS[0], f"3×3 conv, {network.stem.outputs}", "stage1") + _BLOCK_GAP
    stage_from, current = x, 0
    stages: list[StageRule] = []
    for index, block in enumerate(network.blocks):
        stage = WIDTHS.index(block.first.outputs)
        if stage != current:
            stages.append(_stage_rule(stage_from, x - _BLOCK_GAP, network.blocks[index - 1]))
            x += _STAGE_GAP - _BLOCK_GAP
            current, stage_from = stage, x
        x = _residual(shapes, x, block, stage) + _BLOCK_GAP
    stages.append(_stage_rule(stage_from, x - _BLOCK_GAP, network.blocks[-1]))
    x = _box(shapes, x, _PLAIN_HEIGHT, "average pool", "plainbox") + _BLOCK_GAP
    x = _box(shapes, x, _PLAIN_HEIGHT, f"linear, {network.classes}", "plainbox")
    label = (
        f"{network.model}: a 3×3 convolution, {len(network.blocks)} blocks of two 3×3 convolutions with "
        f"shortcuts, average pooling and a linear layer; {norm} after every convolution"
    )
    return Diagram(label, round(x + 8), _MIDDLE, shapes, stages)


def _size(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _box(shapes: list[Box | Arc], x: float, height: int, text: str, style: str) -> float:
    """Adds a layer; the x of its right edge."""
    text_x, y = round(x + _BOX / 2 + 4), round(_MIDDLE - height / 2)
    shapes.append(Box(style, round(x), y, _BOX, height, text_x, _MIDDLE, text))
    return x + _BOX


def _residual(shapes: list[Box | Arc], x: float, block: ResidualBlock, stage: int) -> float:
    """Adds a block of two convolutions and its shortcut; the x of its right edge."""
    style, height = f"stage{stage + 1}", _HEIGHTS[stage]
    half = ", /2" if block.first.stride == 2 else ""
    start = x - _BLOCK_GAP / 2
    x = _box(shapes, x, height, f"3×3 conv, {block.first.outputs}{half}", style) + _GAP
    x = _box(shapes, x, height, f"3×3 conv, {block.second.outputs}", style)
    end, top = x + _BLOCK_GAP / 2, _MIDDLE - height / 2 - 6 - 34
    shapes.append(Arc(round(start), round(end), round(top), _MIDDLE, block.shortcut != "identity"))
    return x


def _stage_rule(start: float, end: float, block: ResidualBlock) -> StageRule:
    text = f"{block.second.outputs} maps of {_size(block.second.size)}"
    return StageRule(round(start), round(end), round((start + end) / 2), text)
