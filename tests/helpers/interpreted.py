"""Code that runs our Triton kernels on a CPU: in a process of its own, as Triton reads its switch when imported."""

import os
import subprocess
import sys

from tests.helpers import ROOT


def said(code: str) -> str:
    """What the code prints; where that is nothing, the end of its complaint."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    return done.stdout.strip() or done.stderr
