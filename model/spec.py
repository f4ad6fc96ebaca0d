"""What is trained, without the seed: the specification of a cell.

Kept apart from the code that trains so that declaring a grid, planning it and reading its results
need no torch. Everything in here changes the numbers that come out; nothing that does not (device,
workers, paths, pack size) may ever be added.
"""

from dataclasses import dataclass

#: Depth of He et al.'s CIFAR ResNets: 6n + 2 layers (He et al. 2015, section 4.2).
MODELS: dict[str, int] = {"resnet20": 20, "resnet32": 32, "resnet44": 44, "resnet56": 56, "resnet110": 110}
#: Channels of the three stages; G must divide the smallest, and so divides all.
WIDTHS: tuple[int, int, int] = (16, 32, 64)
NORMS: tuple[str, ...] = ("bn", "gn", "ln", "in")
SHORTCUTS: tuple[str, ...] = ("projection", "identity")
DATASETS: tuple[str, ...] = ("digits", "cifar10", "cifar100", "imagefolder")

NORM_NAMES: dict[str, str] = {
    "bn": "Batch Norm",
    "gn": "Group Norm",
    "ln": "Layer Norm",
    "in": "Instance Norm",
}


@dataclass(frozen=True)
class Spec:
    """One cell: everything that its trials share.

    Exactly one of `epochs` and `iterations` is set. `groups` is set for gn alone. `holdout` images are
    taken out of the training set, the same ones whatever the seed; where it is above zero the trial is
    judged on them and never sees the test set.
    """

    dataset: str
    model: str
    shortcut: str
    norm: str
    groups: int | None
    batch_size: int
    recipe: str
    epochs: int | None
    iterations: int | None
    holdout: int

    def steps_per_epoch(self, train_size: int) -> int:
        """Steps of a whole epoch; `train_size` counts the hold-out too; the incomplete batch is dropped."""
        return (train_size - self.holdout) // self.batch_size

    def total_steps(self, train_size: int) -> int:
        if self.iterations is not None:
            return self.iterations
        assert self.epochs is not None
        return self.epochs * self.steps_per_epoch(train_size)

    def total_epochs(self, train_size: int) -> int:
        """Epochs begun; where `iterations` rules, the last one may stop early."""
        return -(-self.total_steps(train_size) // self.steps_per_epoch(train_size))

    def steps_in_epoch(self, epoch: int, train_size: int) -> int:
        """Steps of epoch `epoch` (from 1): all of them, but for a last one cut short by `iterations`."""
        full = self.steps_per_epoch(train_size)
        return max(0, min(full, self.total_steps(train_size) - (epoch - 1) * full))
