"""Cells of one plan whose numbers can only be the same, under two ids: told, and trained all the same.

Ids never change for it, since results lie under them; a person who declared both may have meant one.
"""

from collections.abc import Iterable
from dataclasses import replace

from model.norm_table import NORM_TABLE
from model.recipe import RECIPES
from model.spec import Spec

_NAMED = 2


def alike(specs: Iterable[Spec]) -> list[str]:
    """A line of what is the same; none where nothing is."""
    found: dict[Spec, list[Spec]] = {}
    for spec in dict.fromkeys(specs):
        found.setdefault(_plain(spec), []).append(spec)
    pairs = [f"{first.name} is {other.name}" for first, *others in found.values() for other in others]
    if not pairs:
        return []
    more = f", and so for {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
    return [
        f"the same numbers under two ids: {'; '.join(pairs[:_NAMED])}{more}. Both are trained; take one out "
        "where that is not wanted."
    ]


def _plain(spec: Spec) -> Spec:
    """The cell in one way of several in which it can be said."""
    norm = NORM_TABLE.get(spec.norm)
    if norm and norm.with_one_group and spec.groups == 1:
        spec = replace(spec, norm=norm.with_one_group, groups=None)
    recipe = RECIPES[spec.recipe]
    if spec.batch_size == recipe.base_batch_size:  # a rate for that size, however it is scaled to others
        spec = replace(spec, lr_scaling=recipe.lr_scaling)
    return spec
