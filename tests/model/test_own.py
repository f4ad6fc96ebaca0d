"""Code that a user brings: found, pinned by its source, loaded, and every mistake in a line."""

import importlib
import subprocess
import sys

import pytest

from model.errors import InputError
from model.own import is_own, load, pinned, short_name

SOURCE = '"""A norm."""\nfrom mylab.shared import EPS\n\n\nclass MyNorm:\n    eps = EPS\n'


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder in which Python was started, with a package and a single file."""
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "norms.py").write_text(SOURCE)
    (tmp_path / "mylab" / "shared.py").write_text("EPS = 1e-5\n")
    (tmp_path / "model.py").write_text("Norm = None\n")
    (tmp_path / "alone.py").write_text("from mylab import shared\n\ndef net(): return shared.EPS\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "mylab", raising=False)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"mylab", "alone"}]:
        del sys.modules[name]


def test_names():
    assert is_own("mylab.norms:MyNorm")
    assert not is_own("bn")
    assert short_name("mylab.norms:MyNorm@0123456789ab") == "MyNorm"
    assert short_name("bn") == "bn"


def test_a_path_is_pinned_and_loaded(lab):
    path = pinned("mylab.norms:MyNorm")
    assert path.startswith("mylab.norms:MyNorm@")
    assert pinned(path) == path
    assert load(path).eps == load("mylab.norms:MyNorm").eps == 1e-5
    assert load(pinned("alone:net"))() == 1e-5


def test_what_python_reads_is_pinned_with_what_is_imported_from_beside_it(lab):
    norm, net = pinned("mylab.norms:MyNorm"), pinned("alone:net")
    (lab / "mylab" / "norms.py").write_text(SOURCE.replace("A norm.", "A comment."))
    assert pinned("mylab.norms:MyNorm") == norm
    (lab / "mylab" / "shared.py").write_text("EPS = 1e-3\n")
    assert pinned("mylab.norms:MyNorm") != norm
    assert pinned("alone:net") != net
    with pytest.raises(
        InputError, match=r"norms\.py is not what this trial was declared with .* run the sweep"
    ):
        load(norm)


@pytest.mark.parametrize("imported", [False, True], ids=["by us", "by a cell of the notebook"])
def test_an_edited_file_is_read_anew_in_the_process_that_has_imported_it(lab, imported):
    if imported:
        importlib.import_module("mylab.norms")
    else:
        load("mylab.norms:MyNorm")
    (lab / "mylab" / "shared.py").write_text("EPS = 1e-3\n")  # of the same size, within the same second
    assert load(pinned("mylab.norms:MyNorm")).eps == 1e-3
    assert load(pinned("alone:net"))() == 1e-3
    again = load(pinned("mylab.norms:MyNorm"))
    assert load(pinned("mylab.norms:MyNorm")) is again, "what is as it was stays as it is"


def test_a_file_that_does_not_parse_is_not_pinned(lab):
    (lab / "broken.py").write_text("x = 1\nclass :\n")
    with pytest.raises(InputError, match=r"broken\.py line 2: SyntaxError: invalid syntax"):
        pinned("broken:Norm")


def test_pinning_imports_nothing(lab):
    (lab / "loud.py").write_text("raise SystemExit(7)\n")
    assert pinned("loud:Norm").startswith("loud:Norm@")
    assert "loud" not in sys.modules


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("mylab.norm:MyNorm", r"there is no module mylab\.norm here: write module:Name"),
        ("nobody:MyNorm", "there is no module nobody here"),
        ("mylab.norms:My-Norm", "is no import path"),
        ("mylab.norms:MyNrm", r"norms\.py: there is no MyNrm in it; did you mean MyNorm\?"),
        ("broken:Norm", r"broken\.py line 2: broken does not import: SyntaxError: invalid syntax"),
        ("raising:Norm", r"raising\.py line 3: raising does not import: ZeroDivisionError: division by zero"),
        ("model:Norm", r"the name model is taken by a package of normsweep; call the file otherwise"),
    ],
)
def test_mistakes_name_the_file_and_the_line(lab, path, message):
    (lab / "broken.py").write_text("x = 1\nclass :\n")
    (lab / "raising.py").write_text("\n\n1 / 0\n")
    with pytest.raises(InputError, match=message):
        load(path)


def test_it_is_found_where_a_console_command_was_started(lab):
    """Its search path has the command's folder and not the one that it is started in."""
    code = "import sys; sys.path.remove(''); from model.own import load, pinned; print(load(pinned('alone:net')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("<function net"), ran.stderr
