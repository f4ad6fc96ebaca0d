"""The training protocols of the papers, as data.

A recipe is what a paper's method section says and no more: optimiser, schedule, initialisation. The
length of a trial is not part of it but of the trial; the recipe gives the paper's own as a default,
and its milestones are fractions, so a shortened run keeps the shape of the schedule.
"""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, cos, pi, sqrt
from typing import Literal

Scaling = Literal["linear", "sqrt", "none"]
Schedule = Literal["step", "cosine", "constant"]


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum under a step schedule.

    `lr`: the first learning rate, for a batch of `base_batch_size` images; for another it is scaled by
    `lr_scaling`: "linear" with the batch size (Goyal et al. 2017, section 2.1), with its square root (Hoffer
    et al. 2017, section 5), or "none".
    `milestones`: fractions of all steps after which the rate is divided by 10.
    `zero_gamma`: γ of each residual block's last norm starts at 0.
    """

    name: str
    source: str
    lr: float
    base_batch_size: int
    lr_scaling: Scaling
    milestones: tuple[Fraction, ...]
    momentum: float
    weight_decay: float
    zero_gamma: bool
    epochs: int | None
    iterations: int | None

    def learning_rate(self, step: int, total_steps: int, batch_size: int) -> float:
        """Learning rate of step `step` (from 0) out of `total_steps`, as the paper has it."""
        return self.learning_rates(range(step, step + 1), total_steps, batch_size)[0]

    def learning_rates(
        self,
        steps: range,
        total_steps: int,
        batch_size: int,
        *,
        lr: float | None = None,
        scaling: str | None = None,
        schedule: str = "step",
        warmup: int = 0,
    ) -> list[float]:
        """Those of consecutive steps (from 0) out of `total_steps`; an epoch may have 25,000 of them.

        `lr`, `scaling`: instead of the recipe's own. `schedule`: "step" is the recipe's, "cosine" falls to 0
        (Loshchilov & Hutter 2017, equation 5, without restarts), "constant" stays. `warmup`: steps in which
        the rate rises linearly to its first value (Goyal et al. 2017, section 2.2); a cosine begins after.
        """
        lr = self.lr if lr is None else lr
        first = lr * self._scale(batch_size, scaling or self.lr_scaling)
        if schedule == "step":
            # A step s is past milestone m where s ≥ m, which for whole s is s ≥ ⌈m⌉.
            milestones = [ceil(m * total_steps) for m in self.milestones]
            stairs = [float(first / 10**passed) for passed in range(len(milestones) + 1)]
            rates = [stairs[bisect_right(milestones, step)] for step in steps]
        elif schedule == "cosine":
            last = max(1, total_steps - warmup)
            rates = [first * (1 + cos(pi * max(0, step - warmup) / last)) / 2 for step in steps]
        else:
            rates = [first] * len(steps)
        return [
            rate * (step + 1) / warmup if step < warmup else rate
            for step, rate in zip(steps, rates, strict=True)
        ]

    def _scale(self, batch_size: int, scaling: str) -> float:
        ratio = batch_size / self.base_batch_size
        return {"linear": ratio, "sqrt": sqrt(ratio), "none": 1.0}[scaling]


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="wu2018",
            source="Wu & He 2018, Group Normalization, section 4.1",
            lr=0.1,
            base_batch_size=32,
            lr_scaling="linear",
            milestones=(Fraction(3, 10), Fraction(6, 10), Fraction(9, 10)),
            momentum=0.9,
            weight_decay=1e-4,
            zero_gamma=True,
            epochs=100,
            iterations=None,
        ),
        Recipe(
            name="he2015",
            source="He et al. 2015, Deep Residual Learning, section 4.2",
            lr=0.1,
            base_batch_size=128,
            lr_scaling="none",
            milestones=(Fraction(1, 2), Fraction(3, 4)),
            momentum=0.9,
            weight_decay=1e-4,
            zero_gamma=False,
            epochs=None,
            iterations=64_000,
        ),
    )
}
