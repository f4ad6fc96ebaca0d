#!/bin/bash
# Makes ~/normsweep-venv on a host: of that very version of Python, whatever the host has, by uv, which comes from
# the registry of Python packages and needs neither pip nor venv. `python -m orchestrator.onprem` has it called.
#
#   install.sh PYTHON head      installs what pyproject.toml asks for, and writes down what that was
#   install.sh PYTHON worker    installs that, weeks later too
#
# A home that hosts share has one such environment: one host installs at a time, and the next finds it made.
set -euo pipefail
python=$1 role=$2 venv=~/normsweep-venv project=~/normsweep tools=~/normsweep-uv
exec 9> ~/normsweep-venv.lock
flock 9

fetch_uv() { # a wheel is an archive: no pip is needed to take a program out of it
  python3 - "$tools" <<'END'
import hashlib, io, json, os, platform, sys, urllib.request, zipfile
index = os.environ.get("NORMSWEEP_PYPI", "https://pypi.org") + "/pypi/uv/json"
files = json.load(urllib.request.urlopen(index))["urls"]
ours = [f for f in files if "manylinux" in f["filename"] and f["filename"].endswith(platform.machine() + ".whl")]
if not ours:
    sys.exit("error: no uv for " + platform.machine() + "; install it by hand, or give --venv")
wheel = urllib.request.urlopen(ours[0]["url"]).read()
if hashlib.sha256(wheel).hexdigest() != ours[0]["digests"]["sha256"]:
    sys.exit("error: uv came damaged; try again")
archive = zipfile.ZipFile(io.BytesIO(wheel))
name = next(n for n in archive.namelist() if n.endswith("/scripts/uv"))
os.makedirs(sys.argv[1] + "/bin", exist_ok=True)
with open(sys.argv[1] + "/bin/uv", "wb") as file:
    file.write(archive.read(name))
os.chmod(sys.argv[1] + "/bin/uv", 0o755)
END
}

PATH="$tools/bin:$HOME/.local/bin:$PATH"
if [ -z "${UV_DEFAULT_INDEX:-}" ] && index=$(python3 -m pip config get global.index-url 2> /dev/null); then
  export UV_DEFAULT_INDEX=$index # uv does not read pip.conf
fi
command -v uv > /dev/null || python3 -m pip install --quiet --target "$tools" uv 2> /dev/null || fetch_uv

"$venv/bin/python" -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2> /dev/null ||
  uv venv --quiet --clear --python "$python" "$venv"
held=()
[ "$role" = head ] || [ ! -s "$project/constraints.txt" ] || held=(--constraint "$project/constraints.txt")
uv pip install --quiet --python "$venv/bin/python" ${held[@]+"${held[@]}"} --editable "$project[cluster]"
[ "$role" != head ] ||
  uv pip freeze --python "$venv/bin/python" | { grep == || true; } > "$project/constraints.txt"
