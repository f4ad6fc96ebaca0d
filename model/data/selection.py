"""Which images of a data set a trial learns from, which judge it, and which labels are wrong on purpose.

The hold-out is taken from the whole training set, `train_size` images from what is left, and labels are
made wrong among these alone. All three are fixed pseudo-random choices, so they are the same whatever the
seed and the norm. Ranking by SHA-256 of an image's place in the training set keeps them fixed on any version
of any library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.data.dataset import DataInfo
from model.errors import InputError
from model.spec import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: Places of images in the training set, ascending, or their labels.
    Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Selection:
    """The axes of that name. `train_size`: None takes all that is left."""

    holdout: int = 0
    train_size: int | None = None
    label_noise: float = 0.0

    @classmethod
    def of(cls, spec: Spec) -> Selection:
        return cls(spec.holdout, spec.train_size, spec.label_noise)

    def check(self, info: DataInfo) -> None:
        """Raises InputError where the data set has not so many images."""
        left = info.train_size - self.holdout
        if self.holdout < 0 or left <= 0:
            raise InputError(
                f"a hold-out of {self.holdout:,} images out of {info.train_size:,} of {info.name} leaves "
                "nothing to train on; choose a smaller one"
            )
        if self.train_size is None:
            return
        after = f" after a hold-out of {self.holdout:,}" if self.holdout else ""
        if self.train_size > left:
            raise InputError(
                f"train_size {self.train_size:,}: {info.name} has {left:,} training images{after}; "
                "choose as many or fewer, or leave it out for all of them"
            )
        if self.train_size < len(info.classes):
            raise InputError(
                f"train_size {self.train_size:,}: {info.name} has {len(info.classes):,} classes; choose as "
                "many images or more"
            )

    def split(self, labels: Integers) -> tuple[Integers | None, Integers | None]:
        """Places of the images to train on and of those held out; None for all and for none."""
        import numpy as np

        held = held_out(labels, self.holdout) if self.holdout else None
        kept = None if held is None else np.setdiff1d(np.arange(len(labels)), held)
        if self.train_size is not None:
            kept = stratified(labels, np.arange(len(labels)) if kept is None else kept, self.train_size)
        return kept, held

    def learnt(self, labels: Integers, places: Integers | None, classes: int) -> Integers:
        """The labels to train on, of the images at `places` (None: of all), so many of them wrong."""
        import numpy as np

        own = labels if places is None else labels[places]
        if not self.label_noise:
            return own
        return corrupted(own, np.arange(len(labels)) if places is None else places, self.label_noise, classes)


#: All images for training, judged on the test set.
WHOLE = Selection()


def held_out(labels: Integers, count: int) -> Integers:
    """Places of `count` images, ascending: a fixed pseudo-random choice with every class's share.

    Shares are proportional to the classes' sizes, so equal for equal classes; what does not divide goes
    to the largest remainders.
    """
    import numpy as np

    sizes = np.bincount(labels)
    quota = sizes * count // len(labels)
    remainder = sizes * count % len(labels)
    for label in np.argsort(-remainder, kind="stable")[: count - int(quota.sum())]:
        quota[label] += 1
    chosen: list[int] = []
    for label, share in enumerate(quota):
        members = np.flatnonzero(labels == label).tolist()
        chosen += sorted(members, key=lambda place: _drawn("hold-out", place))[:share]
    return np.array(sorted(chosen), dtype=np.int64)


def stratified(labels: Integers, among: Integers, count: int) -> Integers:
    """Places of `count` of the images `among`, ascending, with every class's share; a smaller count takes a
    part of what a larger one takes.

    Image k (from 0) of the n of its class, in an order drawn once, comes at (k + ½) / n; the first `count`
    are taken, of equals those of the lower class. That is Sainte-Laguë's apportionment (Balinski & Young,
    Fair Representation, 1982): it gives whole shares where there are such, and only ever adds. Largest
    remainders may give a class fewer out of a larger total (the Alabama paradox).
    """
    import numpy as np

    own = labels[among]
    sizes = np.bincount(own)
    comes = np.empty(len(among))
    for label in np.flatnonzero(sizes):
        members = np.flatnonzero(own == label).tolist()
        members.sort(key=lambda member: _drawn("train-size", int(among[member])))
        comes[members] = (2 * np.arange(len(members)) + 1) / (2 * sizes[label])
    first: Integers = among[np.lexsort((own, comes))[:count]]
    return np.sort(first)


def corrupted(labels: Integers, places: Integers, share: float, classes: int) -> Integers:
    """A copy of `labels`, of images at `places`, in which that share, rounded to whole images, is another
    class, each of the others equally likely. What is wrong at a smaller share is wrong alike at a larger.

    Symmetric noise as Han et al. 2018 (Co-teaching) have it, but an exact share. Zhang et al. 2017, section
    2, draw from all K classes, the true one among them: their p is a share of p · (K − 1) / K here.
    """
    drawn = {at: _drawn("label-noise", place) for at, place in enumerate(places.tolist())}
    wrong = sorted(drawn, key=drawn.__getitem__)[: int(share * len(labels) + 0.5)]
    noisy = labels.copy()
    for at in wrong:
        shift = 1 + int.from_bytes(drawn[at][16:24]) % (classes - 1)  # bytes that the order hardly reads
        noisy[at] = (labels[at] + shift) % classes
    return noisy


def _drawn(purpose: str, place: int) -> bytes:
    return hashlib.sha256(f"{purpose}/{place}".encode()).digest()
