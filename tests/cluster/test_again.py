"""deploy/again.sh: what it runs again, with a program in the place of Python that ends as it is told."""

import os
import subprocess

import pytest

from tests.helpers import ROOT

PYTHON = """\
#!/bin/bash
echo "$*" >> "$CALLS"
set -- $CODES
code=$(eval echo "\\${$(wc -l < "$CALLS")}")
[ "$code" != stop ] || { kill -TERM $PPID; code=1; }
exit ${code:-1}
"""


@pytest.mark.parametrize(
    ("codes", "runs", "code"),
    [
        ("0", 1, 0),
        ("2", 1, 2),
        ("3", 1, 3),
        ("143", 1, 143),
        ("137 139 1 0", 4, 0),
        ("137 stop 0", 2, 1),
        ("", 10, 1),
    ],
)
def test_what_was_killed_is_run_again_and_what_has_ended_is_not(tmp_path, codes, runs, code):
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "CODES": codes,
        "NORMSWEEP_AGAIN_SECONDS": "0",
    }
    command = ["bash", str(ROOT / "deploy/again.sh"), "--grid", "my grid.yaml"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["-m orchestrator.run --grid my grid.yaml"] * runs
    assert done.returncode == code
