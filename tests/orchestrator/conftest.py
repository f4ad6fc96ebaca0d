"""Fixtures of the orchestrator's tests; what they are made of is in tiny.py."""

import os
from pathlib import Path

import pytest
from tiny import make_images


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty training and eight test images, 8×8, two classes."""
    return make_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["NORMSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))
