"""The soak in small: forty rounds of disturbances, some files spoilt or swapped, and every number the undisturbed run's."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_forty_rounds():
    command = [sys.executable, "tests/soak/soak.py", "--rounds", "40", "--seed", "1", "--ray-share", "0.05"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-3000:]
    outcome = json.loads(found.stdout[found.stdout.index("{") :])
    assert outcome["rounds"] >= 40
    assert outcome["sweeps_equal"] >= 1
