"""How packs of a plan share GPUs, here or on the cluster that was joined; here no Ray is needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from model.data.dataset import DataInfo
from model.spec import Spec
from orchestrator.cluster.joined import Patience, ended_by
from orchestrator.grid.own import own_code
from orchestrator.planning import ladders, measured
from orchestrator.planning.gpu_timings import Key
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.local import gpu_name
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import Ladder, Sharing, reaches, remembered, rungs
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import UNNAMED, NoMachineError, Site, coming_type
from orchestrator.planning.side_by_side import climb_here, how_many
from orchestrator.results.records import RunRecord


def sharing_of(
    plan: Plan,
    site: Site,
    options: Options,
    runs: Sequence[RunRecord],
    infos: Mapping[str, DataInfo],
    chosen: Chosen,
    say: Callable[[str], None],
    *,
    joined: bool,
    lacking: str | None = None,
    patience: Patience | None = None,
) -> Sharing | None:
    """None where no GPU trains. Packs are timed, by the kernels `chosen`, where nobody says how many, and
    none of these earlier `runs` has timed them. `say`: told before. `lacking`: why no machine is up that
    could; `patience`: see `Joined.machine`. Raises InputError."""
    if not site.resources.gpus:
        return None

    known, place = None, options.throughput_from
    if place and (gains := measured.of(place).gains) is not None:
        known = Ladder(gains.by_packs, source=f"by {place}")
    device = site.gpu_up if joined else gpu_name()
    key = _key(device or coming_type(site), plan, infos, chosen)
    kept = ladders.of(key) if key else None

    def climb(packs: Sequence[tuple[Spec, int]], counts: Sequence[int]) -> Ladder:
        if lacking:
            raise NoMachineError(lacking)
        if site.nodes or not joined:
            say("Timing packs side by side")
        code = own_code([trial for pack in plan.packs for trial in pack.trials])
        ladder = _climb(site, code, packs, infos, counts, chosen, patience, joined=joined)
        if key:
            ladders.keep(key, ladder)
        return ladder

    if kept is not None:
        kept = replace(kept, source=f"as timed earlier on {'such a GPU' if joined else 'this machine'}")
    return how_many(plan, site, options, runs, known=known, kept=kept, device=device, climb=climb)


def untimed(
    plan: Plan,
    site: Site,
    options: Options,
    runs: Sequence[RunRecord],
    infos: Mapping[str, DataInfo],
    chosen: Chosen,
) -> bool:
    """Whether packs would be timed on this cluster, and no machine is up for that."""
    each, place = site.resources, options.throughput_from
    if site.nodes or not 0 < each.gpus <= 1 or options.share is not None or place:
        return False
    counts = rungs(site, len(plan.packs))
    key = _key(coming_type(site), plan, infos, chosen)
    known = remembered(runs, None, {pack.spec for pack in plan.packs})
    return counts != (1,) and not known and not (key and reaches(ladders.of(key), counts))


def _key(device: str | None, plan: Plan, infos: Mapping[str, DataInfo], chosen: Chosen) -> Key | None:
    """None where it is not known which GPU that is."""
    return None if device in (None, UNNAMED) else ladders.key(device, plan.packs, infos, chosen)


def _climb(
    site: Site,
    code: tuple[str, ...],
    packs: Sequence[tuple[Spec, int]],
    infos: Mapping[str, DataInfo],
    counts: Sequence[int],
    chosen: Chosen,
    patience: Patience | None,
    *,
    joined: bool,
) -> Ladder:
    ended, each = ended_by(patience), site.resources
    if not joined:
        return climb_here(packs, infos, each.device, each.threads, counts, chosen, ended)
    from orchestrator.cluster.calibration import climb_there
    from orchestrator.cluster.own_code import sources

    return climb_there(site, sources(code), packs, infos, counts, chosen, ended)
