"""Hosts looked at by ssh before a cluster comes up on them: what would fail in the middle of it otherwise.

Asked of all at once, by the ssh of this machine and one script of the shell; a worker is asked as well
whether it reaches the head, where a port that nobody listens at yet refuses, and a firewall says nothing.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.cluster.cluster_file import HEAD_PORT, PORTS, ROOM_GB
from orchestrator.cluster.premises import Premises

#: The oldest driver of NVIDIA's that CUDA 13 runs on, which torch brings.
_DRIVER = 580
_SECONDS = 60
_SCRIPT = """\
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2> /dev/null | head -n 1)
if [ -e /proc/driver/nvidia ] || command -v nvidia-smi > /dev/null; then
  echo "driver ${driver:-none}"
  command -v gcc > /dev/null || command -v clang > /dev/null || echo "compiler none"
fi
echo "room $(df -Pk ~ | awk 'NR == 2 {print int($4 / 1048576)}')"
for program in bash rsync flock python3; do
  command -v $program > /dev/null || echo "missing $program"
done
echo "taken $(ss -Hltn 2> /dev/null | awk '{print $4}' | sed 's/.*://' | tr '\\n' ' ')"
for place in $PLACES; do
  said=$(timeout 5 bash -c "< /dev/tcp/${place%:*}/${place#*:}" 2>&1)
  case $? in
    0) ;;
    124) echo "silent $place" ;;
    *) case $said in *refused*) ;; *) echo "silent $place" ;; esac ;;
  esac
done
echo "end"
"""

#: Runs a command with a text for its input: exit code, output, errors.
Run = Callable[[Sequence[str], str], tuple[int, str, str]]


def troubles(premises: Premises, run: Run | None = None) -> dict[str, list[str]]:
    """What is wrong with each host, in words; empty lists where nothing is."""
    hosts = (premises.head, *premises.workers)
    with ThreadPoolExecutor(len(hosts)) as pool:
        found = pool.map(lambda host: _trouble(premises, host, run or _run), hosts)
        return dict(zip(hosts, found, strict=True))


def _trouble(premises: Premises, host: str, run: Run) -> list[str]:
    others = [] if host == premises.head else [f"{premises.head}:{HEAD_PORT}"]
    script = f"PLACES='{' '.join(others)}'\n{_SCRIPT}"
    code, output, errors = run(ssh(premises, host), script)
    lines = output.splitlines()
    if code or "end" not in lines:
        last = (errors.strip() or "it ended early").splitlines()[-1]
        return [f"ssh {premises.user}@{host} does not get in: {last}"]
    said: dict[str, list[str]] = {}
    for line in lines:
        what, _, value = line.partition(" ")
        said.setdefault(what, []).append(value)
    return in_words(said, installs=premises.venv is None and premises.setup is None)


def ssh(premises: Premises, host: str) -> list[str]:
    """The command, which asks nobody for a password."""
    options = ["BatchMode=yes", "ConnectTimeout=15", "StrictHostKeyChecking=no", "LogLevel=ERROR"]
    options += ["UserKnownHostsFile=/dev/null"]
    if premises.ssh_proxy_command is not None:
        options.append(f"ProxyCommand={premises.ssh_proxy_command}")
    given = [part for option in options for part in ("-o", option)]
    return ["ssh", *given, "-i", premises.key, f"{premises.user}@{host}", "bash", "-s"]


def in_words(said: Mapping[str, Sequence[str]], *, installs: bool) -> list[str]:
    """What a host's answers mean. `installs`: the project is to be installed there."""
    found = []
    for driver in said.get("driver", ()):
        major = driver.partition(".")[0]
        if not major.isdecimal():
            found.append("its NVIDIA driver does not answer: nvidia-smi says what is wrong")
        elif int(major) < _DRIVER:
            found.append(f"its NVIDIA driver is {driver}; torch's CUDA needs {_DRIVER} or newer")
    if "compiler" in said:
        found.append("no C compiler (gcc or clang): kernels of ours need one where there is a GPU")
    room = next(iter(said.get("room", ())), "")
    if installs and room.isdecimal() and int(room) < ROOM_GB:
        found.append(f"{room} GB are free in its home; the installation takes {ROOM_GB}")
    for program in said.get("missing", ()):
        if installs or program in ("bash", "rsync"):
            found.append(f"{program} is not installed")
    taken = {int(port) for port in " ".join(said.get("taken", ())).split() if port.isdecimal()}
    if ours := sorted(taken & {*PORTS}):
        found.append(f"ports are taken: {', '.join(map(str, ours))} (by a Ray that runs already?)")
    found += [f"it does not reach {place}: a firewall, or no route" for place in said.get("silent", ())]
    return found


def _run(command: Sequence[str], text: str) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"no answer within {_SECONDS} s"
    except OSError as error:
        return 1, "", str(error)
    return done.returncode, done.stdout, done.stderr
