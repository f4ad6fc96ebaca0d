"""A Ray cluster of several nodes on this machine, for benchmarks.

Why not `ray start`? Its counterpart `ray stop` ends every Ray process on the machine, a colleague's too,
and both share /tmp/ray, where "the current cluster" is written down for whoever asks for `auto`. Here the
nodes are children of one process, with ports and a folder of their own, and end with it: when it is told,
when whoever started it dies, or when it is killed.
"""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.command import leave
from model.errors import InputError
from orchestrator.shadowing import python_m

_OBJECT_STORE_BYTES = 100 * 2**20
_SECONDS_TO_END = 60.0


@contextlib.contextmanager
def local_nodes(count: int, cpus: int, folder: Path) -> Iterator[str]:
    """A head without CPUs and `count` nodes of `cpus` each; gives its HOST:PORT. Raises InputError.

    `folder`: for Ray's files; its path must be short, as the names of sockets are limited.
    """
    command = [*python_m("orchestrator.bench.nodes"), "--nodes", str(count), "--cpus", str(cpus)]
    log = folder / "nodes.log"
    environment = {**os.environ, "RAY_TMPDIR": str(folder), "RAY_ADDRESS": "", "RAY_USAGE_STATS_ENABLED": "0"}
    with log.open("wb") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, env=environment, text=True
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            process.wait()
            tail = " ".join(log.read_text(errors="replace").split())[-300:]
            raise InputError(f"the local nodes did not start: {tail}")
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()  # Ray's reaper ends the nodes
            process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the nodes up, print the address, and hold them until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.bench.nodes")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=1)
    options = parser.parse_args(arguments)
    from ray.cluster_utils import Cluster

    common = {"object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **common})
    try:
        for _ in range(options.nodes):
            cluster.add_node(num_cpus=options.cpus, **common)
        print(cluster.address, flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()
    return 0


if __name__ == "__main__":
    leave(main)
