"""A sweep from Python: `from orchestrator import Sweep`.

    sweep = Sweep("demo", epochs=1, seeds=1, batch_size=[32], results="results/try")
    sweep.plan()
    sweep.run(executor="inline")
    sweep.load()

It asks what the command line asks, by the same words: every option of `run` is a keyword, every axis too, and
both are checked by the one parser. What is trained, and what is told of it, is the driver's.
"""

import argparse
import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from model.axis import Value
from model.errors import InputError
from model.queues import CUDA_QUEUES
from orchestrator.display.notebook import in_notebook
from orchestrator.display.output import Output
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.blocks import Grid
from orchestrator.grid.parse import find, said_in_python
from orchestrator.keywords import is_said, parsed
from orchestrator.planning.arguments import options_of
from orchestrator.standing import SweepStatus, status

if TYPE_CHECKING:  # each takes a second or more
    import pandas as pd
    from ray.tune import Callback, ResultGrid

    from analysis.notebook import Report

#: Columns of what is printed where no terminal says how wide it is.
_WIDTH = 110

Executor = Literal["ray", "inline"]
#: What may be said of an axis: a value or several; None leaves the grid's own.
AxisValues = Value | Sequence[Value] | None


@dataclass(frozen=True)
class SweepPlan:
    """What a run would do. `seconds`: the estimate of all of it, None where nothing could be timed yet;
    `text`: as `--dry-run` prints it."""

    trials: int
    done: int
    to_run: int
    packs: int
    seconds: float | None
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


class Sweep:
    """A grid, what is said instead of it, and where its results lie.

    `grid`: a grid that ships, a YAML file, or with `blocks` the name of a grid that is declared here. Two
    sweeps that say the same are the same sweep: each finds in `results` what the other has trained.
    """

    def __init__(
        self,
        grid: str | os.PathLike[str],
        *,
        blocks: str | Sequence[Mapping[str, object]] | None = None,
        description: str = "",
        analysis: Mapping[str, object] | None = None,
        results: str | os.PathLike[str] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        seeds: int | Sequence[int] | None = None,
        groups_from: str | os.PathLike[str] | None = None,
        executor: Executor = "ray",
        pack: int | None = None,
        cpus_per_pack: float | None = None,
        gpus_per_pack: float | None = None,
        packs_per_gpu: int | None = None,
        kernels: Literal["auto", "ours", "torch"] | None = None,
        address: str | None = None,
        gpu_type: str | None = None,
        use_head: bool = False,
        price_per_gpu_hour: float | None = None,
        stop_after: float | None = None,
        max_cost: float | None = None,
        pace_from: str | os.PathLike[str] | None = None,
        tracker: str | Sequence[str] = (),
        trackers: Sequence[str] = (),
        serve: bool = False,
        port: int | None = None,
        max_failures: int | None = None,
        retry_failed: bool = False,
        accept_code: bool = False,
        until_ci: float | None = None,
        until_decided: bool = False,
        max_seeds: int | None = None,
        max_hours: float | None = None,
        x: str | None = None,
        base: str | None = None,
        measure: Literal["last", "median5"] | None = None,
        margin: float | str | None = None,
        **axes: AxisValues,
    ) -> None:
        """Raises InputError.

        `blocks`, `description`, `analysis`: as a grid file has them; blocks may be its YAML text. `seeds`: a
        count n for the seeds 1 to n, or a list. `axes`: values of any axis (`normsweep axes`) instead of the
        grid's own, one or a list; `norms`, `batch_sizes` and `trackers` are `norm`, `batch_size` and
        `tracker`. All others are the options of the command `run` (docs/commands.md), and None leaves its
        default.
        """
        options = {name: value for name, value in locals().items() if name not in {"self", "axes"}}
        self._said = {
            name: _plain(v) for name, v in options.items() if is_said(v) and (name, v) != ("executor", "ray")
        }
        self._said |= {name: _plain(v) for name, v in axes.items() if v is not None}
        for name in ("grid", "blocks", "description", "analysis"):
            del options[name]
        self._arguments = parsed(options, {"seeds": options.pop("seeds"), **axes})
        self._grid = _grid(os.fspath(grid), blocks, description, analysis)
        self._options = options_of(self._arguments, self._grid.name)

    @property
    def name(self) -> str:
        return self._grid.name

    @property
    def results(self) -> str:
        """The folder or URL."""
        return self._options.results

    def plan(self, executor: Executor | None = None) -> SweepPlan:
        """What `run` would do, and how long it would take; writes nothing. Raises InputError."""
        from orchestrator.driver import show_plan

        console = _plain_console(io.StringIO())
        parts = show_plan(self._with(executor), self._grid, console)
        estimates = [part.schedule.estimate for part in parts if part.schedule is not None]
        known = [seconds for seconds in estimates if seconds is not None]
        assert isinstance(console.file, io.StringIO)
        return SweepPlan(
            trials=sum(len(part.plan.trials) for part in parts),
            done=sum(len(part.plan.finished) for part in parts),
            to_run=sum(part.plan.waiting for part in parts),
            packs=sum(len(part.plan.packs) for part in parts),
            seconds=sum(known) if len(known) == len(estimates) else None,
            text=console.file.getvalue().rstrip(),
        )

    def run(
        self, executor: Executor | None = None, callbacks: "Sequence[Callback]" = ()
    ) -> "ResultGrid | None":
        """Train what is missing and make the report; gives Ray's result grid, with a row for each pack.

        None where nothing was missing, and with the executor `inline`, in which there is no Ray: `load` gives
        the results of every run. Of a sweep that trains in rounds it is the last round's. `callbacks`: Ray
        Tune's, told of packs.

        Trials that fail, or that a limit leaves, are a warning: the rest is worth having. An interrupt ends
        every pack with its epoch or soon, saved, and raises KeyboardInterrupt; so does a second one at once.
        Raises InputError, StorageError, and RuntimeError where the run had to stop.
        """
        arguments = self._with(executor)
        if callbacks and arguments.executor == "inline":
            raise InputError(
                "callbacks are Ray Tune's, and the executor inline has none; take executor='ray'"
            )
        os.environ.setdefault(*CUDA_QUEUES)
        from orchestrator.driver import train
        from orchestrator.outcome import Again

        retry = _spelt({**self._said, "retry_failed": True})
        again = Again(f"{self!r}.run()", f"{retry}.run()")
        interrupt = Interrupt(ends_process=False)
        done = train(arguments, self._grid, again, _console(), interrupt, callbacks)
        if interrupt.trouble:
            why = interrupt.trouble.removesuffix(".")
            raise RuntimeError(f"the run had to stop: {why}. Run it again to go on.")
        if interrupt.signal is not None:
            raise KeyboardInterrupt
        if done.code:
            warnings.warn(f"not all trials of {self.name} are done; see what the run printed", stacklevel=2)
        return done.grid

    def status(self) -> SweepStatus:
        """Where every trial stands, from the folder alone, also while the sweep runs elsewhere. Raises
        InputError where there is no sweep yet."""
        return status(self.results)

    def load(self) -> "pd.DataFrame":
        """A row a trial, as `analysis.load` gives it. Raises InputError where there is no sweep yet."""
        from analysis.sources.load import load

        return load(self.results)

    def report(self) -> "Report":
        """The page as it is by now, shown inline by Jupyter. Raises InputError."""
        from analysis.notebook import Report
        from analysis.options import choices

        return Report(self.results, choices=choices(self._arguments))

    def _with(self, executor: Executor | None) -> argparse.Namespace:
        given = vars(self._arguments)
        return argparse.Namespace(**{**given, "executor": executor or given["executor"]})

    def __repr__(self) -> str:
        return _spelt(self._said)


def _spelt(said: Mapping[str, object]) -> str:
    """As somebody would type it."""
    words = [repr(value) if name == "grid" else f"{name}={value!r}" for name, value in said.items()]
    return f"Sweep({', '.join(words)})"


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _console() -> Console:
    """In a notebook plain text: what moves there is a table of its own."""
    if in_notebook():
        return _plain_console()
    return Output(highlight=False)


def _plain_console(file: io.StringIO | None = None) -> Console:
    """No terminal, though a kernel of Jupyter says by FORCE_COLOR that it is one."""
    return Console(file=file, width=_WIDTH, highlight=False, force_jupyter=False, force_terminal=False)


def _grid(
    name: str,
    blocks: str | Sequence[Mapping[str, object]] | None,
    description: str,
    analysis: Mapping[str, object] | None,
) -> Grid:
    if blocks is not None:
        return said_in_python(name, blocks, {"description": description, "analysis": analysis})
    if description or analysis:
        raise InputError("description and analysis go with blocks; a grid that is named has its own")
    return find(os.path.expanduser(name))
