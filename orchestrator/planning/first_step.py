"""Cells that could not take their first step: told before anything trains, all of one kind at once."""

from collections.abc import Collection, Mapping

from model.data.dataset import DataInfo
from model.errors import InputError
from model.spec import Spec
from orchestrator.planning.alone import trained_alone
from orchestrator.planning.local import alone

_NAMED = 3


def examined(specs: Collection[Spec], infos: Mapping[str, DataInfo]) -> dict[Spec, str]:
    """What `trained_alone` gives, with the first step of every cell tried on its data. Raises InputError."""
    found = trained_alone(specs)
    _refuse_untrainable(specs, infos)
    return found


def _refuse_untrainable(specs: Collection[Spec], infos: Mapping[str, DataInfo]) -> None:
    from model.training.first_step import OneValue, try_first_step

    found: dict[OneValue, list[Spec]] = {}
    for spec in specs:
        info = infos[spec.dataset]
        alone(spec, info)  # what is wrong with a network of the user's own is said best where it is examined
        if one_value := try_first_step(spec, info):
            found.setdefault(one_value, []).append(spec)
    for one_value, cells in found.items():
        raise InputError(
            f"{_names(cells)}: a variance would be of one value, since {one_value.place}; "
            f"{one_value.remedy}, or choose larger images, another norm or another network"
        )


def _names(specs: list[Spec]) -> str:
    names = list(dict.fromkeys(spec.name for spec in specs))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
