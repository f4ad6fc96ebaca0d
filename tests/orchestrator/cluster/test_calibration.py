"""What is timed on a machine of a cluster: here on this one, as a Ray's worker, which has no GPU."""

import pytest

from model.data.dataset import DataInfo
from orchestrator.cluster.calibration import calibrator, climb_there, time_there
from orchestrator.cluster.nodes import nodes_up
from orchestrator.cluster.own_code import sources
from orchestrator.cluster.session import cluster
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.resources import MachineGroup, Resources, Site, choose_site
from tests.helpers.tiny import trial

INFOS = {"imagefolder": DataInfo("imagefolder", 20, 8, 3, 8, 8, ("a", "b"), "0" * 12)}
CELLS = [(trial(batch_size=size).spec, 2) for size in (4, 2)]


@pytest.mark.xdist_group("ray")
def test_kernels_and_steps_are_timed_on_a_node(ray_address):
    with cluster(ray_address):
        site = choose_site(nodes_up(), [], cpus_per_pack=1.0, gpus_per_pack=0.0)
        sent = sources(())
        timings = time_there(site, sent, INFOS, CELLS, ("ours", "torch"), 30.0)
        assert timings.rates == [{}, {}]
        assert timings.unusable["fp32"], "a CPU has none of ours"
        spec, replicas = CELLS[0]
        assert calibrator(site, sent)(spec, replicas, INFOS["imagefolder"], "cpu", 1, "torch") > 0


def test_where_no_machine_is_up_nothing_is_timed():
    nowhere = Site(Resources(1.0, 1.0, "cuda"), (MachineGroup(2, 1, 1.0, 8.0),))
    with pytest.raises(RuntimeError, match="no machine that trains is up yet"):
        time_there(nowhere, sources(()), INFOS, CELLS, ("ours", "torch"), 30.0)
    with pytest.raises(RuntimeError, match="no machine that trains is up yet"):
        climb_there(nowhere, sources(()), CELLS, INFOS, (1, 2), Chosen())
