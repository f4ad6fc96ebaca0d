"""What trials have otherwise than their recipe and the defaults, in a sentence of a methods section."""

from analysis.sources.setup import Counts, Setup
from analysis.stats.axes import at
from analysis.words.mixtures import trials_words
from analysis.words.numbers import listed
from model.recipe import RECIPES
from model.spec import AXES

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
    return [
        at(name, value) if n == trials else f"{at(name, value)} ({trials_words(n)})"
        for value, n in counts.items()
        if value != usual
    ]
