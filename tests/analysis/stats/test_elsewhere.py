"""norm × batch size × temperature, whose means are chosen: the order turns at the highest temperature."""

import pytest
from scipy import stats as scipy_stats

from analysis import report, tables
from analysis.page.elsewhere import held_by, names_in, section
from analysis.stats.choices import Choices
from analysis.stats.elsewhere import best, orders, together
from analysis.study import read
from analysis.words.elsewhere import across_sentence, holds_sentence, main_claim
from model.errors import InputError
from tests.helpers.page_text import blocks
from tests.helpers.sentence_cases import noisy

TURNS = {0.05: (18.0, 12.4), 0.1: (18.0, 12.4), 0.2: (14.0, 17.0)}


def write(folder, turns=TURNS, name="study.csv"):
    """A CSV: at batch size 2, (BN's, GN's) mean error by temperature; at 32 both have 12.0."""
    lines = ["seed,batch_size,norm,temperature,accuracy"]
    for t, (bn, gn) in turns.items():
        for norm, size, mean in (("bn", 32, 12.0), ("gn", 32, 12.0), ("bn", 2, bn), ("gn", 2, gn)):
            errors = noisy(mean, f"{norm}{t}", size, 5)
            lines += [f"{seed},{size},{norm},{t},{1 - e / 100:.6f}" for seed, e in enumerate(errors, start=1)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder / name)


@pytest.fixture
def study(tmp_path):
    return read([write(tmp_path)], Choices(paired=True), axes=["temperature"])


def test_panels_of_one_experiment_stand_together(study):
    (group,) = together(study.compared, study.varied)
    assert study.varied == ("temperature",)
    assert [study.name(panel) for panel in group] == [f"Temperature {t:g}" for t in TURNS]


def test_claims_are_made_within_each_and_pooled_nowhere(study, tmp_path):
    """Each panel's differences are to the digit those of a study of that temperature alone."""
    for panel, (t, means) in zip(study.panels, TURNS.items(), strict=True):
        alone = read([write(tmp_path, {t: means}, f"{t}.csv")], Choices(paired=True), axes=["temperature"])
        (own,) = alone.differences.values()
        assert [(d.x, d.estimate, d.p_holm, d.family) for d in study.differences[panel]] == [
            (d.x, d.estimate, d.p_holm, d.family) for d in own
        ]
        gn, bn = (next(c for c in study.panels[panel] if (c.line.norm, c.x) == (n, 2)) for n in ("gn", "bn"))
        expected = scipy_stats.ttest_rel(list(gn.last.values()), list(bn.last.values())).pvalue
        assert own[1].estimate.p == pytest.approx(expected)


def test_where_the_order_turns_the_page_says_so(study):
    (group,) = together(study.compared, study.varied)
    held, names = held_by(group, study), names_in(group, study)
    main = main_claim(held)
    assert across_sentence(main, held.claims[main], study.varied, names) == (
        "At batch size 2, GN’s error, set against BN’s, is lower at temperature 0.05 and 0.1 and higher at "
        "temperature 0.2."
    )
    sentence = holds_sentence(held, study.varied, names)
    assert "GN − BN at batch size 2, at temperature 0.2" in sentence
    said = " ".join(text for _, _, text in blocks(str(section(study).body)))
    assert sentence in said


def test_where_it_holds_too(tmp_path):
    study = read(
        [write(tmp_path, dict.fromkeys(TURNS, (18.0, 12.4)))], Choices(paired=True), axes=["temperature"]
    )
    (group,) = together(study.compared, study.varied)
    held, names = held_by(group, study), names_in(group, study)
    main = main_claim(held)
    assert across_sentence(main, held.claims[main], study.varied, names) == (
        "At batch size 2, GN’s error is lower than BN’s at every temperature."
    )


def test_orders_and_each_line_at_its_best(study):
    first, *_, last = study.compared.values()
    assert [line.norm for line in orders(first, "last")[2]] == ["gn", "bn"]
    assert [line.norm for line in orders(last, "last")[2]] == ["bn", "gn"]
    cells = [cell for own in study.compared.values() for cell in own]
    found = {line.norm: cell.panel["temperature"] for line, cell in best(cells, "last")[2].items()}
    means = {
        n: {
            t: sum(c.last.values()) / 5
            for c in cells
            if (c.line.norm, c.x) == (n, 2)
            for t in [c.panel["temperature"]]
        }
        for n in ("bn", "gn")
    }
    assert found == {norm: min(own, key=own.get) for norm, own in means.items()}
    assert found["bn"] == 0.2


def test_page_and_tables_tell_the_cells_apart(tmp_path):
    url = write(tmp_path)
    page = report.build(url, axes=["temperature"])
    assert "Does it hold at every temperature?" in page
    frame = read([url], axes=["temperature"]).frame
    rows = tables.to_csv(frame).splitlines()
    assert rows[0].startswith("temperature,norm,groups,batch_size,")
    assert len({tuple(row.split(",")[:4]) for row in rows[1:]}) == len(rows) - 1 == 12
    assert "temperature" in tables.to_latex(frame)
    assert tables.results_csv(frame).splitlines()[0].endswith(",temperature")


def test_a_wrong_base_or_x_is_one_line(tmp_path, capsys):
    url = write(tmp_path)
    for wrong, said in (
        ("--base=rms", "no line of these results"),
        ("--x=temperatur", "did you mean temperature"),
    ):
        assert tables.main([url, "--axis", "temperature", wrong]) == 2
        assert said in capsys.readouterr().err
    assert tables.main([url, "--axis", "temperature", "--x", "temperature", "--base", "gn"]) == 0
    assert "temperature 0.1" in capsys.readouterr().out


def test_without_the_axis_its_rows_are_refused(tmp_path):
    with pytest.raises(InputError, match="if temperature tells them apart, say --axis temperature"):
        read([write(tmp_path)])
    with pytest.raises(InputError, match="no such column; did you mean temperature"):
        read([write(tmp_path)], axes=["temprature"])
    with pytest.raises(InputError, match="what became of a trial"):
        read([write(tmp_path)], axes=["test_error"])
