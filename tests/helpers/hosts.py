"""Separate hosts on one machine, good enough for `ray up`, and taken away like real ones.

Ray finds its processes by looking at every process it can see, keeps state in /tmp and the home, and
names nodes by address and host name; so each host has namespaces of its own for the network, processes,
mounts, host name and IPC, with a private home (at the same path on every host), /tmp, /dev/shm and
/run, and an sshd. Files elsewhere, the interpreter among them, are this machine's.

Nothing can be left behind. Every interface, the switch too, lives in a namespace that ends with its one
process, and that process ends with the test (`setpriv --pdeathsig`), however the test ends.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.waiting import until

PROGRAMS = ("unshare", "nsenter", "setpriv", "ip", "sshd", "ssh", "ssh-keygen", "rsync")
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
#: Runs a command that is killed when this process ends, however it ends.
TIED = ("setpriv", "--pdeathsig", "KILL", "--")

# The first process of a host. It reaps what Ray leaves to it, hence `wait` and no `exec`.
_BOOT = """
set -e
echo {name} > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind {own}/home {home}
{shared}
mount --rbind {own}/tmp /tmp
mount --bind {etc}/passwd /etc/passwd
mount --bind {etc}/hosts /etc/hosts
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip address add {address}/24 dev eth0
ip link set eth0 up
{sshd} -D -e -f {own}/sshd_config &
wait
"""

_SSHD = """\
HostKey {own}/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {etc}/key.pub
StrictModes no
PrintMotd no
"""


def obstacle() -> str | None:
    """Why this machine cannot play several hosts; None where it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs root on Linux"
    missing = [name for name in PROGRAMS if _which(name) is None]
    if missing:
        return f"needs {', '.join(missing)} (apt-get install openssh-server rsync iproute2)"
    spaces = ["unshare", "--net", "--pid", "--mount", "--uts", "--ipc", "--fork", "--mount-proc"]
    try:
        tried = subprocess.run(
            [*spaces, "ip", "link", "add", "veth-a", "type", "veth", "peer", "name", "veth-b"],
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        return "making namespaces takes for ever here"
    if tried.returncode:
        return f"needs the right to make namespaces and veth pairs: {tried.stderr.strip()}"
    return None


class Host:
    """One machine of a network. `exports`: lines of its ~/.bashrc, which Ray's ssh sessions read."""

    def __init__(self, network: "Network", name: str, number: int, exports: Mapping[str, str]) -> None:
        self.name, self.address = name, network.address_of(number)
        self._network, self._number = network, number
        own = network.folder / name
        self.home, self._log = own / "home", own / "log"
        self.home.mkdir(parents=True)
        (own / "tmp").mkdir()
        lines = [f"export {key}={value}\n" for key, value in exports.items()]
        (self.home / ".bashrc").write_text("".join(lines))
        (self.home / ".profile").write_text(". ~/.bashrc\n")
        _keygen(own / "host_key")
        places = {"own": own, "etc": network.etc, "home": network.home}
        (own / "sshd_config").write_text(_SSHD.format(**places))
        shared = "\n".join(_bind(path, own) for path in _shared_below_tmp(network.folder))
        self._boot = _BOOT.format(
            **places, shared=shared, name=name, address=self.address, sshd=_which("sshd")
        )
        self.boot()

    def boot(self) -> None:
        """Switch it on, again after a loss too; its disk is as it was left."""
        self._log.write_bytes(b"")
        spaces = ["--net", "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*TIED, "unshare", *spaces, "bash", "-c", self._boot],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
            )
        _await_namespace(self._process.pid)
        self._network.plug(self._process.pid, self._number, "eth0")
        self._await_sshd()

    def command(self, line: str) -> list[str]:
        """What runs a line of bash on this host, as a user at its terminal would."""
        pid = self._process.pid
        enter = ["nsenter", "-t", str(pid), "--net", "--mount", "--uts", "--ipc"]
        enter.append(f"--pid=/proc/{pid}/ns/pid_for_children")
        clean = ["env", "-i", f"HOME={self._network.home}", "TERM=dumb", "LANG=C.UTF-8"]
        return [*TIED, *enter, *clean, "bash", "--login", "-c", f"cd; {line}"]

    def run(self, line: str, timeout: float = 180, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a line of bash here; its output, both streams together, is in `stdout`."""
        done = subprocess.run(
            self.command(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {line}: exit code {done.returncode}\n{done.stdout}")
        return done

    def start(self, line: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start a line of bash here and let it run; it ends with the host or the test."""
        with open(log, "ab") as file:
            return subprocess.Popen(
                self.command(line), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )

    def lose(self, *, silently: bool) -> None:
        """End it. Silently is a cut cable: nobody hears of it; else its kernel closes its connections."""
        if self._process.poll() is None and silently:
            _sh("nsenter", "-t", str(self._process.pid), "--net", "ip", "link", "delete", "eth0")
        self._process.kill()
        self._process.wait(30)

    def _await_sshd(self) -> None:
        def up() -> bool:
            assert self._process.poll() is None, f"{self.name} did not come up:\n{self._log.read_text()}"
            return "listening on" in self._log.read_text()

        until(up, 30, f"{self.name} is up", explain=self._log.read_text)


class Network:
    """A switch with this machine plugged in at `gateway`, and hosts. All of it is gone after `with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.etc, self.home = folder / "etc", folder / "home"
        self.key = self.etc / "key"
        self._prefix = _free_prefix()
        self.gateway = self.address_of(1)
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> "Network":
        self._write_files()
        self._switch = subprocess.Popen([*TIED, "unshare", "--net", "sleep", "infinity"])
        try:
            self._plug_in()
        except BaseException:
            self._switch.kill()
            raise
        return self

    def _write_files(self) -> None:
        self.etc.mkdir(parents=True)
        self.home.mkdir()
        _keygen(self.key)
        passwd = Path("/etc/passwd").read_text().splitlines(keepends=True)
        others = [line for line in passwd if not line.startswith("root:")]
        root = f"root:x:0:0:root:{self.home}:/bin/bash\n"
        (self.etc / "passwd").write_text("".join([root, *others]))
        (self.etc / "hosts").write_text("127.0.0.1 localhost\n")

    def _plug_in(self) -> None:
        _await_namespace(self._switch.pid)
        self._inside("ip", "link", "add", "switch", "type", "bridge")
        self._inside("ip", "link", "set", "switch", "up")
        self.outside = f"nsw{secrets.token_hex(4)}"
        self.plug(os.getpid(), 1, self.outside)
        _sh("ip", "address", "add", f"{self.gateway}/24", "dev", self.outside)
        _sh("ip", "link", "set", self.outside, "up")

    def __exit__(self, *_: object) -> None:
        for host in self.hosts.values():
            host.lose(silently=False)
        _sh("ip", "link", "delete", self.outside)
        self._switch.kill()
        self._switch.wait(30)

    def add(self, name: str, exports: Mapping[str, str]) -> Host:
        """A new host, up and reachable by ssh as root with `key`."""
        number = len(self.hosts) + 2
        with open(self.etc / "hosts", "a") as file:
            file.write(f"{self.address_of(number)} {name}\n")
        self.hosts[name] = Host(self, name, number, exports)
        return self.hosts[name]

    def address_of(self, number: int) -> str:
        return f"{self._prefix}.{number}"

    def plug(self, pid: int, number: int, name: str) -> None:
        """A cable from the switch to the network namespace of a process; the card's address stays the same."""
        card = f"02:00:00:00:00:{number:02x}"
        port = f"port{number}"
        end = ["peer", "name", name, "address", card, "netns", str(pid)]
        self._inside("ip", "link", "add", port, "type", "veth", *end)
        self._inside("ip", "link", "set", port, "master", "switch", "up")

    def _inside(self, *command: str) -> None:
        _sh("nsenter", "-t", str(self._switch.pid), "--net", *command)


def _shared_below_tmp(folder: Path) -> list[Path]:
    """What a private /tmp must still hold: this folder, and Python with what it imports."""
    clone = Path(__file__).resolve().parents[2]  # an editable installation is not on sys.path
    places = [str(folder), str(clone), sys.prefix, sys.base_prefix, *sys.path]
    paths = {Path(place).resolve() for place in places if place}
    below = [path for path in paths if path.is_dir() and Path("/tmp") in path.parents]
    return sorted(path for path in below if not any(other in path.parents for other in below))


def _bind(path: Path, own: Path) -> str:
    target = own / "tmp" / path.relative_to("/tmp")
    return f"mkdir -p {target}; mount --rbind {path} {target}"


def _free_prefix() -> str:
    """A /24 of 10/8 that no route of this machine leads into."""
    routes = subprocess.run(
        ["ip", "route"], capture_output=True, text=True, env=_environment(), check=True
    ).stdout
    while True:
        prefix = f"10.{128 + secrets.randbelow(127)}.{secrets.randbelow(256)}"
        if f"{prefix}." not in routes:
            return prefix


def _await_namespace(pid: int) -> None:
    """Until a process that was started with `unshare --net` has its own network."""
    ours = os.readlink("/proc/self/ns/net")
    until(lambda: os.readlink(f"/proc/{pid}/ns/net") != ours, 10, "a network namespace", every=0.01)


def _keygen(path: Path) -> None:
    _sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path))


def _sh(*command: str) -> None:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, check=False, text=True, env=_environment(), timeout=30
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    return {"PATH": f"{_SBIN}:{os.environ.get('PATH', '')}:/usr/bin:/bin", "LANG": "C.UTF-8"}


def _which(name: str) -> str | None:
    return shutil.which(name, path=_environment()["PATH"])
