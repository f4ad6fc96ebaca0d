"""orchestrator.onprem: the file is held to Ray's validation and our own checks, its commands are run."""

import hashlib
import json
import os
import platform
import re
import shlex
import stat
import subprocess
import sys
import zipfile

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from orchestrator.onprem import main
from tests.helpers import ROOT
from tests.helpers import cluster_checks as checks

# A program in ray's place: what it was called with, and what it was told by its environment.
FAKE = """\
#!/bin/bash
{ echo "ray $*"; env; } > "$SHOWN"
"""


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text("no real key")
    return str(path)


@pytest.fixture
def made(key, capsys):
    """The file for some options beside the usual ones, as read by YAML."""

    def make(*options, hosts="10.0.0.1,10.0.0.2,gpu3"):
        usual = ["--hosts", hosts, "--user", "me", "--key", key, "--results", "s3://mine/sweeps"]
        assert main([*usual, *options]) == 0
        return yaml.safe_load(capsys.readouterr().out)

    return make


@pytest.fixture(scope="module")
def known():
    return checks.Known(machines={}, dependencies=(), pins=("ray==2.60.0",), python=">=3.11")


def test_ray_accepts_it_and_keeps_all_hosts(made):
    prepared = prepare_config(made())
    validate_config(prepared)
    assert prepared["provider"]["head_ip"] == "10.0.0.1"
    assert prepared["provider"]["worker_ips"] == ["10.0.0.2", "gpu3"]
    (kind,) = prepared["available_node_types"].values()
    assert (kind["min_workers"], kind["max_workers"], prepared["max_workers"]) == (2, 2, 2)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--venv", "/opt/venv"),
        ("--setup", "pip install '/opt/normsweep[cluster]'"),
        ("--env", "AWS_ENDPOINT_URL=http://10.0.0.9:9000", "--ssh-proxy-command", "ssh -W %h:%p door"),
    ],
)
def test_our_checks_find_nothing(made, known, options):
    assert checks.complaints(made(*options), known, checks.EVERYWHERE) == []


def test_a_fresh_host_installs_what_the_head_has(made):
    config = made("--python", "3.12.4")
    installs = {where: config[f"{where}_setup_commands"][0] for where in ("head", "worker")}
    assert installs == {
        where: f"bash ~/normsweep/deploy/onprem/install.sh 3.12.4 {where}" for where in installs
    }
    assert platform.python_version() in made()["head_setup_commands"][0], "of this machine, to the last digit"


def test_ports_are_fixed_and_listed(made):
    """One that another program has, or a firewall closes, is then the same on every host."""
    config = made()
    for where in ("head", "worker"):
        (start,) = (line for line in config[f"{where}_start_ray_commands"] if "ray start" in line)
        given = re.findall(r"--[a-z-]+-port=(\d+)", start)
        assert {int(port) for port in given if int(port) != 8265} == {*range(61001, 61007), 10002, 10999}
        known = subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert all(
            f"{option} " in known for option in re.findall(r"(--[a-z-]+)=", start.partition("ray start")[2])
        )


def test_the_same_arguments_give_the_same_file(key, capsys):
    arguments = ["--hosts", "b,a", "--user", "me", "--key", key, "--results", "/shared", "--env", "B=1"]
    texts = []
    for _ in range(2):
        assert main(arguments) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("options", "head", "workers"),
    [
        ((), "10.0.0.1", ["10.0.0.2", "gpu3"]),
        (("--head", "gpu3"), "gpu3", ["10.0.0.1", "10.0.0.2"]),
        (("--head", "10.9.9.9"), "10.9.9.9", ["10.0.0.1", "10.0.0.2", "gpu3"]),
    ],
)
def test_the_head_is_the_first_or_the_one_named(made, options, head, workers):
    provider = made(*options)["provider"]
    assert (provider["head_ip"], provider["worker_ips"]) == (head, workers)


class Machine:
    """A home, and commands run in it as Ray's ssh sessions run them (command_runner._with_interactive)."""

    def __init__(self, folder, config):
        self.home, self.shown = folder / "home", folder / "shown"
        (self.home / ".ray").mkdir(parents=True)
        (self.home / ".ray/auth_token").write_text("0")
        (self.home / ".bashrc").write_text("true")  # no line break at its end
        self.config = config
        program = folder / "venv/bin/ray"
        program.parent.mkdir(parents=True)
        program.write_text(FAKE)
        program.chmod(0o755)

    def run(self, command, **exports):
        # As `ray up` does for the head, whatever the file says (commands.get_or_create_head_node).
        given = "".join(f"export {name}={shlex.quote(value)};" for name, value in exports.items())
        line = f"source ~/.bashrc; export OMP_NUM_THREADS=1 PYTHONWARNINGS=ignore && ({given} {command})"
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "SHOWN": str(self.shown)}
        done = subprocess.run(
            ["bash", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"

    def set_up(self, where):
        for command in [*self.config["setup_commands"], *self.config[f"{where}_setup_commands"]]:
            self.run(command)

    def start(self, where, **exports):
        """How ray was called at last, and in which environment."""
        for command in self.config[f"{where}_start_ray_commands"]:
            self.run(command, **exports)
        return self.seen()

    def seen(self):
        first, *lines = self.shown.read_text().splitlines()
        return first, dict(line.split("=", 1) for line in lines if "=" in line)


V2 = {"RAY_enable_autoscaler_v2": "1", "RAY_CLOUD_INSTANCE_ID": "x", "RAY_USAGE_STATS_ENABLED": "1"}


@pytest.fixture
def machine(made, tmp_path):
    def build(*options, hosts="h1,h2"):
        return Machine(tmp_path, made("--venv", str(tmp_path / "venv"), *options, hosts=hosts))

    return build


def test_a_head_starts_with_token_results_and_the_old_autoscaler(machine):
    head = machine("--env", "AWS_ENDPOINT_URL=http://10.0.0.9:9000", "--env", 'ODD=it\'s  $HOME; "two"')
    head.set_up("head")
    head.set_up("head")  # `ray up` again
    call, environment = head.start("head", **V2)
    assert call.startswith("ray start --head --port=6379 --dashboard-host=127.0.0.1 ")
    assert " --num-cpus=0 --num-gpus=0 " in call
    expected = {
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_autoscaler_v2": "0",
        "RAY_JOB_STOP_WAIT_TIME_S": "120",
        "NORMSWEEP_RESULTS": "s3://mine/sweeps",
        "AWS_ENDPOINT_URL": "http://10.0.0.9:9000",
        "ODD": 'it\'s  $HOME; "two"',
    }
    assert {name: environment.get(name) for name in expected} == expected
    assert "RAY_CLOUD_INSTANCE_ID" not in environment
    assert environment["PYTHONPATH"].split(":")[0] == f"{head.home}/normsweep"


def test_a_worker_joins_with_the_token_and_learns_no_results(machine):
    worker = machine()
    worker.set_up("worker")
    call, environment = worker.start("worker", RAY_HEAD_IP="10.0.0.1")
    assert call.startswith("ray start --address=10.0.0.1:6379 ")
    assert "--num-cpus" not in call
    assert environment["RAY_AUTH_MODE"] == "token"
    assert "NORMSWEEP_RESULTS" not in environment


def test_a_bare_ray_is_found_as_ray_down_and_ray_exec_want_it(machine):
    head = machine()
    head.set_up("head")
    head.set_up("head")
    head.run("ray status")
    call, environment = head.seen()
    assert (call, environment["RAY_AUTH_MODE"]) == ("ray status", "token")
    assert (head.home / ".bashrc").read_text().count("|| . ~/normsweep-env") == 1


def test_the_token_and_credentials_are_for_their_owner_alone(machine, tmp_path):
    secret = tmp_path / "credentials"
    secret.write_text("[default]\naws_secret_access_key = hidden\n")
    node = machine("--aws-credentials", str(secret))
    assert "hidden" not in str(node.config)
    copied = node.home / "normsweep-aws-credentials"
    assert node.config["file_mounts"]["~/normsweep-aws-credentials"] == str(secret)
    copied.write_text(secret.read_text())
    (node.home / ".ray").chmod(0o755)
    node.set_up("worker")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (node.home / ".ray/auth_token", copied)]
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE((node.home / ".ray").stat().st_mode) == 0o700
    _, environment = node.start("worker", RAY_HEAD_IP="h1")
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == str(copied)


@pytest.mark.parametrize(("options", "hosts"), [(("--head-trains",), "h1,h2"), ((), "h1")])
def test_a_head_that_is_asked_to_or_alone_takes_packs(made, options, hosts):
    config = made(*options, hosts=hosts)
    validate_config(prepare_config(config))
    assert "--num-cpus=0" not in config["head_start_ray_commands"][-1]


GOOD = {"--hosts": "h1,h2", "--user": "me", "--results": "s3://mine/sweeps"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--hosts": ""}, "--hosts is empty"),
        ({"--hosts": " , "}, "--hosts is empty"),
        ({"--hosts": "h1,h2,h1"}, "h1 twice"),
        ({"--hosts": "A,b,a"}, "a twice"),
        ({"--hosts": "10.0.0.300,h2"}, "'10.0.0.300' is no host name or IPv4 address"),
        ({"--hosts": "h1,10.0.1"}, "'10.0.1' is no host name"),
        ({"--head": "10.0.0.256"}, "--head: '10.0.0.256' is no host name"),
        ({"--hosts": "h1,,h2"}, "'' is no host name"),
        ({"--hosts": "h1:22"}, "no host name"),
        ({"--hosts": "h1,$(reboot)"}, "no host name"),
        ({"--head": "h 3"}, "--head: 'h 3' is no host name"),
        ({"--user": "me; reboot"}, "--user"),
        ({"--key": "/no/such/key"}, "no such file"),
        ({"--aws-credentials": "/no/such/file"}, "no such file"),
        ({"--results": "results"}, "absolute path"),
        ({"--results": "s3://key:hidden@mine/x"}, "password"),
        ({"--setup": "pip install --index-url https://me:hidden@pypi/ x"}, "--setup holds a password"),
        ({"--setup": "pip install --index-url https://me:hid/den@pypi/ x"}, "--setup holds a password"),
        ({"--setup": "sshpass -phidden scp mirror:x ."}, "--setup holds a password"),
        ({"--ssh-proxy-command": "sshpass -p hidden ssh -W %h:%p door"}, "--ssh-proxy-command holds"),
        ({"--ssh-proxy-command": "/usr/bin/sshpass -v -p hidden ssh door"}, "--ssh-proxy-command holds"),
        ({"--ssh-proxy-command": "sshpass -vp hidden ssh door"}, "--ssh-proxy-command holds"),
        ({"--ssh-proxy-command": "nc -x http://me:hidden@proxy %h %p"}, "--ssh-proxy-command holds"),
        ({"--results": "s3://mine/x\ny"}, "expected a URL"),
        ({"--project": "/"}, "no pyproject.toml"),
        ({"--name": "../x"}, "--name"),
        ({"--python": "3.12; reboot"}, "--python"),
        ({"--venv": "venv"}, "absolute path"),
        ({"--venv": '/v"; reboot'}, "absolute path"),
        ({"--venv": "/v", "--setup": "true"}, "give one"),
        ({"--env": "AWS_ENDPOINT_URL"}, "NAME=VALUE"),
        ({"--env": "A B=c"}, "NAME=VALUE"),
        ({"--env": "RAY_AUTH_MODE=disabled"}, "sets it itself"),
        ({"--env": "AWS_SECRET_ACCESS_KEY=hidden"}, "secret"),
        ({"--env": "AWS_ACCESS_KEY_ID=hidden"}, "secret"),
        ({"--env": "RAY_AUTH_TOKEN=hidden"}, "secret"),
        ({"--env": "db_password=hidden"}, "secret"),
        ({"--env": "HTTP_PROXY=http://me:hidden@proxy"}, "secret"),
        ({"--env": "A=b\nc"}, "line break"),
    ],
)
def test_bad_input_is_a_line_and_exit_code_2(key, capsys, changes, message):
    options = {**GOOD, "--key": key, **changes}
    assert main([part for pair in options.items() for part in pair]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert message in shown.err
    assert len(shown.err.strip().splitlines()) <= 2
    assert "hidden" not in shown.err


@pytest.mark.parametrize("arguments", [[], ["--hosts", "h1"], ["--nonsense"]])
def test_missing_options_are_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_place_of_a_secret_is_no_secret(made):
    config = made("--env", "AWS_WEB_IDENTITY_TOKEN_FILE=/etc/token")
    assert "AWS_WEB_IDENTITY_TOKEN_FILE=/etc/token" in "".join(config["setup_commands"])


@pytest.mark.parametrize("command", ["ssh -p 22 -W %h:%p door", "sshpass -f ~/.door ssh -p 22 -W %h:%p door"])
def test_a_port_is_no_password(made, command):
    assert made("--ssh-proxy-command", command)["auth"]["ssh_proxy_command"] == command


def test_a_name_in_another_case_is_the_same_host(made):
    provider = made("--head", "GPU3")["provider"]
    assert (provider["head_ip"], provider["worker_ips"]) == ("GPU3", ["10.0.0.1", "10.0.0.2"])


def test_the_help_says_that_the_sweep_must_ask_for_the_head_too(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--use-head" in capsys.readouterr().out.split("--head-trains")[-1]


def test_the_default_project_is_this_clone(made):
    assert made()["file_mounts"]["~/normsweep"] == str(ROOT)


# -- the installation, with programs in the place of uv ----------------------------------------------------

UV = """\
#!/bin/bash
echo "begin $*" >> "$CALLS"; sleep 0.2
case "$1 $2" in
  "venv "*) mkdir -p "${@: -1}/bin"; printf '#!/bin/bash\\n[ "$1" = -c ]' > "${@: -1}/bin/python"
            chmod +x "${@: -1}/bin/python" ;;
  "pip freeze") echo numpy==2.4.1; echo "-e file:///somewhere" ;;
esac
echo "end" >> "$CALLS"
"""
INSTALL = ROOT / "deploy/onprem/install.sh"


@pytest.fixture
def shared_home(tmp_path):
    """A home that hosts share: start an installation there, as a host of that role."""
    home = tmp_path / "home"
    for name in ("bin", "normsweep"):
        (home / name).mkdir(parents=True)
    (home / "bin/uv").write_text(UV)
    (home / "bin/uv").chmod(0o755)
    environment = {
        "HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
    }  # fmt: skip
    environment["UV_DEFAULT_INDEX"] = "none"

    def install(role):
        return subprocess.Popen(["bash", str(INSTALL), "3.12.4", role], env=environment)

    return home, install, tmp_path / "calls"


def test_one_host_installs_at_a_time_and_the_next_finds_it_made(shared_home):
    home, install, calls = shared_home
    assert install("head").wait(60) == 0
    assert (home / "normsweep/constraints.txt").read_text() == "numpy==2.4.1\n"
    codes = [process.wait(60) for process in [install("worker") for _ in range(3)]]
    assert codes == [0, 0, 0]
    lines = calls.read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["begin", "end"] * (len(lines) // 2), "one at a time"
    begun = [line.removeprefix("begin ") for line in lines if line != "end"]
    assert begun[0] == f"venv --quiet --clear --python 3.12.4 {home}/normsweep-venv"
    assert len([line for line in begun if line.startswith("venv")]) == 1
    held = [
        f"--constraint {home}/normsweep/constraints.txt" in line for line in begun if "pip install" in line
    ]
    assert held == [False, True, True, True], "what the head has"


def test_uv_comes_without_pip_from_the_registry(tmp_path):
    """Out of a wheel whose checksum the registry's index has; a damaged one is refused."""
    home, registry = tmp_path / "home", tmp_path / "registry"
    (registry / "pypi/uv").mkdir(parents=True)
    (home / "normsweep").mkdir(parents=True)
    wheel = f"uv-1-py3-none-manylinux_2_17_{platform.machine()}.whl"
    with zipfile.ZipFile(registry / wheel, "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", UV)
    digest = hashlib.sha256((registry / wheel).read_bytes()).hexdigest()

    def install(digest):
        listed = {"filename": wheel, "url": (registry / wheel).as_uri(), "digests": {"sha256": digest}}
        (registry / "pypi/uv/json").write_text(json.dumps({"urls": [listed]}))
        # A python3 as Debian has it without more packages: no pip and no venv.
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin/python3").write_text(
            f'#!/bin/bash\n[ "$1" != -m ] || exit 1\nexec {sys.executable} "$@"\n'
        )
        (tmp_path / "bin/python3").chmod(0o755)
        environment = {
            "HOME": str(home), "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "CALLS": str(tmp_path / "calls"),
            "NORMSWEEP_PYPI": registry.as_uri(),
        }  # fmt: skip
        return subprocess.run(
            ["bash", str(INSTALL), "3.12.4", "head"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = install("0" * 64)
    assert refused.returncode != 0
    assert "uv came damaged" in refused.stderr
    done = install(digest)
    assert done.returncode == 0, done.stderr
    assert "--editable" in (tmp_path / "calls").read_text()
