"""Synthetic sweeps, written through the Store as the orchestrator writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from synthetic import write_sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., str]:
    """Call it with the arguments of synthetic.write_sweep; gives the folder's path."""

    def make(*args: Any, **kwargs: Any) -> str:
        return write_sweep(str(tmp_path / kwargs.pop("folder", "sweep")), *args, **kwargs)

    return make
