"""Whose kernels a plan's cells have, timed here or on the cluster that was joined; here no Ray is needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from model.data.dataset import DataInfo
from model.errors import InputError
from model.kernels import Kernels
from orchestrator.cluster.joined import Patience, ended_by
from orchestrator.grid.own import own_code
from orchestrator.planning.kernel_rates import kept
from orchestrator.planning.kernel_timing import time_here
from orchestrator.planning.kernels import Cells, Chosen, Time, Timings, chosen_for, settled, with_aside
from orchestrator.planning.local import gpu_name
from orchestrator.planning.options import Options
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import UNNAMED, Site, coming_type
from orchestrator.results.records import RunRecord
from orchestrator.results.trial_state import TrialState


def as_before(site: Site, runs: Sequence[RunRecord]) -> Site:
    """With those machines first whose GPU is one on which earlier `runs` timed: of several types that are up,
    Ray names any first, and each run would choose anew on another."""
    records = [record for run in reversed(runs) if (record := run.get("kernels") or run.get("sharing"))]
    up = {node.gpu_name for node in site.nodes}
    device = next((said for record in records if (said := record.get("device")) in up), None)
    nodes = sorted(site.nodes, key=lambda node: node.gpu_name != device)
    return replace(site, nodes=tuple(nodes))


def known_kernels(
    plan: Plan,
    states: Mapping[str, TrialState],
    site: Site,
    options: Options,
    runs: Sequence[RunRecord],
    *,
    joined: bool,
) -> Chosen:
    """Without timing anything: as somebody says, else as earlier `runs` chose, or trials have begun. Raises
    InputError where kernels of ours are asked for and no GPU trains."""
    if not site.resources.gpus:
        if options.kernels == "ours":
            raise InputError("--kernels ours: they are for GPUs, and packs train on CPUs here; leave it out.")
        return Chosen()
    up = site.gpu_up or coming_type(site)
    return settled(options.kernels, runs, up if joined else gpu_name(), plan, states)


@dataclass(frozen=True)
class KernelTiming:
    """Times the cells of a plan where it will be trained, on `site`, a pack a GPU. `say`: told before;
    `patience`: of a run, see `Joined.machine`."""

    site: Site
    infos: Mapping[str, DataInfo]
    say: Callable[[str], None]
    joined: bool
    patience: Patience | None = None

    def faster(self, plan: Plan, known: Chosen) -> Chosen:
        """With whose kernels are the faster ones for what is not `known`. Raises InputError."""
        if not self.site.resources.gpus:
            return known
        return chosen_for(plan, known, self.infos, self.site.slots, self._timer(plan, known.device))

    def aside(self, plan: Plan, chosen: Chosen) -> Chosen:
        """With what gains by a stream of its own for weights' gradients, of what has just been timed."""
        return with_aside(plan, chosen, self.site.slots, self._timer(plan, chosen.device))

    def _timer(self, plan: Plan, device: str | None) -> Time:
        def time(cells: Cells, kernels: Sequence[Kernels], seconds: float) -> Timings:
            return self._time(plan, cells, kernels, seconds)

        return time if device in (None, UNNAMED) else kept(time, device, self.infos)

    def _time(self, plan: Plan, cells: Cells, kernels: Sequence[Kernels], seconds: float) -> Timings:
        if self.site.nodes or not self.joined:
            self.say("Timing kernels")
        each = self.site.resources
        ended = ended_by(self.patience)
        if not self.joined:
            return time_here(self.infos, each.device, each.threads, cells, kernels, seconds, ended)
        from orchestrator.cluster.calibration import time_there
        from orchestrator.cluster.own_code import sources

        code = own_code([trial for pack in plan.packs for trial in pack.trials])
        return time_there(self.site, sources(code), self.infos, cells, kernels, seconds, ended)
