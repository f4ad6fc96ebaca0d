"""What this machine gives a pack: cores, GPUs and memory."""

from collections.abc import Mapping

from model.data.dataset import DataInfo
from model.errors import InputError
from model.machine import cores, memory_bytes
from model.own import is_own
from model.spec import Spec
from orchestrator.planning.options import Options
from orchestrator.planning.packing import Memory
from orchestrator.planning.plan import MostBegun
from orchestrator.planning.resources import MachineGroup, Resources, Site, packs_at_once


def local_site(options: Options) -> Site:
    """What a pack gets on this machine, and how many fit at once. Raises InputError."""
    cpus = cores()
    resources, gpus = _gpu_resources(options)
    if options.on_cluster:
        raise InputError(
            "--gpu-type and --use-head are for a cluster: give its --address, or leave them out."
        )
    if options.packs_per_gpu and not gpus:
        raise InputError(
            "--packs-per-gpu: this machine has no GPU that torch can use; leave it out to train on the CPU."
        )
    if resources.gpus > gpus:
        raise InputError(
            f"a pack asks for {resources.gpus:g} GPU and this machine has {gpus}. "
            "Leave out --gpus-per-pack to train on the CPU."
        )
    if resources.cpus > cpus:
        raise InputError(
            f"a pack asks for {resources.cpus:g} CPUs and this machine has {cpus}; lower --cpus-per-pack."
        )
    if options.executor == "inline" and not resources.gpus:
        return Site(resources, (MachineGroup(1, 1, gpus, cpus),))  # one after another, as a debugger wants it
    return Site(resources, (MachineGroup(1, packs_at_once(resources, cpus, gpus), gpus, cpus),))


def _gpu_resources(options: Options) -> tuple[Resources, int]:
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    share = options.share
    if share is None:
        share = 1.0 if gpus else 0.0
    return Resources(options.cpus_per_pack, share, "cuda" if share else "cpu"), gpus


def gpu_name() -> str:
    """Of this machine's first."""
    import torch

    return torch.cuda.get_device_name(0)


def alone(spec: Spec, info: DataInfo) -> str | None:
    """Why the seeds of a cell train one by one; None where they may train in packs.

    Known by running a network of the user's own, here. Raises InputError where it cannot train.
    """
    if not is_own(spec.model):
        return None  # without torch
    from model.net.examine import why_alone

    return why_alone(spec, info)


def pack_memory(spec: Spec, info: DataInfo, resources: Resources, slots: int) -> Memory:
    """A pack's part of this machine's memory: all there is and not what is free, so that a resumed sweep
    cuts its packs as before."""
    import torch

    from model.training.memory import replica_bytes

    if resources.gpus:
        whole = torch.cuda.get_device_properties(0).total_memory * min(1.0, resources.gpus)
    else:
        whole = memory_bytes() / slots
    return Memory(whole, replica_bytes(spec, info))


def most_begun(infos: Mapping[str, DataInfo], options: Options, site: Site) -> MostBegun:
    """How large a pack may be that has begun: as it is, unless --pack says otherwise or memory is short."""
    if options.pack is not None or options.address:
        return lambda _: options.pack
    return lambda spec: pack_memory(spec, infos[spec.dataset], site.resources, site.slots).fits
