"""What trials have otherwise than their recipe and the defaults, in a sentence of a methods section."""

from analysis.sources.setup import Counts, Setup
from analysis.stats.axes import at
from analysis.words.mixtures import trials_words
from analysis.words.numbers import listed
from model.recipe import RECIPES
from model.spec import AXES

#: Axis and value -> what a methods section calls it, where the axis's own words are too few.
_WORDS: dict[tuple[str, object], str] = {
    ("optimizer", "sgd-nesterov"): "Nesterov’s momentum",
    (
        "optimizer",
        "adamw",
    ): "AdamW as the optimiser (Loshchilov & Hutter 2019; β1 is the momentum, β2 = 0.999, "
    "ε = 1e-8, and the learning rate multiplies the decoupled weight decay)",
    ("precision", "tf32"): "products of convolutions and linear layers in TF32",
    ("precision", "bf16"): "products of convolutions and linear layers of factors rounded to bfloat16",
    ("decay_norm", False): "no weight decay of γ, β and other parameters of the norms",
    ("grad_clip", "norm"): "each network’s gradients clipped by their norm (Pascanu et al. 2013)",
    ("grad_clip", "agc"): "adaptive gradient clipping, unit by unit, of all layers but the classifier "
    "(Brock et al. 2021)",
}
#: What other sentences say.
_SAID = {"norm", "groups", "batch_size", "train_size", "label_noise"}


def settings(setup: Setup) -> str:
    """“Otherwise than there: learning rate 0.05 (30 trials) and learning rate 0.2 (30 trials).”; empty where
    nothing is. A source that does not say an axis is taken to have nothing special of it."""
    recipes = list(setup.axes["recipe"])
    recipe = RECIPES.get(str(recipes[0])) if len(recipes) == 1 else None
    parts = []
    for name, axis in AXES.items():
        if not axis.background and name not in _SAID:
            usual = getattr(recipe, name, axis.default)
            parts += _unusual(name, setup.axes[name], usual, setup.trials)
    return f"Set otherwise than there: {listed(parts)}." if parts else ""


def _unusual(name: str, counts: Counts, usual: object, trials: int) -> list[str]:
    words = {value: _WORDS.get((name, value)) or at(name, value) for value in counts if value != usual}
    return [
        said if counts[value] == trials else f"{said} ({trials_words(counts[value])})"
        for value, said in words.items()
    ]
