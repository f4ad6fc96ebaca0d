"""What tests talk to on this machine: a bucket, an AWS account, a Ray."""

import contextlib
import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tests.helpers.waiting import until

#: Of every bucket and account that tests make.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(address: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def aws(
    listen: str = "127.0.0.1", address: str | None = None, *, prefix: Sequence[str] = ()
) -> Iterator[str]:
    """moto in a process of its own: the URL of its S3, EC2 and IAM.

    It listens at `listen`, and `address` is the way there, where that differs; `prefix` goes before its command.
    """
    port, address = free_port(listen), address or listen
    server = subprocess.Popen(
        [*prefix, sys.executable, "-m", "moto.server", "-H", listen, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: listens(address, port), what="moto answers")
        yield f"http://{address}:{port}"
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def ray_head(cpus: int, **environment: str) -> Iterator[str]:
    """A Ray of one node, as somebody else would have started it: its address."""
    cluster_utils: Any = importlib.import_module("ray.cluster_utils")
    node = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": 80_000_000}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)  # what a node's workers inherit
    try:
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        yield cluster.address
    finally:
        cluster.shutdown()
