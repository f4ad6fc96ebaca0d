"""What is trained, without the seed: the table of axes, a row of which is a cell.

`Spec` is that table: every field is an axis, declared here once with its type, its default and what
people call it (`model.axis`). `orchestrator.grid.trial.Trial` is a Spec with a seed. The table stands
here and not beside the grid because three packages read it: the model trains what it says, the
orchestrator declares and plans it, and analysis, which may not import the grid, shows it.

Kept apart from the code that trains so that declaring a grid, planning it and reading its results
need no torch. Everything in here changes the numbers that come out; nothing that does not (device,
workers, paths, pack size) may ever be added.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

from model.architectures import ARCHITECTURES
from model.axis import THE_RECIPES, Axis, Option, RealNumber, Value, WholeNumber, axes_of
from model.norm_table import NORM_TABLE, NORMS
from model.optimizer_table import OPTIMIZERS
from model.own import short_name
from model.precision import PRECISIONS
from model.recipe import RECIPES, Scaling, Schedule
from model.start import in_words

#: Depth of He et al.'s CIFAR ResNets: 6n + 2 layers (He et al. 2015, section 4.2).
MODELS: dict[str, int] = {name: a.depth for name, a in ARCHITECTURES.items() if a.depth is not None}
#: Channels of the three stages; G must divide the smallest, and so divides all.
WIDTHS: tuple[int, int, int] = (16, 32, 64)
SHORTCUTS: tuple[str, ...] = ("projection", "identity")
DATASETS: tuple[str, ...] = (
    "digits",
    "fashionmnist",
    "svhn",
    "cifar10",
    "cifar100",
    "imagefolder",
    "npz",
)

#: Ways of clipping gradients, and where each clips unless a trial says otherwise: `norm` as is usual, `agc`
#: as Brock et al. 2021 (High-Performance Large-Scale Image Recognition Without Normalization, section 4.1).
CLIP_AT: Mapping[str, float | None] = {"none": None, "norm": 1.0, "agc": 0.01}


def _data_at(value: str) -> str:
    """What to write for data at a path; empty where a text looks like none."""
    if value.endswith(".npz"):
        return f"--dataset npz --data-dir {value}"
    if "/" in value or os.path.isdir(value):
        return f"--dataset imagefolder --data-dir {value}"
    return ""


Positive = Annotated[int, WholeNumber(1)]
NotNegative = Annotated[int, WholeNumber(0)]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One cell: everything that its trials share.

    Exactly one of `epochs` and `iterations` is set. `groups` is set for norms in groups alone. `holdout`
    images are taken out of the training set, the same ones whatever the seed; where it is above zero the
    trial is judged on them and never sees the test set. `train_size` of the others are trained on, None for
    all; an epoch is so many images, and fewer of them are fewer steps. `model.data.selection` chooses.
    """

    dataset: Annotated[
        str,
        Axis(
            "Data set",
            help="the data set",
            choices=DATASETS,
            own=True,
            meant=_data_at,
            background=True,
            title="{}",
            quiet=False,
            option=Option("--dataset", "NAME", many=False),
        ),
    ] = "cifar10"
    model: Annotated[
        str,
        Axis(
            "Model",
            help="the network architecture",
            choices=tuple(ARCHITECTURES),
            own=True,
            background=True,
            title="{}",
            quiet=False,
            option=Option("--model", "NAME", many=False),
        ),
    ] = "resnet20"
    shortcut: Annotated[
        str,
        Axis(
            "Shortcut",
            help="how a residual block's shortcut changes dimensions",
            choices=SHORTCUTS,
            background=True,
            title="{} shortcuts",
            short="{}",
        ),
    ] = "projection"
    width: Annotated[
        Positive,
        Axis(
            "Width",
            help="factor on the channels of every layer",
            title="{}× width",
            short="{}× width",
            before=1,
        ),
    ] = 1
    zero_gamma: Annotated[
        bool,
        Axis(
            "Zero γ",
            help="whether the last norm of each residual branch starts with γ = 0",
            from_recipe=True,
            title="branches from zero",
        ),
    ] = THE_RECIPES
    norm: Annotated[
        str,
        Axis(
            "Norm", help="the normalisation layer", choices=NORMS, own=True, option=Option("--norms", "bn,gn")
        ),
    ]
    groups: Annotated[
        Positive | None,
        Axis("G", help="number of groups G, for norms that have groups", option=Option("--groups", "8,4")),
    ] = None
    batch_size: Annotated[
        Positive,
        Axis(
            "Batch size",
            help="images per step, for each replica",
            unit="images",
            option=Option("--batch-sizes", "32,16"),
        ),
    ]
    recipe: Annotated[
        str,
        Axis(
            "Recipe",
            help="the paper whose training protocol is followed",
            choices=tuple(RECIPES),
            background=True,
            title="{}",
            quiet=False,
        ),
    ] = "wu2018"
    epochs: Annotated[
        Positive | None,
        Axis(
            "Epochs",
            help="length of training; the learning-rate schedule scales with it",
            background=True,
            title="{} epochs",
            short="{}",
            option=Option("--epochs", "N", many=False),
        ),
    ] = None
    iterations: Annotated[
        Positive | None,
        Axis(
            "Iterations",
            help="length of training in steps, instead of epochs",
            background=True,
            title="{:,} iterations",
            short="{}",
        ),
    ] = None
    holdout: Annotated[
        NotNegative,
        Axis(
            "Held out",
            help="training images set aside to evaluate on instead of the test set",
            unit="images",
            background=True,
            title="{:,} images held out",
            short="hold-out {}",
        ),
    ] = 0
    train_size: Annotated[
        Positive | None,
        Axis(
            "Train size",
            help="training images used, in proportion from every class (default: all)",
            unit="images",
            title="{:,} training images",
            before=None,
        ),
    ] = None
    label_noise: Annotated[
        float,
        RealNumber(most=1.0),
        Axis(
            "Label noise",
            help="fraction of training labels that are wrong, each of the other classes equally likely",
            title="label noise {:g}",
            before=0.0,
        ),
    ] = 0.0
    lr: Annotated[
        float,
        RealNumber(above=True),
        Axis(
            "Learning rate",
            help="initial learning rate, before it is scaled with the batch size; 0.001 for adamw unless set",
            per_replica=True,
            from_recipe=True,
            short="lr {:g}",
            title="learning rate {:g}",
        ),
    ] = THE_RECIPES
    weight_decay: Annotated[
        float,
        RealNumber(),
        Axis(
            "Weight decay",
            help="on every parameter; for adamw 0.01 unless set, decoupled and times the learning rate",
            per_replica=True,
            from_recipe=True,
            short="wd {:g}",
            title="weight decay {:g}",
        ),
    ] = THE_RECIPES
    momentum: Annotated[
        float,
        RealNumber(most=1.0),
        Axis(
            "Momentum",
            help="of SGD; β1 for adamw",
            per_replica=True,
            from_recipe=True,
            title="momentum {:g}",
        ),
    ] = THE_RECIPES

    norm_batch: Annotated[
        Positive | None,
        Axis(
            "Norm batch",
            help="images that share statistics, if fewer than the batch (ghost batch norm)",
            unit="images",
            title="statistics of {} images",
            short="norm batch {}",
            before=None,
        ),
    ] = None
    norm_momentum: Annotated[
        Annotated[float, RealNumber(most=1.0, above=True)] | None,
        Axis(
            "Norm momentum",
            help="weight of the newest batch in running statistics; default 0.1, for brn 0.01",
            title="running statistics by {:g}",
            short="norm momentum {:g}",
            from_norm=True,
        ),
    ] = None
    eps: Annotated[
        Annotated[float, RealNumber(above=True)] | None,
        Axis(
            "ε",
            help="added to the variance; default 1e-05, for frn 1e-06",
            title="ε = {:g}",
            short="ε {:g}",
            from_norm=True,
        ),
    ] = None
    weight_standardization: Annotated[
        bool,
        Axis(
            "Weight standardisation",
            help="whether the weights of every convolution are standardised",
            title="weight standardisation",
            short="WS",
            before=False,
        ),
    ] = False
    lr_scaling: Annotated[
        str,
        Axis(
            "Rate scaling",
            help="how the learning rate scales with the batch size",
            choices=get_args(Scaling),
            from_recipe=True,
            title="rates scaled: {}",
            short="scaling {}",
        ),
    ] = THE_RECIPES
    schedule: Annotated[
        str,
        Axis(
            "Schedule",
            help="learning-rate schedule; step is the recipe's own",
            choices=get_args(Schedule),
            title="{} schedule",
            short="{}",
            before="step",
        ),
    ] = "step"
    warmup_epochs: Annotated[
        NotNegative,
        Axis(
            "Warm-up",
            help="epochs over which the learning rate ramps up",
            title="{} epochs of warm-up",
            short="warm-up {}",
            before=0,
        ),
    ] = 0
    optimizer: Annotated[
        str,
        Axis(
            "Optimiser",
            help="SGD, SGD with Nesterov momentum, or AdamW",
            choices=tuple(OPTIMIZERS),
            title="{}",
            before="sgd",
        ),
    ] = "sgd"
    decay_norm: Annotated[
        bool,
        Axis(
            "Decay of norms",
            help="whether weight decay also applies to the norms' parameters (γ, β and any others)",
            per_replica=True,
            title="decay of γ and β",
            before=True,
        ),
    ] = True
    grad_clip: Annotated[
        str,
        Axis(
            "Gradient clipping",
            help="by the norm of all of a replica's gradients together, or adaptively for each unit (agc)",
            choices=tuple(CLIP_AT),
            per_replica=True,
            title="gradient clipping: {}",
            short="clip {}",
            before="none",
        ),
    ] = "none"
    clip_at: Annotated[
        Annotated[float, RealNumber(above=True)] | None,
        Axis(
            "Clipping threshold",
            help="largest gradient norm (default 1), for agc its ratio to the weights' norm (default 0.01)",
            per_replica=True,
            title="clipping threshold {:g}",
            short="at {:g}",
            before=None,
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        RealNumber(most=1.0),
        Axis(
            "Label smoothing",
            help="fraction of each label that is spread over all classes",
            per_replica=True,
            title="label smoothing {:g}",
            short="smoothing {:g}",
            before=0.0,
        ),
    ] = 0.0
    augment: Annotated[
        str,
        Axis(
            "Augmentation",
            help="the data set's random crops and flips, or none",
            choices=("standard", "none"),
            title="augmentation: {}",
            before="standard",
        ),
    ] = "standard"
    precision: Annotated[
        str,
        Axis(
            "Precision",
            help="of the products in convolutions and linear layers; norms, sums and weights stay in float32",
            choices=PRECISIONS,
            title="{} products",
            short="{}",
            before="fp32",
            option=Option("--precision", "fp32,bf16"),
        ),
    ] = "fp32"
    start: Annotated[
        str | None,
        Axis(
            "Start",
            help="the trial whose weights it starts from: norm=bn batch_size=32; in a grid's block: from",
            spoken=lambda text: in_words(text, AXES),
            of_line=True,
            before=None,
        ),
    ] = None

    def __post_init__(self) -> None:
        """What is not said is the recipe's, say, or the norm's; nobody reads a trial that leaves it open."""
        for name, axis in AXES.items():
            given = axis.from_recipe or axis.from_norm or name in _FOLLOWING
            if given and getattr(self, name) is None:
                object.__setattr__(self, name, default_of(name, vars(self)))
        if self.norm_batch == self.batch_size:  # the whole batch, which is what goes without saying
            object.__setattr__(self, "norm_batch", None)

    @property
    def shared(self) -> "Spec":
        """What replicas of one network have in common: the axes that must not differ in a pack."""
        row: dict[str, Any] = {**vars(self)}
        for name in PER_REPLICA:
            row[name] = default_of(name, row)
        return replace(self, **{name: row[name] for name in PER_REPLICA})

    @property
    def name(self) -> str:
        """What a person calls the cell, within its sweep: gn G=8, batch 32."""
        return cell_name(vars(self))

    @property
    def as_tried(self) -> "Spec":
        """The same network and step for an epoch on whatever images there are: to see what it does."""
        return replace(
            self, epochs=1, iterations=None, warmup_epochs=0, holdout=0, train_size=None, label_noise=0.0
        )

    def images(self, available: int) -> int:
        """Images that are trained on; `available`: all training images of the data set, hold-out included."""
        return available - self.holdout if self.train_size is None else self.train_size

    def steps_per_epoch(self, available: int) -> int:
        """Steps of a whole epoch; `available` as above; the incomplete batch is dropped."""
        return self.images(available) // self.batch_size

    def total_steps(self, available: int) -> int:
        if self.iterations is not None:
            return self.iterations
        assert self.epochs is not None
        return self.epochs * self.steps_per_epoch(available)

    def total_epochs(self, available: int) -> int:
        """Epochs begun; where `iterations` rules, the last one may stop early."""
        return -(-self.total_steps(available) // self.steps_per_epoch(available))

    def steps_in_epoch(self, epoch: int, available: int) -> int:
        """Steps of epoch `epoch` (from 1): all of them, but for a last one cut short by `iterations`."""
        full = self.steps_per_epoch(available)
        return max(0, min(full, self.total_steps(available) - (epoch - 1) * full))


#: The table by name. The seed, which `Trial` adds, is no axis of a cell.
AXES: Mapping[str, Axis] = axes_of(Spec)
#: The axes, besides the seed, in which replicas of one network may differ.
PER_REPLICA: tuple[str, ...] = tuple(name for name, axis in AXES.items() if axis.per_replica)
#: Axis -> another that comes before it, and the default by that one's value.
_FOLLOWING: Mapping[str, tuple[str, Mapping[str, Value]]] = {"clip_at": ("grad_clip", CLIP_AT)}


def default_of(name: str, row: Mapping[str, Any]) -> Value:
    """The default of an axis beside the other values of `row`, which may be the recipe's or the norm's."""
    axis = AXES[name]
    if name in _FOLLOWING:
        other, by_value = _FOLLOWING[name]
        return by_value.get(_text(row, other))
    return _given(axis, row) if axis.from_recipe or axis.from_norm else axis.default  # type: ignore[return-value]


def unsaid_of(name: str, row: Mapping[str, Any]) -> Value:
    """What is meant by a row that does not say the axis; None where that is not known."""
    axis = AXES[name]
    return _given(axis, row) if axis.from_recipe or axis.from_norm else axis.unsaid


def _given(axis: Axis, row: Mapping[str, Any]) -> Value:
    """What the recipe, its optimiser or the norm of a row says of an axis; None where it is not known."""
    if axis.from_recipe:
        if (recipe := RECIPES.get(_text(row, "recipe"))) is None:
            return None
        own = getattr(OPTIMIZERS.get(_text(row, "optimizer")), axis.name, None)
        value: Value = getattr(recipe, axis.name) if own is None else own
        return value
    return getattr(NORM_TABLE.get(_text(row, "norm")), axis.name, None)


def _text(row: Mapping[str, Any], name: str) -> str:
    """Empty where the row has none: a file from a stranger can hold anything."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def cell_name(cell: Mapping[str, Any]) -> str:
    """Norm, G and batch size of a cell, and what else of the foreground is not at its default."""
    groups = f" G={cell['groups']}" if cell.get("groups") else ""
    head = f"{short_name(str(cell.get('norm')))}{groups}, batch {cell.get('batch_size')}"
    said = [
        axis.in_name(value)
        for name, axis in AXES.items()
        if name not in {"norm", "groups", "batch_size"}
        and not axis.background
        and (value := cell.get(name, unsaid_of(name, cell))) not in (None, default_of(name, cell))
    ]
    return ", ".join([head, *said])


def full_name(cell: Mapping[str, Any]) -> str:
    """A cell's name with its background behind it: all of its identity but the seed."""
    rest = [axis.in_name(cell[n]) for n, axis in AXES.items() if axis.background and cell.get(n)]
    return f"{cell_name(cell)} ({', '.join(rest)})"
