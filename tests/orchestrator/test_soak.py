"""The soak in small: rounds of disturbances, some files spoilt or swapped, and every number the undisturbed run's."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT

#: What lands a change has less time and asks for fewer.
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "200"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_rounds():
    command = [sys.executable, "tests/soak/soak.py", "--rounds", str(ROUNDS), "--seed", "1"]
    command += ["--ray-share", "0.05"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-3000:]
    outcome = json.loads(found.stdout[found.stdout.index("{") :])
    assert outcome["rounds"] >= ROUNDS
    assert outcome["sweeps_equal"] >= 1
