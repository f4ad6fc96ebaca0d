import numpy as np
import pytest

from analysis import load, report
from analysis.stats.cells import panels
from analysis.stats.images import binomial_error, images
from analysis.words.images import images_sentences
from tests.helpers.synthetic import block


def test_the_binomial_error_by_simulation_and_by_hand():
    assert binomial_error(4.0, 445) == pytest.approx(100 * np.sqrt(0.04 * 0.96 / 445))
    drawn = np.random.default_rng(0).binomial(445, 0.04, 100_000) / 445 * 100
    assert binomial_error(4.0, 445) == pytest.approx(drawn.std(), rel=0.01)
    assert binomial_error(0.0, 445) == binomial_error(100.0, 445) == 0.0


def test_how_many_images_is_said_by_the_data_or_by_the_hold_out(sweep):
    by_panel = panels(load(sweep(block() + block(norm="gn", groups=8, holdout=5000))))
    test, validation = by_panel
    data = {"cifar10": {"test_size": 10_000}}
    assert (images(test, data), images(validation, data)) == (10_000, 5000)
    for nothing in (
        None,
        {},
        {"cifar10": None},
        {"cifar10": {"test_size": "many"}},
        {"mnist": {"test_size": 9}},
        3,
    ):
        assert images(test, nothing) is None


def test_in_words(sweep):
    url = sweep(block(seeds=3), error=lambda t: 13.5 + 0.5 * (t.seed - 2), epochs=60)
    (cells,) = panels(load(url)).values()
    said = images_sentences(cells, 445, "last")
    assert "the same 445 test images: one image is 0.22 points of error" in said
    assert "a binomial standard error of 1.62 points; over seeds a cell’s sd is 0.50." in said
    assert images_sentences(cells, None, "last") == ""
    assert "Every run is evaluated on the same 10,000 test images" in report.build(url)


def test_a_csv_does_not_say_its_images(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("seed,batch_size,norm,dataset,accuracy\n1,32,bn,cifar10,0.86\n2,32,bn,cifar10,0.87\n")
    assert "Every run is evaluated" not in report.build(str(path))
