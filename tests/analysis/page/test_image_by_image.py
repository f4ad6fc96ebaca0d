"""The page on what each network answers of each image: its numbers against those of the answers themselves."""

import re

import numpy as np
import pytest

from analysis.page import evaluations, image_by_image
from analysis.page.cells import section as cells_section
from analysis.report import build
from analysis.sources import predictions
from analysis.study import read
from orchestrator.results.labels import Images
from orchestrator.results.store import Store
from tests.helpers.judged import DATA, judged_sweep, keep, planted
from tests.helpers.sweeps import in_memory, two_norms

IMAGES = 150
MEANS = {("bn", 32): -2.0, ("gn", 32): -2.0, ("bn", 2): -1.0, ("gn", 2): -1.9}
TRUE = np.zeros(IMAGES, dtype=np.int64)


def answers(means=MEANS, seeds=4):
    return {place: planted(seeds, IMAGES, mean, place=place) for place, mean in means.items()}


@pytest.fixture
def folder(tmp_path):
    return judged_sweep(str(tmp_path / "sweep"), answers(), TRUE)


def rows(section, number):
    table = re.findall(r"<table.*?</table>", section.body, re.S)[number]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.S)]
        for row in re.findall(r"<tr.*?</tr>", table, re.S)[1:]
    ]


def test_the_numbers_are_those_of_the_answers(folder):
    own = {place: given != 0 for place, given in answers().items()}
    section = image_by_image.section(read([folder]))
    pairs, cells, churns = (rows(section, number) for number in range(3))
    assert [row[:3] for row in pairs] == [["GN (G = 8) − BN", "32", "4"], ["GN (G = 8) − BN", "2", "4"]]
    for row, churn, size in zip(pairs, churns, (32, 2), strict=True):
        d = 100.0 * (own["gn", size].astype(int) - own["bn", size])
        assert row[3].startswith(f"{d.mean():+.2f}".replace("-", "−"))
        assert float(row[5]) == pytest.approx(d.mean(axis=1).std(ddof=1) / 2, abs=0.005)
        assert float(row[6]) == pytest.approx(d.mean(axis=0).std(ddof=1) / np.sqrt(IMAGES), abs=0.005)
        same = (answers()["gn", size] != answers()["bn", size]).mean()
        assert float(churn[6]) == pytest.approx(100 * same, abs=0.05)
    assert [row[:3] for row in cells] == [
        ["BN", "32", "4"],
        ["BN", "2", "4"],
        ["GN (G = 8)", "32", "4"],
        ["GN (G = 8)", "2", "4"],
    ]
    assert [float(row[3]) for row in cells] == pytest.approx(
        [100 * own[place].mean() for place in (("bn", 32), ("bn", 2), ("gn", 32), ("gn", 2))], abs=0.005
    )


def test_the_errors_are_those_of_the_page(folder):
    study = read([folder])
    (own,) = study.differences.values()
    found = rows(image_by_image.section(study), 0)
    assert [row[3].split(" ")[0] for row in found] == [
        f"{d.estimate.mean:+.2f}".replace("-", "−") for d in own
    ]


def test_three_lines_have_a_map_at_either_end_of_the_axis(tmp_path):
    means = MEANS | {("ln", size): -1.5 for size in (32, 8, 2)} | {("bn", 8): -1.2, ("gn", 8): -2.0}
    given = answers(means)
    section = image_by_image.section(read([judged_sweep(str(tmp_path / "s"), given, TRUE)]))
    assert list(section.figures) == ["churn-0-0", "churn-0-1"]
    for key, size in (("churn-0-0", 32), ("churn-0-1", 2)):
        drawn = section.figures[key]["data"][0]
        assert drawn["x"] == drawn["y"] == ["BN", "GN", "LN"]
        ours, theirs = given["bn", size], given["ln", size]
        between = [(ours[s] != theirs[t]).mean() for s in range(4) for t in range(4) if s != t]
        assert drawn["z"][0][2] == drawn["z"][2][0] == pytest.approx(100 * np.mean(between))
        within = [(ours[s] != ours[t]).mean() for s in range(4) for t in range(s)]
        assert drawn["z"][0][0] == pytest.approx(100 * np.mean(within))


def test_only_seeds_that_both_lines_have_are_pairs(folder, tmp_path):
    (damaged,) = (tmp_path / "sweep" / "evaluations").glob("*-gn8-b32-*s2-*/*.json")
    damaged.write_bytes(b"{}")
    found = rows(image_by_image.section(read([folder])), 0)
    assert [row[2] for row in found] == ["3", "4"]


def test_no_more_is_held_than_the_networks_of_one_x(folder, monkeypatch):
    held, real = [], predictions.read_predictions
    monkeypatch.setattr(
        predictions, "read_predictions", lambda files, names: held.append(len(names)) or real(files, names)
    )
    study = read([folder])
    assert held == [], "a report without the section reads none"
    assert "predictions" not in study.evaluations
    image_by_image.section(study)
    assert held == [4] * 4


def test_what_was_never_kept_has_no_section():
    study = read([in_memory(two_norms({32: [1.0, 2.0]}, {32: [1.0, 2.5]}))])
    assert image_by_image.section(study) is None


def test_without_the_labels_the_page_says_how_to_have_them(folder, tmp_path):
    (tmp_path / "sweep" / Images(DATA, "test", IMAGES).name).unlink()
    study = read([folder])
    assert image_by_image.section(study) is None
    assert "python -m orchestrator.evaluate</code> adds them" in evaluations.section(study).body
    assert "each run’s answers, which python -m orchestrator.evaluate stores" in cells_section(study).body


def test_with_them_it_points_to_the_section(folder):
    page = build(folder)
    assert "is shown under “Image by image”" in page
    assert 'id="images"' in page
    assert "adds them without computing anything again" not in page


def test_answers_that_the_labels_do_not_fit_do_not_count(folder):
    trial = next(i for i in Store(folder).scan() if "-gn8-b32-" in i)
    wrong = np.ones(IMAGES, dtype=np.int64)
    for path in (Store(folder).files.folders("evaluations"))[trial]:
        Store(folder).files.remove(f"evaluations/{trial}/{path}")
    keep(folder, trial, wrong, TRUE, wrong=3, error=2.0)
    assert [row[2] for row in rows(image_by_image.section(read([folder])), 0)] == ["3", "4"]


def test_two_sweeps_have_their_own_answers(folder, tmp_path):
    other = judged_sweep(
        str(tmp_path / "other"), answers({p: m + 0.7 for p, m in MEANS.items()}), TRUE, name="other"
    )
    section = image_by_image.section(read([folder, other]))
    assert [row[3] for row in rows(section, 1)] != [row[3] for row in rows(section, 4)]
    alone = image_by_image.section(read([other]))
    assert rows(section, 4) == rows(alone, 1)


def test_an_answer_by_other_statistics_or_of_other_images_is_none(folder):
    before = rows(image_by_image.section(read([folder])), 1)
    trial = next(i for i in Store(folder).scan() if "-bn-b32-" in i)
    keep(folder, trial, np.ones(IMAGES, dtype=np.int64), TRUE, statistics="precise")
    keep(folder, trial, np.ones(IMAGES, dtype=np.int64), TRUE, split="train")
    keep(folder, trial, np.ones(IMAGES, dtype=np.int64), TRUE, split="images", data="c" * 16)
    assert rows(image_by_image.section(read([folder])), 1) == before
