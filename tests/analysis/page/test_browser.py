"""The page in a real browser. Needs the Python package playwright and Debian's chromium; axe-core for one test.

pip install playwright; apt-get install chromium; npm install --no-save axe-core
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis import report
from orchestrator.results.store import Store
from tests.helpers import ROOT
from tests.helpers.judged import judged_sweep, keep, planted
from tests.helpers.synthetic import block, write_sweep

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
AXE = Path(os.environ.get("AXE_CORE", ROOT / "node_modules/axe-core/axe.min.js"))
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
    pytest.mark.xdist_group("browser"),
]

FIG1 = ".plot[data-figure=fig1]"
CURVES = ".plot[data-figure=curves]"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    sizes = {"batch_size": [32, 8, 2], "seeds": 4, "epochs": 8}
    trials = block(**sizes) + block(norm="gn", groups=8, **sizes)
    status = {("gn", 8, 4): "failed", ("bn", 2, 3): "diverged"}
    made = str(tmp_path_factory.mktemp("browser") / "sweep")
    return write_sweep(made, trials, status=lambda t: status.get((t.norm, t.batch_size, t.seed), "done"))


@pytest.fixture(scope="module")
def file(folder):
    Path(folder, "report.html").write_text(report.build(folder))
    return f"file://{folder}/report.html"


class Visit:
    """A page that notes everything it must not do."""

    def __init__(self, browser, url, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.trouble = []
        self.page.on("console", lambda m: self.trouble.append(f"console: {m.text}"))
        self.page.on("pageerror", lambda e: self.trouble.append(f"error: {e}"))
        self.page.on("dialog", lambda d: (self.trouble.append(f"dialog: {d.message}"), d.dismiss()))
        self.page.on("request", self._request)
        self.page.goto(url)

    def _request(self, request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.trouble.append(f"request: {request.url}")

    def drawn(self, selector):
        self.page.locator(selector).first.scroll_into_view_if_needed()
        self.page.wait_for_selector(f"{selector} .main-svg")
        return self

    def traces(self, selector, role):
        """The traces of a figure by their role, as plotly has drawn them."""
        return self.page.evaluate(
            "([s, r]) => document.querySelector(s).data.filter(t => t.meta && t.meta.role === r)"
            ".map(t => ({line: t.meta.line, y: t.y, visible: t.visible, colour: t.marker && t.marker.color}))",
            [selector, role],
        )


@pytest.fixture
def visit(browser, file):
    opened = []

    def open_page(url=file, **options):
        opened.append(Visit(browser, url, **options))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()


def test_no_error_and_no_request_from_top_to_bottom(visit):
    seen = visit()
    height = seen.page.evaluate("document.body.scrollHeight")
    for y in range(0, height, 500):
        seen.page.evaluate("y => scrollTo(0, y)", y)
        seen.page.wait_for_timeout(40)
    count = seen.page.locator(".plot:visible").count()
    assert count > 4
    playwright.expect(seen.page.locator(".plot > .plot-container")).to_have_count(count)
    assert seen.trouble == []


def test_switches_of_figure_1(visit):
    seen = visit().drawn(FIG1)
    page = seen.page
    bn, gn = seen.traces(FIG1, "mean")
    bars = "s => document.querySelector(s).data.filter(t => t.meta.role === 'mean').map(t => t.error_y.array)"
    ends = page.evaluate(bars, FIG1)
    assert (bn["line"], gn["line"]) == ("BN", "GN (G = 8)")

    page.get_by_label("Accuracy", exact=True).check()
    assert seen.traces(FIG1, "mean")[0]["y"] == pytest.approx([100 - y for y in bn["y"]])
    assert (
        page.evaluate(f"document.querySelector('{FIG1}').layout.yaxis.title.text")
        == "Test accuracy (%), axis cut"
    )
    page.get_by_label("Error", exact=True).check()

    page.get_by_label("Median of last 5").check()
    assert seen.traces(FIG1, "mean")[0]["y"] != bn["y"]
    page.get_by_label("Last epoch", exact=True).check()
    assert seen.traces(FIG1, "mean")[0]["y"] == bn["y"]

    for kind in ("bca", "sd", "range"):
        page.locator("select[name=kind]").select_option(kind)
        assert page.evaluate(bars, FIG1) != ends
        assert seen.traces(FIG1, "mean")[0]["y"] == bn["y"]  # the interval does not move the mean

    assert [t["visible"] for t in seen.traces(FIG1, "published")] == [True, True, False, False, False]
    own = page.evaluate(f"document.querySelector('{FIG1}').layout.yaxis.range")
    page.get_by_label("Wu & He 2018").check()
    page.get_by_label("Franke 2021").uncheck()
    assert [t["visible"] for t in seen.traces(FIG1, "published")] == [False] * 5, "they lie far above"
    assert page.locator(FIG1).get_by_text("↑ Wu & He 2018, BN: 23.6 to 34.7%, off this scale").count() == 1
    low, high = page.evaluate(f"document.querySelector('{FIG1}').layout.yaxis.range")
    assert own[0] <= low < high <= own[1]
    assert seen.trouble == []


def test_the_precise_line_is_switched_on_and_maps_of_churn_are_drawn(visit, tmp_path):
    """Of networks that answered image by image, some by precise statistics too."""
    means = {(norm, size): -2.0 for norm in ("bn", "gn", "ln") for size in (32, 2)}
    answers = {place: planted(3, 60, mean, place=place) for place, mean in means.items()}
    true = np.zeros(60, dtype=np.int64)
    made = judged_sweep(str(tmp_path / "judged"), answers, true)
    for trial in (t for t in Store(made).scan() if "-bn-" in t):
        keep(made, trial, true, true, statistics="precise")
    (tmp_path / "judged.html").write_text(report.build(made))
    seen = visit(f"file://{tmp_path}/judged.html").drawn(FIG1)
    box = seen.page.get_by_label("Precise statistics")
    assert (box.is_checked(), seen.traces(FIG1, "precise")) == (False, [])
    box.check()
    assert [(t["line"], t["y"]) for t in seen.traces(FIG1, "precise")] == [("BN", [0, 0])]
    seen.page.get_by_label("Accuracy", exact=True).check()
    assert seen.traces(FIG1, "precise")[0]["y"] == [100, 100]
    seen.drawn("#images .plot")
    playwright.expect(seen.page.locator("#images .plot")).to_have_count(2)
    assert seen.trouble == []


def test_the_measure_drives_words_tables_figures_and_copies(visit):
    seen = visit(permissions=["clipboard-read", "clipboard-write"]).drawn(FIG1)
    page = seen.page
    page.locator("#differences .plot:visible").first.scroll_into_view_if_needed()
    page.wait_for_selector("#differences .plot:visible .main-svg")

    def shown():
        page.get_by_role("button", name="Copy as Markdown").click()
        copied = page.evaluate("navigator.clipboard.readText()")
        return {
            "headline": page.locator("h1:visible").inner_text(),
            "facts": page.locator(".facts:visible").first.inner_text(),
            "differences": page.locator("#differences table:visible").first.inner_text(),
            "claims": page.locator("#claims table:visible").first.inner_text(),
            "choices": page.locator("#robustness table:visible").first.inner_text(),
            "cells": page.locator("#cells table:visible").inner_text(),
            "methods": page.locator("#methods .prose:visible").inner_text(),
            "copied": copied,
        }

    last = shown()
    page.get_by_label("Median of last 5").check()
    page.locator("#differences .plot:visible").first.scroll_into_view_if_needed()
    page.wait_for_selector("#differences .plot:visible .main-svg")
    median = shown()
    assert [part for part in last if last[part] == median[part]] == []
    assert "Error at the last epoch" in last["cells"]
    assert "Median error of the last five epochs" in median["cells"]
    assert "error %, median of 5" in median["copied"]
    assert "as the median of the last five epochs" in median["methods"]
    page.get_by_label("Last epoch", exact=True).check()
    again = shown()
    assert {part for part in last if last[part] != again[part]} == set()
    assert seen.trouble == []


def test_clicking_a_point_shows_its_learning_curves(visit):
    seen = visit().drawn(FIG1)
    page = seen.page
    means = page.locator(f"{FIG1} .scatterlayer .trace").filter(has=page.locator(".errorbar"))
    box = means.last.locator(".points path").nth(1).bounding_box()  # GN at batch size 8
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.wait_for_selector(f"{FIG1} .hoverlayer .hovertext")
    text = page.locator(f"{FIG1} .hoverlayer").text_content()
    assert "GN (G = 8), batch size 8" in text
    assert "n = 3" in text
    assert "1 failed" in text
    page.mouse.click(x, y)
    page.wait_for_selector(f"{CURVES} .main-svg")
    assert page.locator("select[data-curves]").input_value() == "8"
    assert {t["line"] for t in seen.traces(CURVES, "test")} == {"GN (G = 8)"}
    assert page.locator(CURVES).is_visible()
    page.locator("select[data-lines]").select_option("")
    assert {t["line"] for t in seen.traces(CURVES, "test")} == {"GN (G = 8)", "BN"}


def test_pointing_at_a_seed_rings_its_pair(visit):
    seen = visit().drawn(FIG1)
    page = seen.page
    dots = page.locator(f"{FIG1} .scatterlayer .trace").last.locator(".points path")  # GN's, 32 first
    box = dots.first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function(f"document.querySelector('{FIG1}').data.at(-1).y.length === 2")
    (pair,), dots = seen.traces(FIG1, "pair"), seen.traces(FIG1, "seed")
    assert [y in own["y"] for y, own in zip(pair["y"], dots, strict=True)] == [True, True]
    page.mouse.move(5, 5)
    page.wait_for_function(f"document.querySelector('{FIG1}').data.at(-1).y.length === 0")
    assert seen.trouble == []


def test_learning_curves_show_where_errors_end(visit):
    seen = visit().drawn(CURVES)
    axis = f"(({{yaxis}}) => [yaxis.type, yaxis.title.text])(document.querySelector('{CURVES}').layout)"
    shown = seen.page.locator("select[data-scale]")
    assert (shown.input_value(), seen.page.evaluate(axis)) == ("log", ["log", "Error (%), log scale"])
    shown.select_option("end")
    assert seen.page.evaluate(axis)[1] == "Error (%), axis cut"
    low, high = seen.page.evaluate(f"document.querySelector('{CURVES}').layout.yaxis.range")
    ends = [t["y"][-1] for t in seen.traces(CURVES, "test")]
    assert low < min(ends) <= max(ends) < high < 100 / 2
    shown.select_option("zero")
    assert seen.page.evaluate(axis)[1] == "Error (%)"
    assert seen.trouble == []


def test_tables_sort_search_and_turn_pages(visit):
    page = visit().page
    column = page.locator("#cells tbody tr td:nth-child(4):visible")
    page.locator("#cells").get_by_role("button", name="Mean error %").click()
    values = [float(v) for v in column.all_inner_texts()]
    assert values == sorted(values)
    page.locator("#cells").get_by_role("button", name="Mean error %").press("Enter")
    assert [float(v) for v in column.all_inner_texts()] == values[::-1]
    assert page.locator("#cells th[aria-sort=descending]").count() == 1

    rows = page.locator("#trials-table tbody tr")
    assert rows.count() == 20
    page.locator("#trials-table").get_by_role("button", name="Next").click()
    assert rows.count() == 4
    page.get_by_role("searchbox").fill("gn failed")
    assert rows.count() == 1
    assert "1–1 of 1" in page.locator(".pager").inner_text()
    page.get_by_role("searchbox").fill("no such thing")
    assert "no trial matches" in page.locator(".pager").inner_text()


def test_a_missing_value_sorts_last_both_ways(visit):
    page = visit().page
    for _ in range(2):
        page.locator("#trials-table").get_by_role("button", name="Test error %").click()
        page.locator("#trials-table").get_by_role("button", name="Next").click()
        errors = page.locator("#trials-table tbody tr").last.inner_text()
        assert "–" in errors


def test_the_cells_are_copied(visit, folder):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    for name, start in (("CSV", "norm,groups,batch_size,n,mean,sd,ci_low,ci_high\n"), ("LaTeX", "% needs")):
        seen.page.locator("#cells").get_by_role("button", name=f"Copy as {name}").click()
        seen.page.wait_for_selector("button:has-text('Copied')")
        assert seen.page.evaluate("navigator.clipboard.readText()").startswith(start)


def test_the_methods_and_their_bibtex_are_copied(visit):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    for name, start in (
        ("text", "ResNet-20 (He et al. 2015a)"),
        ("BibTeX", "@inproceedings{ioffe2015batch,"),
    ):
        seen.page.get_by_role("button", name=f"Copy the {name}").click()
        seen.page.locator("#methods").get_by_role("button", name="Copied").wait_for()
        assert seen.page.evaluate("navigator.clipboard.readText()").startswith(start)
        seen.page.get_by_role("button", name=f"Copy the {name}").wait_for()


def test_the_calculator_looks_up_what_was_chosen(visit):
    page = visit().page
    cells = page.locator("table[data-seeds] tbody tr").first.locator("[data-out]")
    before = cells.all_inner_texts()
    assert all(text for text in before)
    page.locator("select[data-seeds=half]:visible").select_option("0.1")
    page.locator("select[data-seeds=effect]:visible").select_option("2.0")
    after = cells.all_inner_texts()
    assert int(after[0].split()[0]) > int(before[0].split()[0])  # a narrower interval needs more seeds
    assert int(after[1].split()[0]) <= int(before[1].split()[0])  # a larger effect needs fewer


def test_dark_is_dark_and_keeps_the_hues(visit):
    seen = visit(color_scheme="dark").drawn(FIG1)
    assert [t["colour"] for t in seen.traces(FIG1, "mean")] == ["#4aa5e0", "#f0823c"]
    seen.page.get_by_role("button", name="light and dark").click()
    assert [t["colour"] for t in seen.traces(FIG1, "mean")] == ["#0072b2", "#d55e00"]
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_dark_changes_colours_and_no_text(visit):
    page = visit(color_scheme="dark").page
    figure = {
        "name": "#0072b2",
        "line": {"color": "rgba(213,94,0,0.5)"},
        "marker": {"color": ["#0072b2", "#abc"]},
    }
    assert page.evaluate("f => themed(f)", figure) == {
        "name": "#0072b2",
        "line": {"color": "rgba(240,130,60,0.5)"},
        "marker": {"color": ["#4aa5e0", "#abc"]},
    }


PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "reduced_motion": "reduce"}


def test_a_phone_scrolls_down_and_never_sideways(visit):
    page = visit(**PHONE).drawn(FIG1).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ends = "s => [...document.querySelectorAll(s)].map(n => n.getBoundingClientRect().right)"
    for shown in ("caption span", "[data-out]", ".bar button"):
        assert max(page.evaluate(ends, shown)) <= 390, shown
    link = page.get_by_role("link", name="Claims")
    assert not link.is_visible()
    page.get_by_role("button", name="Sections").click()
    rights = page.evaluate(ends, ".bar nav a")
    assert max(rights) <= 390
    link.click()
    assert not link.is_visible()
    assert page.locator("#claims-title").bounding_box()["y"] < 200


def test_without_its_script_a_page_has_its_words_tables_and_links(visit):
    page = visit(java_script_enabled=False, **PHONE).page
    for shown in ("h1", "#differences td", ".bar nav a:last-child"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.get_by_role("link", name="Provenance").bounding_box()["x"] < 390


def test_what_was_chosen_stands_in_the_address(visit, file):
    page = visit().page
    page.get_by_role("link", name="Claims").click()
    page.get_by_label("Median of last 5").check()
    page.get_by_label("Wu & He 2018").check()
    page.locator("select[data-curves]").select_option("8")
    page.locator("select[data-seeds=half]:visible").select_option("0.1")
    page.get_by_role("button", name="light and dark").click()
    address = page.url
    assert address.startswith(f"{file}#claims&measure=median5&published=Wu+%26+He+2018&")
    page.get_by_role("link", name="Methods").click()
    page.wait_for_url(f"{file}#methods&measure=median5**")
    seen = visit(address)
    assert seen.page.locator("input[value=median5]").is_checked()
    assert seen.page.get_by_label("Wu & He 2018").is_checked()
    assert seen.page.locator("select[data-curves]").input_value() == "8"
    assert seen.page.locator("select[data-seeds=half]:visible").input_value() == "0.1"
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert seen.page.locator("[data-under=median5]").first.is_visible()
    assert -5 < seen.page.locator("#claims").bounding_box()["y"] < 100
    assert seen.trouble == []


def test_an_address_that_names_what_is_not_here_changes_nothing(visit, file):
    seen = visit(f"{file}#nowhere&measure=no&kind=%3Cb%3E&theme=pink&curves.7=1&half.x=%&published=")
    page = seen.page
    assert page.locator("input[value=last]").is_checked()
    assert page.locator("select[name=kind]").input_value() == "t"
    assert page.evaluate("document.documentElement.dataset.theme") is None
    assert seen.trouble == []


def test_figures_and_data_are_saved_as_files(visit, tmp_path):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    page = seen.page

    def saved(button):
        with page.expect_download() as waited:
            button.click()
        path = tmp_path / waited.value.suggested_filename
        waited.value.save_as(path)
        return path

    first = page.locator("figure", has=page.locator(FIG1)).locator(".save button")
    svg, png = saved(first.nth(0)), saved(first.nth(1))
    assert svg.name == "fig1-figure-1.svg"
    assert all(words in svg.read_text() for words in ("<svg", "GN (G = 8)", "Batch size"))
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png.read_bytes()[16:20], "big") == 3 * 760
    network = page.locator("#network .save button")
    assert "3×3 conv, 16" in saved(network.nth(0)).read_text()
    assert saved(network.nth(1)).read_bytes()[:4] == b"\x89PNG"
    trials = saved(page.get_by_role("button", name="Save all as CSV")).read_text().splitlines()
    assert (len(trials), trials[0].split(",")[0]) == (25, "status")
    differences = saved(page.locator("#differences").get_by_role("button", name="Save as CSV").first)
    assert differences.read_text().startswith(
        "batch_size,line,base,n,n_base,paired,measure,difference,ci_low"
    )
    page.locator("#differences").get_by_role("button", name="Copy as LaTeX").first.click()
    page.wait_for_selector("button:has-text('Copied')")
    assert "GN (G = 8) $-$ BN & 2 & 3 & $-$5.80 & $-$6.04 to $-$5.56" in page.evaluate(
        "navigator.clipboard.readText()"
    )
    assert seen.trouble == []


def test_paper_holds_whole_figures_in_light_colours(visit, tmp_path):
    seen = visit(color_scheme="dark").drawn(FIG1)
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen.page.emulate_media(media="print")
    widths = seen.page.evaluate("[...document.querySelectorAll('.plot .main-svg')].map(s => s.clientWidth)")
    assert widths
    assert max(widths) <= 700  # A4 has 720 px between usual margins
    assert seen.traces(FIG1, "mean")[0]["colour"] == "#0072b2"
    assert not seen.page.locator(".bar").is_visible()
    seen.page.set_viewport_size({"width": 702, "height": 1000})  # A4 between the page's own margins
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 702, "else a browser shrinks it all"
    assert seen.page.locator("#cells th").first.is_visible()
    assert seen.page.locator("#trials-table tbody tr").count() == 24, "paper turns no pages"
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.traces(FIG1, "mean")[0]["colour"] == "#4aa5e0"
    assert seen.page.locator("#trials-table tbody tr").count() == 20


def test_the_keyboard_reaches_everything(visit):
    page = visit().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.locator("input[name=quantity]").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("input[name=quantity][value=accuracy]").is_checked()


@pytest.mark.skipif(
    not AXE.exists(), reason="needs axe-core: npm install --no-save axe-core, or AXE_CORE=file"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, scheme):
    seen = visit(color_scheme=scheme).drawn(FIG1)
    seen.page.evaluate(AXE.read_text())
    violations = seen.page.evaluate(
        "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"
    )
    assert [v for v in violations if v[0] in {"serious", "critical"}] == []


def test_figures_side_by_side_share_one_scale(visit, folder, tmp_path):
    study = tmp_path / "study.csv"
    study.write_text("seed,batch_size,norm,accuracy\n1,32,bn,0.7\n2,32,bn,0.72\n1,2,gn,0.9\n")
    out = tmp_path / "both.html"
    out.write_text(report.build(folder, str(study)))
    seen = visit(f"file://{out}").drawn(f"{FIG1}[data-panel='0']").drawn(f"{FIG1}[data-panel='1']")
    low, high = seen.page.evaluate(
        f"[...document.querySelectorAll('{FIG1}')].map(n => n.layout.yaxis.range.join())"
    )
    assert low == high
    titles = seen.page.evaluate(
        f"[...document.querySelectorAll('{FIG1}')].map(n => n.layout.yaxis.title.text)"
    )
    assert titles == ["Test error (%), axis cut", "Error (%), axis cut"], "a CSV does not say on what images"
    assert seen.trouble == []


def test_of_many_panels_those_are_shown_that_are_chosen(visit, tmp_path):
    rows = [
        f"{seed},{size},{norm},{rate},0.{80 + seed}"
        for rate in (1, 2, 3, 4, 5)
        for norm in ("bn", "gn")
        for size in (32, 2)
        for seed in (1, 2, 3)
    ]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(["seed,batch_size,norm,rate,accuracy", *rows]) + "\n")
    out = tmp_path / "many.html"
    out.write_text(report.build(str(path), axes=["rate"]))
    seen = visit(f"file://{out}").drawn(f"{FIG1}:visible")
    shown = "#figure1 figure:visible h3"
    assert seen.page.locator(shown).all_inner_texts() == ["Rate 1"]
    seen.page.locator("select[data-axis=rate]").select_option("4")
    assert seen.page.locator(shown).all_inner_texts() == ["Rate 4"]
    assert seen.page.locator("#claims h3:visible").all_inner_texts() == ["Rate 4"]
    seen.page.locator("select[data-axis=rate]").select_option("")
    assert seen.page.locator(shown).count() == 5
    assert seen.trouble == []


# -- a running sweep -----------------------------------------------------------------------------------


@pytest.fixture
def live(folder, tmp_path):
    path = tmp_path / "live.html"
    path.write_text(report.build(folder, live=True))
    return path


def test_a_live_page_loads_itself_again_and_keeps_what_was_chosen(browser, live):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(f"file://{live}")
    assert page.locator("#live").inner_text().startswith("Live, as of")
    page.get_by_label("Accuracy", exact=True).check()
    page.locator("select[data-curves]").select_option("8")
    live.write_text(live.read_text().replace("<h1>", "<h1>News: "))
    with page.expect_navigation():
        page.clock.fast_forward(31_000)
    assert page.locator("h1:visible").inner_text().startswith("News: ")
    assert page.locator("input[name=quantity][value=accuracy]").is_checked()
    assert page.locator("select[data-curves]").input_value() == "8"
    context.close()


def test_a_page_whose_run_was_killed_does_not_pretend_to_live(browser, live):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time=live.stat().st_mtime + 20 * 60)
    page.goto(f"file://{live}")
    assert "20 min ago: the run may have stopped" in page.locator("#live").inner_text()
    context.close()


def test_a_finished_page_does_not_reload(visit):
    page = visit().page
    assert page.locator("#live").count() == 0


# -- hostile names -------------------------------------------------------------------------------------

EVIL = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=2>'\"`${alert(1)}\u2028<b>&lt;i&gt;"
LINK = '<a href="javascript:window.pwned=3">x</a>'


def poison(value):
    """Every text of a parsed file made hostile, but for what says how the file is read."""
    if isinstance(value, dict):
        kept = {"status", "trial_id", "norm", "recipe", "sha256", "checksum", "pack", "trial"}
        return {k: v if k in kept else poison(v) for k, v in value.items()}
    if isinstance(value, list):
        return [poison(v) for v in value]
    return EVIL + value + LINK if isinstance(value, str) else value


def test_a_page_made_of_hostile_names_stays_inert(visit, tmp_path):
    folder = write_sweep(
        str(tmp_path / "evil"),
        block(dataset=["cifar10", "digits"], seeds=2) + block(norm="gn", groups=8, seeds=2),
        status=lambda t: "failed" if (t.norm, t.seed) == ("gn", 2) else "done",
    )
    store = Store(folder)
    for path in Path(folder).rglob("*.json"):
        name = str(path.relative_to(folder))
        store.files.write_json(name, poison(store.files.read_json(name)))
    out = tmp_path / "evil.html"
    out.write_text(report.build(folder))
    seen = visit(f"file://{out}").drawn(FIG1)
    height = seen.page.evaluate("document.body.scrollHeight")
    for y in range(0, height, 500):
        seen.page.evaluate("y => scrollTo(0, y)", y)
        seen.page.wait_for_timeout(40)
    assert seen.page.evaluate("window.pwned") is None
    assert seen.page.locator("img, a[href^='javascript']").count() == 0
    shown = seen.page.locator("#cells td", has_text="<b>&lt;i&gt;")  # as the text that it is
    assert shown.count() > 0
    assert seen.page.locator(".plot text", has_text="<b>&lt;i&gt;").count() > 0
    assert seen.trouble == []
