"""How packs of a plan share GPUs, here or on the cluster that was joined; here no Ray is needed."""

from collections.abc import Callable, Mapping, Sequence

from model.data.dataset import DataInfo
from model.spec import Spec
from orchestrator.grid.own import own_code
from orchestrator.planning import measured
from orchestrator.planning.local import gpu_name
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import Ladder, Sharing
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import Site
from orchestrator.planning.side_by_side import climb_here, how_many
from orchestrator.results.records import RunRecord


def sharing_of(
    plan: Plan,
    site: Site,
    options: Options,
    runs: Sequence[RunRecord],
    infos: Mapping[str, DataInfo],
    say: Callable[[str], None],
    *,
    joined: bool,
) -> Sharing | None:
    """None where no GPU trains. Packs are timed where nobody says how many, and none of these earlier `runs`
    has timed them. `say`: told before. Raises InputError."""
    if not site.resources.gpus:
        return None

    def climb(packs: Sequence[tuple[Spec, int]], counts: Sequence[int]) -> Ladder:
        say("Timing packs side by side")
        if not joined:
            return climb_here(packs, infos, site.resources.device, site.resources.threads, counts)
        from orchestrator.cluster.calibration import climb_there
        from orchestrator.cluster.own_code import sources

        code = own_code([trial for pack in plan.packs for trial in pack.trials])
        return climb_there(site, sources(code), packs, infos, counts)

    up = next((node.gpu_type or "a GPU" for node in site.nodes), None)
    known, place = None, options.throughput_from
    if place and (gains := measured.of(place).gains) is not None:
        known = Ladder(gains.by_packs, source=f"by {place}")
    device = up if joined else gpu_name()
    return how_many(plan, site, options, runs, known=known, device=device, climb=climb)
