import shutil
from importlib.util import find_spec

import pytest

from analysis import figures
from analysis.study import read
from tests.helpers.synthetic import block

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
needs_export = pytest.mark.skipif(
    find_spec("kaleido") is None or not BROWSER, reason="needs kaleido and Chrome or Chromium"
)


@pytest.fixture
def url(sweep):
    trials = block(batch_size=[32, 2]) + block(norm="gn", groups=8, batch_size=[32, 2])
    return sweep(trials + block(norm="gn", groups=[8, 4], holdout=5000))


def test_every_figure_has_a_name(url):
    assert set(figures.figures(read([url]))) == {
        "fig1-1", "differences-1", "curves-1-b32", "curves-1-b2", "curves-2-b32", "gsearch", "time", "speed",
    }  # fmt: skip


@needs_export
@pytest.mark.parametrize(
    ("form", "magic"),
    [
        ("svg", b"<svg"),
        pytest.param("png", b"\x89PNG", marks=pytest.mark.slow),
        pytest.param("pdf", b"%PDF", marks=pytest.mark.slow),
    ],
)
def test_a_figure_is_written_in_the_format_asked_for(url, tmp_path, capsys, form, magic):
    out = tmp_path / "figures"
    assert figures.main([url, "--only", "fig1-1", "--format", form, "--out", str(out)]) == 0
    assert [p.name for p in out.iterdir()] == [f"fig1-1.{form}"]
    assert (out / f"fig1-1.{form}").read_bytes().startswith(magic)
    assert capsys.readouterr().out.strip().endswith(f"fig1-1.{form}")


def test_mistakes_are_one_line(url, tmp_path, capsys, monkeypatch):
    assert figures.main([url, "--only", "fig9"]) == 2
    assert "no figure 'fig9' here; there are: fig1-1" in capsys.readouterr().err
    assert figures.main([url, "--width", "10"]) == 2
    assert "outside 200 to 4000" in capsys.readouterr().err
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    assert figures.main([url, "--out", str(tmp_path)]) == 2
    assert "pip install 'normsweep[figures]'" in capsys.readouterr().err
