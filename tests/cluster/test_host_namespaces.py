"""The hosts that the tests of clusters run on: as separate as machines are, and gone without a trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.helpers.hosts import Network, obstacle
from tests.helpers.processes import descendants, gone
from tests.helpers.waiting import until


@pytest.fixture(scope="module", autouse=True)
def _able():
    if (reason := obstacle()) is not None:
        pytest.skip(f"separate hosts: {reason}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with Network(tmp_path_factory.mktemp("net")) as network:
        yield network, network.add("one", {"COLOUR": "red"}), network.add("two", {"COLOUR": "blue"})


def test_each_has_its_own_name_processes_home_and_tmp(pair):
    network, one, two = pair
    for host in (one, two):
        assert host.run("hostname").stdout.strip() == host.name
        assert host.run("echo $HOME").stdout.strip() == str(network.home)
        assert str(os.getpid()) not in host.run("ls /proc").stdout.split()
    one.run("touch ~/mark /tmp/mark /dev/shm/mark")
    assert two.run("ls ~/mark /tmp/mark /dev/shm/mark 2>/dev/null", check=False).stdout == ""
    assert not any(Path(folder, "mark").exists() for folder in ("/tmp", "/dev/shm", Path.home()))
    assert two.run(f"{sys.executable} -c 'import orchestrator'").stdout == "", "Python is this machine's"


def test_they_reach_each_other_by_ssh_with_the_key_alone(pair):
    network, one, two = pair
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR"
    shown = one.run(
        f"ssh {options} -i {network.key} root@{two.address} '. ~/.bashrc; hostname; echo $COLOUR'"
    )
    assert shown.stdout.split() == ["two", "blue"]
    assert one.run(f"ssh {options} root@two true", check=False).returncode != 0


def test_a_lost_host_is_silent_and_comes_back_with_its_disk(pair):
    _, one, two = pair
    two.run("echo kept > ~/file")
    two.lose(silently=True)
    assert one.run(f"timeout 2 bash -c ': > /dev/tcp/{two.address}/22'", check=False).returncode != 0
    two.boot()

    def answers():  # for a second or so the other one's kernel remembers that nobody is there
        return one.run(f"timeout 5 bash -c ': > /dev/tcp/{two.address}/22'", check=False).returncode == 0

    until(answers, 15, "it is back")
    assert two.run("cat ~/file").stdout == "kept\n"


_MAKE = """
import sys, time
from pathlib import Path
from tests.helpers.hosts import Network
with Network(Path(sys.argv[1])) as network:
    host = network.add("one", {})
    process = host.start("sleep 1000", Path(sys.argv[1], "log"))
    print(network.outside, flush=True)
    time.sleep(1000)
"""


def test_a_killed_test_leaves_nothing(tmp_path):
    folder = tmp_path / "net"
    command = [sys.executable, "-c", _MAKE, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        interface = process.stdout.readline().strip()
        family = descendants(process.pid)
        assert interface in os.listdir("/sys/class/net")
        assert any("sshd" in line for line in family.values())
        process.kill()
    assert gone(family)
    until(lambda: interface not in os.listdir("/sys/class/net"), 10, "the interface is gone too")
