"""Hosts looked at before a cluster comes up: the script runs here, ssh is a program in its place."""

import os
import shutil
import socket
import subprocess

import pytest

from orchestrator.cluster.inspection import in_words, ssh, troubles
from orchestrator.cluster.premises import Premises
from orchestrator.onprem import main

PREMISES = Premises("127.0.0.1", ("w1", "w2"), "me", "/key", "/shared")


def here(command, script):
    """As ssh would, on this machine."""
    done = subprocess.run(["bash", "-s"], input=script, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_script_says_what_a_host_has():
    said = []

    def run(command, script):
        answer = here(command, script)
        said.append(answer[1])
        return answer

    found = troubles(PREMISES, run)
    assert [*found] == ["127.0.0.1", "w1", "w2"]
    assert all("room " in text and text.endswith("end\n") for text in said)
    assert not any("does not reach" in text for texts in found.values() for text in texts), "it refuses"


def test_a_gpu_without_a_compiler_is_told(tmp_path):
    """On a host whose programs are those of a folder."""
    for name in ("bash", "awk", "df", "head", "sed", "timeout", "tr"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    def run(command, script):
        done = subprocess.run(
            [str(tmp_path / "bash"), "-s"],
            input=script,
            capture_output=True,
            text=True,
            env={"PATH": str(tmp_path)},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def lacks_compiler():
        return any("no C compiler" in text for text in troubles(PREMISES, run)["w1"])

    assert not lacks_compiler(), "it has no GPU"
    (tmp_path / "nvidia-smi").write_text(f"#!{tmp_path}/bash\necho 580.65.06\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert lacks_compiler()
    (tmp_path / "clang").symlink_to(tmp_path / "bash")
    assert not lacks_compiler()


@pytest.mark.parametrize("answer", ["exit 124", "echo 'No route to host'; exit 1"])
def test_a_host_that_the_head_is_hidden_from(tmp_path, monkeypatch, answer):
    """A firewall that says nothing, or that says that there is no way; `timeout` is a program in its place."""
    (tmp_path / "timeout").write_text(f"#!/bin/bash\n{answer}\n")
    (tmp_path / "timeout").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = troubles(PREMISES, here)
    assert any("does not reach 127.0.0.1:6379" in text for text in found["w1"])
    assert not any("does not reach" in text for text in found["127.0.0.1"]), "the head need not reach itself"


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"driver": ["570.86.15"]}, "driver is 570.86.15"),
        ({"driver": ["none"]}, "does not answer"),
        ({"compiler": ["none"]}, "no C compiler"),
        ({"room": ["3"]}, "3 GB are free"),
        ({"missing": ["rsync"]}, "rsync is not installed"),
        ({"taken": ["22 61003 6379"]}, "6379, 61003"),
        ({"silent": ["h1:6379"]}, "does not reach h1:6379"),
    ],
)
def test_what_stands_in_the_way_is_told(said, word):
    (text,) = in_words(said, installs=True)
    assert word in text


def test_what_is_well_is_no_trouble():
    well = {"driver": ["580.65.06"], "room": ["40"], "taken": ["22 53"], "end": [""]}
    assert in_words(well, installs=True) == []
    assert in_words({"room": ["1"], "missing": ["flock"]}, installs=False) == [], "nothing is installed there"


def test_ssh_asks_nobody_for_a_password():
    command = ssh(Premises("h1", (), "me", "/key", "/shared", ssh_proxy_command="ssh -W %h:%p door"), "h1")
    assert "BatchMode=yes" in command
    assert "ProxyCommand=ssh -W %h:%p door" in command
    assert command[-3:] == ["me@h1", "bash", "-s"]


def test_a_host_that_is_not_there_is_a_line_and_exit_code_2(tmp_path, capsys):
    """By the real ssh, to a port where nobody listens."""
    (tmp_path / "key").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        proxy = f"bash -c 'exec < /dev/tcp/127.0.0.1/{free.getsockname()[1]}'"
        options = ["--hosts", "h1,h2", "--user", "me", "--key", str(tmp_path / "key"), "--results", "/shared"]
        assert main([*options, "--ssh-proxy-command", proxy, "--check"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "h1: ssh me@h1 does not get in" in shown.err
    assert "h2: ssh me@h2 does not get in" in shown.err
