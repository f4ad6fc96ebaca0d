"""A Slurm of several hosts on this machine: Debian's packages, in the namespaces of `tests.helpers.hosts`."""

import os
import shutil
from pathlib import Path

from tests.helpers.hosts import Host, Network
from tests.helpers.waiting import until

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol", "squeue")
_CORES = 2

#: Nothing that needs a database, cgroups or a user of its own. Two waits are shorter than Slurm's own: after a
#: requeue (two minutes, for credentials to run out), and for a silent node (five).
_CONF = """\
ClusterName=tests
SlurmctldHost={control}({address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
CredType=cred/munge
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir=/run/slurmd
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=30
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=sched_interval=1,batch_sched_delay=0
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=INFINITE
"""


def lacking() -> str | None:
    """Why no Slurm can be started here; None where it can."""
    missing = [
        name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None
    ]
    if missing:
        return f"needs {', '.join(missing)} (apt-get install slurmctld slurmd slurm-client munge)"
    return None


class Slurm:
    """A controller on one host of a network, where jobs are submitted, and a node on each of the others."""

    def __init__(self, network: Network, control: str) -> None:
        self.folder = network.folder / "slurm"
        (self.folder / "state").mkdir(parents=True)
        self.control = network.hosts[control]
        self.nodes = [host for name, host in network.hosts.items() if name != control]
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self._conf = self.folder / "slurm.conf"
        self._conf.write_text(
            _CONF.format(
                control=control,
                address=self.control.address,
                folder=self.folder,
                nodes="\n".join(
                    f"NodeName={node.name} NodeAddr={node.address} CPUs={_CORES} RealMemory=4000"
                    for node in self.nodes
                ),
            )
        )
        self._serve(self.control, "slurmctld -D")
        for node in self.nodes:
            self._serve(node, "mkdir -p /run/slurmd; slurmd -D")
        until(self._all_idle, 60, "all nodes are idle", explain=self.logs, every=0.5)

    def _serve(self, host: Host, daemon: str) -> None:
        """munged, and a daemon of Slurm's, until the host ends."""
        log = self.folder / f"{host.name}.log"
        munge = f"mkdir -p /run/munge; munged --force --key-file={self.folder}/munge.key --log-file=/run/munged.log"
        host.start(f"export PATH=$PATH:/usr/sbin SLURM_CONF={self._conf}; {munge}; {daemon}", log)

    def _all_idle(self) -> bool:
        asked = self.run("sinfo --noheader --Node --format=%T", check=False)
        return asked.split() == ["idle"] * len(self.nodes)

    def run(self, line: str, *, check: bool = True) -> str:
        """A line of bash where jobs are submitted: what it printed."""
        return self.control.run(f"export SLURM_CONF={self._conf}; {line}", check=check).stdout

    def shown(self, job: int) -> dict[str, str]:
        """What `scontrol show job` tells, by name."""
        words = self.run(f"scontrol --oneliner show job {job}").split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def logs(self) -> str:
        """The ends of all logs, for a test that fails."""
        paths: list[Path] = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in paths)
