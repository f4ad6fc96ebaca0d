"""The soak in small: twenty kills, some files spoilt, and every number the undisturbed run's."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_twenty_kills():
    command = [
        sys.executable,
        "tests/soak/soak.py",
        "--kills",
        "20",
        "--seed",
        "1",
        "--ray-share",
        "0.1",
        "--json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    outcome = json.loads(found.stdout[found.stdout.index("{") :])
    assert outcome["kills"] >= 20
    assert outcome["sweeps_equal"] >= 1
