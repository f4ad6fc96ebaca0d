"""These tests use the tiny grids and the comparison of numbers of the orchestrator's own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "orchestrator"))
