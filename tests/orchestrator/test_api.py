"""A sweep from Python does what the command line does, asks by the same words, and answers as Python does."""

import inspect
import os
import signal
import subprocess
import sys

import pytest

from model.errors import InputError
from orchestrator import Sweep, arguments, load_network
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.synthetic import write_sweep
from tests.helpers.tiny import TWO_PACKS

HEAVY = {"torch", "ray", "pandas", "plotly", "scipy", "numpy", "rich", "pydantic"}
#: Of the command line's options those that are no part of what a sweep is, and their places here.
NOT_SAID = {"help", "grid", "list_grids", "list_axes", "dry_run", "open", "settings"}
BLOCKS = [
    {"dataset": "imagefolder", "norm": "bn", "batch_size": 4, "epochs": 4, "seeds": 3},
    {
        "dataset": "imagefolder",
        "norm": ["gn"],
        "groups": 4,
        "batch_size": (4,),
        "epochs": 4,
        "seeds": range(1, 4),
    },
]


@pytest.fixture
def tiny(images, tmp_path):
    """Call it with what is said of the sweep of two packs; gives the sweep."""

    def make(**said):
        return Sweep(
            "tiny",
            **{
                "blocks": BLOCKS,
                "data_dir": images,
                "executor": "inline",
                "pack": 3,
                "results": tmp_path / "out",
            }
            | said,
        )

    return make


def test_it_trains_what_the_command_line_trains(tiny, undisturbed, capsys, monkeypatch):
    sweep = tiny()
    with monkeypatch.context() as notebook:
        notebook.setenv("FORCE_COLOR", "1")  # as ipykernel has it
        plan = sweep.plan()
    assert (plan.trials, plan.done, plan.to_run, plan.packs) == (6, 0, 6, 2)
    assert plan.text in repr(plan)
    assert "\x1b" not in plan.text, "no spinner and no colour in what a notebook shows"
    assert "gn G=4, batch 4" in plan._repr_html_()
    assert not os.path.exists(sweep.results)
    assert sweep.run() is None
    assert numbers(sweep.results) == undisturbed
    assert "6 of 6 trials done" in capsys.readouterr().out
    assert sweep.plan().to_run == 0
    assert sweep.status()["counts"]["done"] == 6
    frame = sweep.load()
    assert sorted(frame["trial_id"]) == sorted(undisturbed)
    assert load_network(sweep.results, frame["trial_id"][0]).training is False
    report = sweep.report()
    assert report.html.rstrip().endswith("</html>")
    assert report._repr_html_().count("</html>") == 0, "escaped: it lies in a frame of its own"
    report.save(f"{sweep.results}/mine.html")


def test_the_command_that_is_remembered_makes_the_sweep_again(tiny):
    sweep = tiny(norms=["bn"], seeds=[2], lr=0.05, epochs=1)
    sweep.run()
    command = Store(sweep.results).sweep()["provenance"]["command"]
    again = eval(command.removesuffix(".run()"), {"Sweep": Sweep})
    assert again.plan().done == 1
    assert repr(again) == repr(sweep)


def test_blocks_are_what_a_file_has(tiny, tmp_path, images):
    (tmp_path / "tiny.yaml").write_text(TWO_PACKS)
    of_file = Sweep(tmp_path / "tiny.yaml", data_dir=images, results=tmp_path / "of")
    blocks = "\n".join(TWO_PACKS.splitlines()[1:])
    ids = {trial.trial_id for trial in of_file._grid.trials()}
    assert len(ids) == 6
    for said in (BLOCKS, tuple(BLOCKS), blocks):
        assert {trial.trial_id for trial in tiny(blocks=said)._grid.trials()} == ids


def test_an_interrupt_is_one_and_the_run_goes_on(tiny, undisturbed, at_epoch):
    at_epoch(5, lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny().run()
    assert signal.getsignal(signal.SIGINT) is before
    tiny().run()
    assert numbers(tiny().results) == undisturbed


def test_a_second_interrupt_leaves_the_process_alone(tiny, at_epoch):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at_epoch(1, twice)
    sweep = tiny(norm="bn", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        sweep.run()
    sweep.run()
    assert sweep.status()["counts"]["done"] == 3


def test_trials_that_fail_are_a_warning(tiny, at_epoch, capsys):
    def fails():
        raise RuntimeError("no luck")

    at_epoch(1, fails)
    sweep = tiny(max_failures=1, norm="bn", epochs=1)
    with pytest.warns(UserWarning, match="not all trials of tiny are done"):
        sweep.run()
    assert sweep.status()["counts"]["failed"] == 3
    assert "retry_failed=True).run()" in capsys.readouterr().out
    tiny(retry_failed=True, norm="bn", epochs=1).run()
    assert sweep.status()["counts"]["done"] == 3


def test_every_option_of_the_command_is_a_keyword():
    keywords = set(inspect.signature(Sweep.__init__).parameters)
    options = {action.dest for action in arguments.run()._actions}
    axes = {"norm", "batch_size", "groups", "epochs", "dataset", "model", "precision"}
    assert options - NOT_SAID - axes <= keywords
    assert keywords - options - {"tracker"} == {"self", "blocks", "description", "analysis", "axes"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"seedz": 2}, "^Sweep has no option or axis 'seedz'; did you mean seeds"),
        ({"wobble": 2}, "^Sweep has no option or axis 'wobble'; `normsweep axes`"),
        ({"lr": "fast"}, "^lr: "),
        ({"pack": 0}, "--pack: '0'; expected a whole number above zero"),
        ({"seeds": 0}, "expected a count above zero"),
        ({"norm": "bn", "norms": ["gn"]}, "norm and norms"),
        ({"description": "mine"}, "go with blocks"),
        ({"blocks": [{"norm": "b", "batch_size": 4, "seeds": 1}]}, r"demo: blocks\[0\].norm: 'b' is none of"),
        (
            {"blocks": "- {norm: bn,\n   batchsize: 4, seeds: 1}"},
            r"demo line 2: blocks\[0\].batchsize: unknown key",
        ),
        ({"blocks": "["}, "the YAML does not parse"),
        ({"blocks": {"norm": "bn"}}, "blocks: expected a list of blocks"),
        ({"results": "s3://me:secret@bucket/x"}, "password"),
    ],
)
def test_what_is_said_wrongly(said, told):
    with pytest.raises(InputError, match=told):
        Sweep("demo", **said)


def test_nothing_and_none_are_not_the_same():
    sweep = Sweep("demo", gpus_per_pack=0, pack=None, use_head=False, trackers=["tensorboard", "wandb"])
    assert repr(sweep) == "Sweep('demo', gpus_per_pack=0, trackers=['tensorboard', 'wandb'])"
    assert sweep._options.gpus_per_pack == 0
    assert sweep._options.trackers == ("tensorboard", "wandb")
    assert Sweep("demo")._options.gpus_per_pack is None
    assert Sweep("demo", tracker="wandb")._options.trackers == ("wandb",)


def test_callbacks_are_rays(tiny):
    with pytest.raises(InputError, match="inline"):
        tiny().run(callbacks=[object()])


def test_axes_are_said_as_python_has_them():
    numpy = pytest.importorskip("numpy")
    sweep = Sweep("demo", batch_sizes=numpy.array([8, 2]), seeds=numpy.int64(2), weight_standardization=True)
    said = dict(sweep._arguments.settings)
    assert said == {"batch_size": (8, 2), "seeds": (1, 2), "weight_standardization": (True,)}
    assert dict(Sweep("demo", seeds=(7,), groups=None)._arguments.settings) == {"seeds": (7,)}


def test_a_results_folder_of_the_command_line(images, command, tmp_path):
    results = str(tmp_path / "out")
    assert main([*command, "--results", results, "--epochs", "1", "--norms", "bn"]) == 0
    grid = command[command.index("--grid") + 1]
    sweep = Sweep(grid, data_dir=images, results=results, executor="inline", pack=3, epochs=1)
    assert (sweep.plan().done, sweep.plan().to_run) == (3, 3)


def test_importing_the_packages_is_cheap(tmp_path):
    results = str(tmp_path / "results")
    write_sweep(results, grid="demo", seeds=1, epochs=1)
    code = (
        "import sys, orchestrator, analysis\n"
        f"print(sorted({HEAVY} & set(sys.modules)))\n"
        "from orchestrator import Sweep; Sweep('demo')\n"
        "print(sorted({'torch', 'ray', 'pandas', 'plotly'} & set(sys.modules)))\n"
        f"print(len(analysis.load({results!r})))\n"
        "import orchestrator.api, analysis.report; print(callable(analysis.load), callable(orchestrator.Sweep))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[]", "[]", "6", "True True"], done.stderr
