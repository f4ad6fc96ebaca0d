import json
import re
from html import unescape
from pathlib import Path

import pytest

from analysis import load, report
from tests.helpers.synthetic import block


def data_of(html):
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.S)[1])


@pytest.fixture
def html(sweep):
    trials = block(batch_size=[32, 2], seeds=5) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=5)
    return report.build(
        sweep(
            trials,
            error=lambda t: (
                13.0 + (t.norm == "bn" and t.batch_size == 2) * (6 + (t.seed % 2) / 20) + t.seed / 10
            ),
        )
    )


def test_the_headline_comes_from_the_numbers(html):
    title = re.search(r"<h1>(.*?)</h1>", html, re.S)[1]
    assert title.startswith("From batch size 32 to 2, BN’s error grows by 6.0 points relative to GN’s.")
    assert "At batch size 2, GN’s error is 6.0 points lower than BN’s (95%&nbsp;CI&nbsp;" in html
    assert "n&nbsp;=&nbsp;5" in title


def test_the_page_asks_nothing_of_any_network(html):
    markup = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", markup)
    assert "default-src 'none'" in unescape(markup)
    assert len(html) < 1e6


def test_every_trial_is_in_the_page(html):
    assert len(data_of(html)["trials"]["rows"]) == 20


def test_the_command_line_writes_the_report_into_the_sweep(sweep, capsys, tmp_path):
    url = sweep(block(seeds=2), folder="cli")
    assert report.main([url]) == 0
    assert Path(url, "report.html").read_text().startswith("<!DOCTYPE html>")
    out = tmp_path / "deep" / "a.html"
    assert report.main([url, "--out", str(out)]) == 0
    assert out.exists()
    capsys.readouterr()
    assert report.main([str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err.startswith("error: no such folder")


def test_a_csv_gets_its_report_beside_it(tmp_path, capsys):
    path = tmp_path / "study.csv"
    path.write_text("seed,batch_size,norm,accuracy\n1,32,Batch Norm,0.864\n1,32,gn,0.86\n")
    assert report.main([str(path)]) == 0
    assert "n&nbsp;=&nbsp;1 each: no interval" in (tmp_path / "study.html").read_text()


def test_a_sweep_without_a_result_still_has_a_page(sweep):
    html = report.build(sweep(block(), status=lambda t: "missing"))
    assert "No trial has finished yet." in html
    assert "3 not started" in html


def test_two_results_side_by_side(sweep, tmp_path, capsys):
    path = tmp_path / "study.csv"
    path.write_text("seed,batch_size,norm,accuracy\n1,32,Batch Norm,0.864\n2,32,Batch Norm,0.86\n")
    url = sweep(block(seeds=2), name="ours")
    assert report.main([url, str(path)]) == 2
    assert "several results need --out" in capsys.readouterr().err
    out = tmp_path / "both.html"
    assert report.main([url, str(path), "--out", str(out)]) == 0
    html = out.read_text()
    assert "ours and study.csv, side by side" in html
    assert "One sweep against the other" in html
    assert len(data_of(html)["panels"]) == 2


def test_100_trials_of_100_epochs_stay_under_1_megabyte_and_a_half(sweep):
    html = report.build(sweep(grid="full"))
    assert len(data_of(html)["trials"]["rows"]) == 100
    assert len(html.encode()) < 1.5e6


def test_the_margin_is_an_option(sweep, tmp_path):
    trials = block(batch_size=[32, 2], seeds=5)
    url = sweep(
        trials,
        error=lambda t: 13.0 + (t.batch_size == 2) * (0.5 + (t.seed % 2) / 50) + t.seed / 100,
        epochs=60,
    )
    wide, narrow = tmp_path / "wide.html", tmp_path / "narrow.html"
    assert report.main([url, "--out", str(wide)]) == 0
    assert report.main([url, "--out", str(narrow), "--margin", "0.25"]) == 0
    assert (
        "BN’s error is constant from batch size 32 to 2, within the default margin of ±1 point"
        in wide.read_text()
    )
    assert "within the chosen margin of ±0.25 points: it rises by at least 0.5" in narrow.read_text()
    assert report.main([url, "--out", str(narrow), "--margin", "5%"]) == 0
    assert "±5% of its error at batch size 32, which is ±0.65" in narrow.read_text()


@pytest.mark.parametrize("text", ["-1", "0", "x", "150%", "nan"])
def test_a_margin_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit) as refused:
        report.main(["anywhere", f"--margin={text}"])
    assert refused.value.code == 2
    assert (
        "expected points of error between 0 and 100, as 0.5, or percent of the error, as 5%"
        in capsys.readouterr().err
    )


def test_the_runs_of_a_csv_are_pairs_where_somebody_says_so(tmp_path):
    path = tmp_path / "theirs.csv"
    rows = [
        f"{s},{b},{norm},{0.86 + s / 500 + (norm == 'gn') * (s % 3) / 900 - (norm == 'bn') * (b == 2) / 50}"
        for s in range(1, 6)
        for b in (2, 32)
        for norm in ("bn", "gn")
    ]
    path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(rows) + "\n")
    page = tmp_path / "theirs.html"
    assert report.main([str(path)]) == 0
    apart = page.read_text()
    assert report.main([str(path), "--paired"]) == 0
    paired = page.read_text()
    assert "are compared by Welch’s t test" in apart
    assert "n&nbsp;=&nbsp;5 each" in apart
    assert "correlate" not in apart
    assert "--paired said so" in paired
    assert "Over seeds, the errors of two norms correlate at" in paired
    for html in (apart, paired):
        assert "Each seed starts both norms alike" not in html


def test_a_cell_that_mixes_versions_is_named(sweep):
    from orchestrator.results.store import Store

    url = sweep(block(batch_size=[32, 2], seeds=3), folder="mixed")
    assert "Mixed in" not in report.build(url)
    store = Store(url)
    trial_id = next(i for i in store.scan() if "-b2-" in i)
    result = store.scan()[trial_id].result
    result["provenance"] = {**result["provenance"], "torch": "9.9.9"}
    store.files.write_json(f"trials/{trial_id}/result.json", result)
    page = report.build(url)
    assert "Mixed in bn, batch 2" in page
    assert "PyTorch 2.11.0, 9.9.9" in page
    assert "Mixed in bn, batch 32" not in page


def words_of(html):
    """The page's text but for its scripts and styles."""
    return re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)


def test_nothing_is_said_of_a_csv_that_it_does_not_say(tmp_path):
    path = tmp_path / "theirs.csv"
    rows = [f"{s},{b},{n},{0.8 + s / 100}" for s in (1, 2, 3) for b in (32, 2) for n in ("bn", "Weight Norm")]
    path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(rows) + "\n")
    page = report.build(str(path))
    words = words_of(page).lower()
    for invented in (
        "test error",
        "last epoch",
        "of 12",
        "trained on",
        "learning curves",
        "validation",
        "each seed starts",
    ):
        assert invented not in words, invented
    assert "12 runs" in words
    assert "weight norm" in words
    data = data_of(page)
    assert data["panels"][0]["layouts"]["error|last"]["yaxis"]["title"]["text"] == "Error (%), axis cut"
    assert data["panels"][0]["layouts"]["accuracy|last"]["yaxis"]["title"]["text"] == "Accuracy (%), axis cut"
    assert [c["key"] for c in data["trials"]["columns"]] == ["norm", "batch_size", "seed", "test_error"]


def test_published_numbers_are_not_their_own_replication(tmp_path):
    franke = {"Batch Norm": {32: 13.60, 16: 13.60, 8: 13.86, 4: 15.23, 2: 19.70}}
    franke["Group Norm"] = {32: 14.05, 16: 14.29, 8: 14.23, 4: 14.03, 2: 14.21}

    def page_of(change):
        path = tmp_path / "study.csv"
        rows = [
            f"{seed},{b},{norm},{1 - (error + change + apart) / 100:.5f}"
            for norm, errors in franke.items()
            for b, error in errors.items()
            for seed, apart in enumerate((-0.2, 0.05, 0.15))
        ]
        path.write_text("seed,batch_size,norm,accuracy\n" + "\n".join(rows) + "\n")
        return report.build(str(path))

    def drawn(page):
        return {t["meta"]["group"] for t in data_of(page)["panels"][0]["layers"]["published|error"]}

    theirs, another = page_of(0.0), page_of(0.1)
    assert "The means of BN and GN are to the last digit those of Franke 2021, Fig. 1" in theirs
    assert "Franke 2021" not in drawn(theirs)
    assert 'value="Franke 2021"' not in theirs
    assert "to the last digit" not in another
    assert "Franke 2021" in drawn(another)


def test_a_frame_remembers_that_it_is_a_sweeps(sweep):
    frame = load(sweep(block(seeds=3) + block(norm="gn", groups=8, seeds=3)))
    assert "Each seed starts both norms alike" in report.build(frame[frame["seed"] > 0])
    frame.attrs.clear()
    assert "all runs count as independent" in report.build(frame)
