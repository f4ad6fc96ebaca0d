"""Fixtures that several folders share; what they are made of is in tests/helpers.

Each worker of pytest-xdist has a session of its own. What takes seconds to bring up (a Ray, a bucket, a browser) is
brought up once all the same: tests that use it are marked `xdist_group`, and a group stays on one worker: "ray", "browser",
"clouds". Those of the groups "nodes" and "losses" each start a Ray of their own, which waits more than it computes: two at
a time is as much as two cores bear.
"""

import os
from pathlib import Path

import pytest

from tests.helpers.servers import CREDENTIALS, aws, ray_head
from tests.helpers.synthetic import write_sweep
from tests.helpers.tiny import make_images


def pytest_configure():
    """What a process reads once: set before torch and Ray are loaded.

    One thread a process, for the workers share the cores. No tokens, unless a test asks for them: a Ray that is
    started here would turn them on for the rest of this process, which then could join no Ray without.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["RAY_AUTH_MODE"] = "disabled"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    os.environ["NORMSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _on_a_new_machine(_own_cache):
    """Data that were decoded stay; what runs have measured does not, for it would be another test's load."""
    for name in ("overheads.json", "ladders.json", "kernels.json"):
        Path(os.environ["NORMSWEEP_CACHE"], name).unlink(missing_ok=True)


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Twenty training and eight test images, 8×8, two classes."""
    return make_images(tmp_path_factory.mktemp("images"))


@pytest.fixture
def sweep(tmp_path):
    """Call it with the arguments of write_sweep; gives the folder's path."""

    def make(*args, **kwargs):
        return write_sweep(str(tmp_path / kwargs.pop("folder", "sweep")), *args, **kwargs)

    return make


@pytest.fixture(scope="session")
def aws_endpoint():
    """The URL of an S3 server. Mark what uses it xdist_group("ray"): the Ray of that group reads from it too."""
    pytest.importorskip("moto", reason="needs moto, a stand-in for AWS")
    with aws() as url:
        yield url


@pytest.fixture(scope="session")
def ray_address(aws_endpoint):
    """A Ray of two cores to join. Mark what uses it xdist_group("ray")."""
    with ray_head(2, AWS_ENDPOINT_URL=aws_endpoint, **CREDENTIALS) as address:
        yield address
