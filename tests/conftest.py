"""Fixtures that several folders share; what they are made of is in tests/helpers."""

import os

import pytest

from tests.helpers.synthetic import write_sweep
from tests.helpers.tiny import make_images


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    os.environ["NORMSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))


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
