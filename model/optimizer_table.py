"""The optimisers that there are, as facts; their updates are in `model.training`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Optimizer:
    """What is known of an optimiser.

    `title`: for people. `source`: paper, section. `lr`, `weight_decay`: where a trial says nothing, instead
    of its recipe's, which are stochastic gradient descent's; None: the recipe's own.
    """

    name: str
    title: str
    source: str
    lr: float | None = None
    weight_decay: float | None = None


#: What a trial means that does not say its rate or its decay follows from here, so neither is ever changed.
OPTIMIZERS: Mapping[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer(
            "sgd", "stochastic gradient descent with momentum", "Sutskever et al. 2013, equations 1 and 2"
        ),
        Optimizer(
            "sgd-nesterov",
            "stochastic gradient descent with Nesterov’s momentum",
            "Sutskever et al. 2013, equations 3 and 4",
        ),
        # As torch has them. A step's rate times its decay, 1e-5, is that of both recipes, 0.1 · 1e-4.
        Optimizer("adamw", "AdamW", "Loshchilov & Hutter 2019, algorithm 2", lr=1e-3, weight_decay=1e-2),
    )
}
