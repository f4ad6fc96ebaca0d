"""What packs are called beside each other."""

from collections.abc import Sequence

from orchestrator.display.cell_names import cell_names
from orchestrator.planning.plan import Pack


def pack_names(packs: Sequence[Pack]) -> list[str]:
    """A name for each, by which no two packs of other cells are alike."""
    names = cell_names(pack.spec for pack in packs)
    return [pack.named(names[pack.spec]) for pack in packs]
