"""Packs on Ray Tune.

Tune schedules, places, retries after lost workers and nodes, and collects metrics; what is done is
decided by the store alone. Two facts of Ray 2.60 shape this file. An interrupted `fit` returns as if
all had finished, so interruption is handled here: the scheduler starts nothing more and ends each pack
at its next report. And a trial's failures and a node's loss count alike, so Tune may retry often while
the store counts the failures that the trial itself raised.
"""

import os
from collections.abc import Sequence
from functools import partial

import ray
from ray import tune
from ray.tune.experiment import trial as tune_trial
from ray.tune.logger import JsonLoggerCallback

from orchestrator.cluster.nodes import bundle, elsewhere, this_node
from orchestrator.cluster.preflight import Vetted, late_nodes_trouble
from orchestrator.execution.arrival import arrive
from orchestrator.execution.as_tune_sees import Configured, OfPacks
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.callbacks import AllStopped, Events, Stoppable
from orchestrator.execution.dispatcher import Dispatcher
from orchestrator.execution.events import Listener
from orchestrator.execution.hosts import sharing
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.trainable import trainable
from orchestrator.execution.tune_storage import fresh_storage
from orchestrator.patience import patience_of
from orchestrator.planning.order import After
from orchestrator.planning.resources import Site
from orchestrator.results.source import training_code
from orchestrator.results.store import Store

_MOST_WAITING = 200  # placement groups that Tune asks for ahead, by which the autoscaler sees what is needed
#: Seconds that a machine which cannot compute waits for another that can.
_ALONE = patience_of("NORMSWEEP_DEVICE_PATIENCE", 300)
_LOST_WORKERS = 20  # spot machines come and go; a lost one is not the trial's fault


def run_on_ray(
    assignments: Sequence[Assignment],
    listener: Listener,
    interrupt: Interrupt,
    *,
    results: str,
    site: Site,
    vetted: Vetted | None = None,
    after: After = (),
    callbacks: Sequence[tune.Callback] = (),
) -> "tune.ResultGrid | None":
    """Run all packs in the order given; must be called inside `cluster`. Gives Ray's result grid.

    None where trouble ended the run and took Tune's state with it.

    `vetted`: what the nodes of a joined cluster answered; one that comes later is asked by its first pack.
    `after`: see `Dispatcher`.

    In the grid each result is a pack, and its `config` says which (`as_tune_sees`). `metrics["errors"]` has
    an error for each seed, `metrics["trials"]` every result.json's content, and `metrics_dataframe` every
    epoch reported. `callbacks`: a user's own, told of packs.
    """
    # With the driver, whose end is everybody's: on a worker's node it would be lost with that node.
    here = this_node()
    alone = 0.0 if vetted is None else _ALONE
    dispatcher = ray.remote(num_cpus=0, scheduling_strategy=here)(Dispatcher).remote(
        list(assignments), after, alone
    )
    _set_up_tune(site)
    told = [
        Events(
            assignments,
            listener,
            interrupt,
            Store(results, token=assignments[0].token),
            lambda: None if vetted is None else late_nodes_trouble(vetted, site),
            dispatcher,
        ),
        OfPacks(JsonLoggerCallback()),
        Configured(),
        *map(OfPacks, callbacks),
    ]
    arrives = partial(arrive, vetted, training_code(), os.getcwd())
    with sharing(site, arrives) as hosts:
        worker = tune.with_parameters(
            trainable, dispatcher=dispatcher, hosts=hosts, arrives=arrives, alone=vetted is None
        )
        tuner = tune.Tuner(
            tune.with_resources(worker, _placement(site)),
            # Samples and no grid search over packs: of that Tune copies all values for each (14 s for 10,000)
            tune_config=tune.TuneConfig(
                num_samples=len(assignments),
                reuse_actors=True,
                scheduler=Stoppable(interrupt, dispatcher),
                trial_dirname_creator=lambda trial: f"turn-{trial.trial_id.rpartition('_')[2]}",
            ),
            run_config=_run_config(results, assignments[0].token, told, AllStopped(interrupt, listener)),
        )
        try:
            return tuner.fit()
        except Exception:
            if interrupt.trouble is None:
                raise
            return None  # its own state is gone with the folder, or is another run's: the trouble says so


def _run_config(
    results: str, token: str | None, callbacks: Sequence[tune.Callback], stop: tune.Stopper
) -> tune.RunConfig:
    path, filesystem = fresh_storage(results, token)
    return tune.RunConfig(
        name="tune",
        storage_path=path,
        storage_filesystem=filesystem,
        verbose=0,
        failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
        callbacks=[*callbacks],
        stop=stop,
    )


def _set_up_tune(site: Site) -> None:
    """What Tune takes from its surroundings alone."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(max(_MOST_WAITING, round(1.1 * site.slots)))
    # Of every number in a report Tune keeps a running analysis, 100 KB a pack that nobody reads (measured).
    kept_out = getattr(tune_trial, "DEBUG_METRICS", ())
    tune_trial.DEBUG_METRICS = tuple(dict.fromkeys((*kept_out, "replicas", "trials", "errors")))


def _placement(site: Site) -> tune.PlacementGroupFactory:
    """What a pack asks of Ray. One bundle a pack goes to the machine with most room, which spreads packs."""
    where = {} if (labels := elsewhere(site)) is None else {"bundle_label_selector": labels}
    return tune.PlacementGroupFactory([bundle(site)], **where)
