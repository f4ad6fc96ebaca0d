"""Whose processor it is."""

import shutil
import subprocess

import pytest

from model.processor import vendor


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="lscpu is Linux's")
def test_the_processors_maker_is_whom_lscpu_names():
    told = subprocess.run(["lscpu"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    named = {line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Vendor ID")}
    assert {vendor()} <= named | {""}
    assert vendor() or "x86_64" not in told
