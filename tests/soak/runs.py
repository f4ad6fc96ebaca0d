"""Runs of a sweep: forked from this process, which has torch and the product loaded, or real ones.

A fork costs milliseconds where an interpreter that loads torch costs three seconds. It is sound because this
process has one thread of Python and trains nothing: there is no lock that another thread holds and no state but modules.
`start` refuses to fork where there is a second thread. Ray needs processes of its own, so its drivers are real.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import sympy  # noqa: F401  # what torch loads late
import torch
import torch.fx.experimental.symbolic_shapes

import analysis.report
import analysis.tables  # noqa: F401
import orchestrator.evaluate
import orchestrator.execution.asked
import orchestrator.execution.inline
import orchestrator.execution.worker
import orchestrator.planning.local
import orchestrator.report
import orchestrator.run
import orchestrator.sweep
from model.command import leave
from orchestrator.results.source import training_code
from tests.soak.patches import PATCHES

HERE = Path(__file__).parent
#: A thread that pyarrow's allocator starts, which has handlers of its own for forks (pthread_atfork).
_OF_JEMALLOC = "jemalloc_bg_thd"


class Run:
    """A run that has been started, forked or real; the little of Popen that both have."""

    def __init__(self, pid, log, process=None):
        self.pid, self.log = pid, log
        self._process = process  # kept, or Popen's end would wait for it
        self.code = None

    def poll(self):
        """The exit code, None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                if self._process:
                    self._process.returncode = self.code
        return self.code

    def wait(self, seconds=300):
        """The exit code; kills it and raises where it does not end in time."""
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
                raise AssertionError(f"a run does not end:\n{self.said()[-3000:]}")
            time.sleep(0.005)
        return self.code

    def send(self, number):
        """A signal; none where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def said(self):
        return self.log.read_text(errors="replace")


def start(command, arguments, environment, log, *, real=False):
    """Start `python -m orchestrator.COMMAND`, run or evaluate, with arguments; `environment`: see `patches`."""
    environment = {"NORMSWEEP_SOAK": "1", "OMP_NUM_THREADS": "1", **environment}
    if real:
        path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", f"orchestrator.{command}", *arguments],
            env={**os.environ, **environment, "PYTHONPATH": path},
            stdout=log.open("a"),
            stderr=subprocess.STDOUT,
        )
        return Run(process.pid, log, process)
    training_code()  # known to all
    threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    assert len([name for name in threads if name != _OF_JEMALLOC]) == 1, f"not to be forked: {threads}"
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return Run(pid, log)
    _be(command, arguments, environment, log)
    raise AssertionError("not reached")


def apart(call, *arguments):
    """What a call gives, made in a process of its own: what it starts must not be in this one, see above."""
    sys.stdout.flush()
    out, into = os.pipe()
    if not (pid := os.fork()):
        try:
            outcome = call(*arguments), None
        except Exception as error:
            outcome = None, error
        with open(into, "wb") as file:
            pickle.dump(outcome, file)
        os._exit(0)
    os.close(into)
    with open(out, "rb") as file:
        value, error = pickle.load(file)
    os.waitpid(pid, 0)
    if error is not None:
        raise error
    return value


def _be(command, arguments, environment, log):
    """The forked process: the command, and nothing after it."""
    code = 70
    try:
        out = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        torch.set_num_threads(1)
        os.environ.update(environment)
        for name, patch in PATCHES.items():
            patch(sys.modules[name])
        sys.argv = [f"orchestrator.{command}", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        leave({"run": orchestrator.run.main, "evaluate": orchestrator.evaluate.main}[command])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        code = 1
    finally:
        os._exit(code)
