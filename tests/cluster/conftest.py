"""These tests use the tiny grids and the comparison of numbers of the orchestrator's own."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "orchestrator"))


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["NORMSWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))
