"""On Ray packs of one GPU train in one process, whatever happens to it. The GPU is a stand-in: Ray is told of it."""

import collections
import os
import signal
import subprocess
import sys

import pytest

from orchestrator.execution.inline import run_inline
from orchestrator.execution.signals import Interrupt
from orchestrator.results.store import Store
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import gone
from tests.helpers.shared_gpu import Heard, assigned, train
from tests.helpers.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nodes")]


@pytest.fixture(scope="module")
def address():
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "num_gpus": 2, "include_dashboard": False, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(scope="module")
def inline(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("inline")
    packs = assigned(folder, images)
    run_inline(packs, Heard(packs), Interrupt())
    found = numbers(folder)
    assert len(found) == 4
    return found


def process_of(event):
    return int(event.worker.rpartition("/")[2])


def test_two_packs_a_gpu_and_process_with_the_numbers_of_inline(address, inline, images, tmp_path):
    at = {}
    heard = train(address, tmp_path, images, lambda index, event: at.setdefault(index, process_of(event)))
    assert sorted(collections.Counter(at.values()).values()) == [2, 2]
    assert heard.trials("done") == 4
    assert heard.retried == []
    assert numbers(tmp_path) == inline
    assert gone(at.values()), "no process of a GPU outlives its sweep"


def test_a_process_that_is_killed_is_replaced_and_its_packs_go_on(address, inline, images, tmp_path):
    at, killed = {}, []

    def kill_once(index, event):
        at.setdefault(index, process_of(event))
        mates = [other for other, process in at.items() if process == at[index]]
        if not killed and len(mates) == 2 and event.epoch == 2:
            killed.extend(mates)
            os.kill(at[index], signal.SIGKILL)

    heard = train(address, tmp_path, images, kill_once)
    assert sorted(index for index, _ in heard.retried) == sorted(killed)
    assert {error for _, error in heard.retried} == {"the worker was lost"}
    assert numbers(tmp_path) == inline
    assert not list(tmp_path.rglob("failure.json")), "no failure of a trial's own"


def test_an_interrupt_ends_packs_with_their_epoch_and_a_killed_driver_its_processes(
    address, inline, images, tmp_path
):
    interrupt, at = Interrupt(), {}

    def stop(index, event):
        at[index] = event
        interrupt.signal = 2

    train(address, tmp_path, images, stop, interrupt)
    states = Store(str(tmp_path)).scan()
    assert all(max(state.epochs, default=0) <= 2 for state in states.values())
    assert gone(map(process_of, at.values()))

    command = [sys.executable, "-m", "tests.helpers.shared_gpu", address, str(tmp_path), str(images)]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def workers():
        histories = [state.history for state in Store(str(tmp_path)).scan(history=True).values()]
        last = [history["epochs"][-1]["worker"] for history in histories if history]
        return {int(worker.rpartition("/")[2]) for worker in last} - {process_of(e) for e in at.values()}

    until(workers, what="the second driver trains")
    found = workers()
    driver.kill()
    driver.wait()
    assert gone(found, 60), "they end with their driver"
    train(address, tmp_path, images)
    assert numbers(tmp_path) == inline
