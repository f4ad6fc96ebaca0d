"""The live table of a notebook; tests/test_notebook.py has one drawn by a kernel."""

import re

from orchestrator.display.notebook import counts, in_notebook, table
from orchestrator.display.progress import Progress
from orchestrator.execution.events import EpochEnd
from orchestrator.execution.signals import STOPPING, Interrupt
from orchestrator.planning.plan import Pack
from tests.helpers.tiny import trial


def text_of(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_table_says_what_the_terminal_says():
    packs = [Pack((trial(seed=1), trial(seed=2))), Pack((trial(seed=3),))]
    progress = Progress(packs, [30.0, 10.0], [3, 3], slots=1, before=4, clock=lambda: 0.0)
    interrupt = Interrupt()
    assert "bn" not in table(progress, "a <b>", interrupt)
    assert "a &lt;b&gt;" in table(progress, "a <b>", interrupt)
    replicas = {"a": {"test_error": 10.0, "val_error": None, "seconds": 10.0}}
    progress.epoch(0, EpochEnd(1, 3, 120.0, "here/1", replicas))
    progress.warned(0, "odd & even")
    interrupt.abort("trouble")
    shown = text_of(table(progress, "tiny", interrupt))
    assert "25%" in shown, "10 of 40 seconds"
    assert "30 s left" in shown
    assert "bn, batch 4, seeds 1–2 1/3 10.00% 120" in shown
    assert "odd &amp; even" in shown
    assert STOPPING in shown
    assert counts(progress) == "4 of 7 trials done · 2 running · 1 waiting · 0 failed · 120 images/s"


def test_a_long_list_is_cut():
    packs = [Pack((trial(seed=seed),)) for seed in range(30)]
    progress = Progress(packs, [1.0] * 30, [3] * 30, slots=30, before=0)
    for index in range(30):
        progress.started(index)
    shown = table(progress, "tiny", Interrupt())
    assert shown.count("<tr>") == 17
    assert "and 14 more packs" in shown


def test_here_is_none():
    assert not in_notebook()
