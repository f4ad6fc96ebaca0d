"""The command lines of `run`, `status` and `evaluate`. Apart from what they run, for --help's sake."""

import argparse

from analysis import options as reading
from model.norm_table import STATISTICS, Statistics
from model.spec import AXES
from orchestrator.cli import Parser, called, positive
from orchestrator.grid.arguments import add_options
from orchestrator.planning.arguments import add_rule_options, add_run_options

_RUN_EXAMPLES = """\
examples:
  {run} --grid demo --open          two minutes on two cores, no network
  {run} --grid fig1 --dry-run       what would run, and for how long
  {run} --grid fig1                 the study; run it again to resume it
  {run} --grid fig1 --seeds 10      five more seeds; the finished ones are kept
  {run} --grid fig1 --until-decided --max-seeds 20     seeds where they are needed
  {run} --grid fig1 --groups-from results/gsearch
  {run} --grid my.yaml --dataset imagefolder --data-dir ~/images

exit codes: 0 all trials done; 1 some failed, or storage did, or another run took over;
  2 bad input; 3 a limit of this run was reached (--stop-after, --max-cost); 130 or 143 interrupted"""
_EVALUATE_EXAMPLES = """\
examples:
  {evaluate} results/fig1 --statistics population,batch,precise
  {evaluate} results/fig1 --on train
  {evaluate} results/fig1 --images ~/cifar10c/fog.npz
  {evaluate} results/fig1 --executor ray

exit codes: 0 all that are finished are evaluated; 1 some could not be, or storage failed; 2 bad input;
  130 interrupted"""


def run() -> argparse.ArgumentParser:
    name = called("orchestrator.run")
    parser = Parser(
        prog=name,
        usage=f"{name} --grid NAME|FILE.yaml [options]",
        description="Train whatever a sweep lacks and make its report. The same command starts a sweep,\n"
        "resumes an interrupted one, and widens a finished one.",
        epilog=_RUN_EXAMPLES.format(run=name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        instead=_expected(),
    )
    parser.add_argument("--grid", metavar="NAME|FILE.yaml", help="a grid that ships (--list-grids) or a file")
    parser.add_argument(
        "--list-grids", action="store_true", help="list the grids that ship, with their trials"
    )
    parser.add_argument("--list-axes", action="store_true", help="list what a grid and --set can vary")
    parser.add_argument("--dry-run", action="store_true", help="print the plan; train and write nothing")
    parser.add_argument("--open", action="store_true", help="open the report in a browser at the end")
    add_options(parser.add_argument_group("what is trained (instead of the grid's own)"))
    add_run_options(parser.add_argument_group("how it is run (never changes what a trial is)"))
    _add_page(parser.add_argument_group("the live page"), "while this run lasts")
    add_rule_options(parser.add_argument_group("how many seeds, by a rule that is recorded beforehand"))
    shown = parser.add_argument_group("what its report shows (for this run only)")
    for add in (reading.add_x, reading.add_base, reading.add_measure, reading.add_margin):
        add(shown)
    return parser


def _expected() -> dict[str, str]:
    """What is no option of `run`, and what to do instead."""
    found = {"--resume": "the same command resumes a sweep that was interrupted"}
    for name, axis in AXES.items():
        dashed = f"--{name.replace('_', '-')}"
        meant = (axis.option.flag or dashed) if axis.option else f"--set {name}=VALUE"
        found |= dict.fromkeys((f"--{name}", dashed), f"write {meant}")
    return found


def status() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("orchestrator.status"),
        description="Say where a sweep stands, from its folder alone: even while it runs, and from any "
        "machine that can read the folder.",
    )
    parser.add_argument("results", metavar="RESULTS", help="folder or URL of a sweep")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    _add_page(parser, "until Ctrl-C")
    return parser


def _add_page(parser: argparse._ActionsContainer, how_long: str) -> None:
    parser.add_argument(
        "--serve",
        action="store_true",
        help=f"follow the sweep in a browser, {how_long}: a read-only page that only this machine can open",
    )
    parser.add_argument(
        "--port", type=positive, metavar="N", help="of that page (default: 8420, or another free one)"
    )


def evaluate() -> argparse.ArgumentParser:
    name = called("orchestrator.evaluate")
    parser = Parser(
        prog=name,
        description="Evaluate the stored networks of a sweep's finished trials. The results go to\n"
        "evaluations/ in its folder, one file each.",
        epilog=_EVALUATE_EXAMPLES.format(evaluate=name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("results", metavar="RESULTS", help="folder or URL of a sweep")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--on",
        choices=("test", "train"),
        default="test",
        help="test: the images the sweep is evaluated on, held-out ones if it has any (default); "
        "train: the training images, in evaluation mode and without augmentation",
    )
    what.add_argument(
        "--images",
        metavar="PATH",
        help="another test set with the same classes: a folder with a subfolder of images for each class, or "
        "an .npz of test_images and test_labels",
    )
    parser.add_argument(
        "--statistics",
        metavar="LIST",
        type=_statistics,
        default=("population",),
        help="which statistics norms with running ones use: population, the running ones (default); batch, "
        "those of each batch, of the size used in training; precise, measured anew over the training "
        "images. Other norms only have population",
    )
    parser.add_argument("--data-dir", metavar="PATH", help="where the sweep's own data are, as for a run")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where there is a GPU")
    parser.add_argument(
        "--executor",
        choices=("ray", "inline"),
        help="inline: in this process (default); ray: on all of this machine's cores and GPUs, or on "
        "a cluster, which is the default where one is named",
    )
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="a running Ray cluster (default: $RAY_ADDRESS)"
    )
    return parser


def _statistics(text: str) -> tuple[Statistics, ...]:
    chosen = tuple(one for one in STATISTICS if one in text.split(","))
    if unknown := [word for word in text.split(",") if word not in STATISTICS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}; expected some of {','.join(STATISTICS)}")
    return chosen
