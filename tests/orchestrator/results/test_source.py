"""What counts as the same training code: which files, and what of them."""

import gc
import json
import shutil
import subprocess
import sys
import threading
import time

import pytest

from model.digest import digest, file_digest
from orchestrator.results.source import ROOT, differing, package_files, training_code, training_files

CODE = '''\
"""Of a module."""

DECAY = 1e-4  # as in the paper


def rate(step, *, first=0.1):
    """Of a step."""
    return first * (0.9 ** step)
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("  # as in the paper", "", True),
        ("Of a step.", "Of a step,\n    in words.", True),
        ('"""Of a module."""\n', "", True),
        ("\n\n\n", "\n", True),
        ("(step, *, first=0.1)", "(\n    step,\n    *,\n    first=0.1,\n)", True),
        ("first * (0.9 ** step)", "first*0.9**step", True),
        ("1e-4", "0.0001", True),
        ("1e-4", "5e-4", False),
        ("1e-4", "None", False),
        ("0.1", "1", False),
        ("step)", "step + 0)", False),
        ("DECAY", "OTHER", False),
    ],
)
def test_only_what_python_reads_counts(old, new, same):
    assert old in CODE
    assert (file_digest(CODE.encode()) == file_digest(CODE.replace(old, new).encode())) is same


def test_a_hash_sign_in_a_string_is_no_comment_and_a_string_later_on_no_docstring():
    assert file_digest(b"a = 'x#1'") != file_digest(b"a = 'x#2'")
    assert file_digest(b"def f():\n    'doc'\n    return 'a'") != file_digest(
        b"def f():\n    'doc'\n    return 'b'"
    )


def test_what_is_no_python_counts_byte_by_byte():
    for one, other in ((b"def f(:", b"def f( :"), (b"a = '\xff'", b"a = '\xfe'"), (b"\0", b"")):
        assert file_digest(one) != file_digest(other)


#: Of every kind of thing that Python's parser has treated otherwise in some version.
SAMPLE = """\
import a.b as c
@d
async def f(x: int = 1, /, *y, z=b'q', **k) -> None:
    'doc'
    async with g() as h, i: pass
    return [*x, -1.5e3, f'{x!r:>{z}} {{}}' 'é', u'w', ...]
class B(C, m=1):
    v: list[int] = []
    def __init__(self): self.x = lambda *a: (yield)
match f:
    case {'k': [1, *_], **r} if r: ...
    case A(b=None) | 2: pass
try:
    x = y if (n := 1) else not z
except (A, B) as e: raise C from e
finally: del x[1:2, ...]
"""


def test_the_digest_is_the_same_with_every_version_of_python():
    """Written down with Python 3.11; the syntax trees of newer ones have more fields."""
    assert file_digest(SAMPLE.encode()) == "1a6aa3580688"


def test_what_trains_and_what_does_not():
    """Found by imports; a file that is added to `model` is on one side or the other by that alone."""
    found = training_files(ROOT)
    for path in (
        "spec",
        "recipe",
        "net/norms/batch",
        "net/convolution_kernels",
        "training/step",
        "data/cifar",
        "__init__",
    ):
        assert f"model/{path}.py" in found
    left_out = package_files(ROOT, ["model"]).keys() - found.keys()
    assert {path for path in left_out if not path.startswith("model/bench/")} == {
        "model/command.py",  # how a command ends
        "model/machine.py",  # cores, memory
        "model/plain_file.py",  # what people name, read whole
        "model/queues.py",
        "model/net/norms/examine.py",  # an own norm, before it trains
        "model/training/calibrate.py",  # how fast, how much memory
        "model/training/first_step.py",  # a network, before it trains
        "model/training/memory.py",
        "model/training/evaluation.py",  # finished networks
        "model/training/statistics.py",
        "model/net/plain.py",
        "model/data/another.py",
    }
    assert not [path for path in found if path.startswith("model/bench/")]


def test_an_argument_that_is_empty_is_one():
    assert (
        len({file_digest(call) for call in (b"f(x)", b"f('', x)", b"f(x, '')", b"f(None, x)", b"f([], x)")})
        == 5
    )


@pytest.mark.slow
def test_every_file_that_a_training_loads_is_among_them(tmp_path, images):
    """Python's own account of what it imported, in a process that trains on every data set there is here."""
    script = f"""
import json, sys
from pathlib import Path
from orchestrator.execution.worker import run_pack
from tests.helpers.assignments import assignment
from tests.helpers.tiny import trial
for norm in (dict(norm="bn"), dict(norm="gn", groups=4), dict(norm="ln"), dict(norm="in")):
    run_pack(assignment(Path({str(tmp_path)!r}), Path({str(images)!r}), [trial(**norm)]), lambda event: None)
files = [Path(m.__file__).relative_to({str(ROOT)!r}).as_posix() for n, m in sys.modules.items() if n.partition(".")[0] == "model"]
print(json.dumps(files))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout)) - {"model/plain_file.py"}  # the orchestrator reads by it
    assert "model/training/step.py" in loaded
    assert loaded <= training_files(ROOT).keys()


def test_imports_are_followed_wherever_they_stand(tmp_path):
    files = {
        "model/training/training.py": "def f():\n    from model.net import norms\n    from ..late import x",
        "model/training/__init__.py": "",
        "model/data/registry.py": "import importlib\nimportlib.import_module('model.net.kernels')\nimport torch, model.data.cifar",
        "model/data/cifar.py": "",
        "model/net/__init__.py": "from . import told",
        "model/net/norms.py": "from model.net.told import LAYERS",
        "model/net/told.py": "",
        "model/net/kernels.py": "",
        "model/late.py": "",
        "model/unused.py": "",
        "model/bench/__init__.py": "",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert files.keys() - training_files(tmp_path).keys() == {"model/unused.py", "model/bench/__init__.py"}


def test_an_edit_is_seen_and_named(tmp_path):
    shutil.copytree(ROOT / "model", tmp_path / "model")
    assert digest(training_files(tmp_path)) == training_code().digest
    with (tmp_path / "model" / "bench" / "__main__.py").open("a") as file:
        file.write("\nX = 1\n")
    assert digest(training_files(tmp_path)) == training_code().digest
    with (tmp_path / "model" / "recipe.py").open("a") as file:
        file.write("\nX = 1\n")
    (tmp_path / "model" / "net" / "init.py").unlink()
    edited = training_files(tmp_path)
    assert digest(edited) != training_code().digest
    assert differing(edited, training_code().files) == ["model/net/init.py", "model/recipe.py"]


def test_threads_that_begin_at_one_moment_read_it_alike():
    """As packs of one GPU do. A collection in the middle of parsing lets another thread parse."""
    source = (ROOT / "model" / "digest.py").read_bytes()
    found, trouble = [], []

    def give_way(*_):
        time.sleep(0)

    def read():
        try:
            found.extend(file_digest(source) for _ in range(10))
        except BaseException as error:
            trouble.append(error)

    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(50)
    try:
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(give_way)
    assert not trouble
    assert found == [file_digest(source)] * 40
