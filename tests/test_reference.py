"""The pages that are made from the code are what the code makes of them now."""

import pytest

from orchestrator.normsweep import COMMANDS
from tests.helpers import ROOT
from tests.helpers.reference import pages

PAGES = pages()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_current(path):
    assert (ROOT / path).read_text() == PAGES[path], "python -m tests.helpers.reference writes it anew"


def test_every_command_is_in_it():
    assert [line[3:] for line in PAGES["docs/commands.md"].splitlines() if line.startswith("## ")] == [
        *COMMANDS
    ]
