"""The cluster that is to train, joined when first asked for; its first machine is waited for if need be.

Workers that scale from zero are not up when a sweep is planned, and a plan that cannot time its packs gives
each GPU one of them for the whole of the sweep. A run needs a machine anyway: where packs are to be timed it
asks for the first one before the plan, just as Tune will ask for those of the packs.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.data.dataset import DataInfo
from model.errors import InputError, summary
from orchestrator.patience import patience_of
from orchestrator.planning.kernel_timing import Ended, nobody
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Site

if TYPE_CHECKING:  # Ray is 300 MB
    from orchestrator.cluster.preflight import Vetted

#: Seconds that a machine may take: a cloud needs three to six minutes, and longer where it has none to give.
_SECONDS = patience_of("NORMSWEEP_MACHINE_PATIENCE", 600)
_LOOK = 1  # seconds between two looks whether to wait no longer; Ray counts whole ones, and 0.5 is none
_WORD = 20.0  # seconds between two looks for machines that could not be started
_DRY = "no machine with a GPU is up, and a run waits for one before it plans"


@dataclass(frozen=True)
class Patience:
    """Of a run that can wait. `say`: told what for; `ended`: whether it can no longer, or raises that."""

    say: Callable[[str], None]
    ended: Ended


def ended_by(patience: Patience | None) -> Ended:
    """What a timing asks now and then; of a plan that is no run's nobody ends it."""
    return patience.ended if patience else nobody


class Joined:
    """The cluster at `options.address`, until `stack` ends.

    A sweep that trains in rounds joins it once. Its machines are vetted, unless the run is `dry` and may
    write nothing. `code`: import paths of code of the user's own; `warn`: told of machines that are left out.
    """

    def __init__(
        self,
        options: Options,
        infos: Mapping[str, DataInfo],
        stack: ExitStack,
        code: tuple[str, ...],
        warn: Callable[[str], None],
        *,
        dry: bool,
    ) -> None:
        self._options, self._infos, self._stack = options, infos, stack
        self._code, self._warn, self._dry = code, warn, dry
        self._known: tuple[Site, Vetted | None] | None = None
        self._waited: str | None = None

    def __call__(self) -> "tuple[Site, Vetted | None]":
        """Where packs go, and what its nodes answered; None where they were not asked. Raises InputError."""
        if self._known is None:
            from orchestrator.cluster.session import joined

            self._known = self._vetted(self._stack.enter_context(joined(self._options)))
        return self._known

    def machine(self, patience: Patience | None) -> str:
        """Wait until a machine that takes packs is up, once in a run, and look at the cluster anew. Gives why
        there is none; nothing where one is up. Raises as `patience` does; None of it waits for none."""
        if patience is None:
            return _DRY
        if self._waited is None:
            from orchestrator.cluster.session import look

            patience.say("Waiting for a machine with a GPU, to time packs on it")
            self._waited = bring(self()[0], patience, self._warn)
            if not self._waited:
                self._waited = self._looked_anew(look)
        return self._waited

    def _looked_anew(self, look: Callable[[Options], Site]) -> str:
        """What stands in the way of the machine that came, which may be its own trouble alone: one that comes
        later is asked by its first pack."""
        try:
            known = self._vetted(look(self._options))
        except InputError as error:
            return f"the machine that came cannot take part ({error})"
        if not known[0].nodes:
            return "the machine that had come is gone"
        self._known = known
        return ""

    def _vetted(self, site: Site) -> "tuple[Site, Vetted | None]":
        from orchestrator.cluster.preflight import check_nodes

        if self._dry:
            return site, None
        return site, check_nodes(site, self._options, self._infos, self._code, left_out=self._warn)


def bring(site: Site, patience: Patience, warn: Callable[[str], None], seconds: float = _SECONDS) -> str:
    """Ask for what one pack of `site` needs, and wait until a machine has it. Gives why none has; nothing
    where one does. The request is withdrawn at the end, and by Ray where this process ends before.

    `warn`: told why machines could not be started, once of each reason.
    """
    from ray.util import placement_group, remove_placement_group

    from orchestrator.cluster.launches import failed_launches
    from orchestrator.cluster.nodes import bundle, elsewhere

    end, told, next_word = time.monotonic() + seconds, set[str](), time.monotonic() + _WORD
    try:
        asked = placement_group([bundle(site)], bundle_label_selector=elsewhere(site))
        try:
            while not asked.wait(_LOOK):
                if patience.ended():
                    return "the wait for a machine was ended"
                if time.monotonic() >= next_word:
                    next_word = time.monotonic() + _WORD
                    for said in failed_launches():
                        if said not in told:
                            told.add(said)
                            warn(said)
                if time.monotonic() >= end:
                    return f"no machine with a GPU came within {_minutes(seconds)}"
        finally:
            remove_placement_group(asked)
    except Exception as error:  # a plan must not fail by what only makes it faster
        return f"no machine with a GPU could be asked for ({summary(error)})"
    return ""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else f"{seconds:g} seconds"
