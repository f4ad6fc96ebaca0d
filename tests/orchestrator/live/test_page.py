"""The live page in a real browser: it follows a sweep without being loaded again. Needs playwright and chromium."""

import shutil
import subprocess
import sys
import time

import pytest

from orchestrator.results.files import Files
from orchestrator.results.lock import Lock
from orchestrator.results.store import Store
from tests.helpers.live_page import served
from tests.helpers.synthetic import block, write_sweep
from tests.helpers.tiny import TWO_PACKS
from tests.helpers.waiting import HANGS, until

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
    pytest.mark.xdist_group("browser"),
]
TRIALS = block(seeds=2, epochs=6) + block(norm="gn", groups=8, seeds=2, epochs=6)
SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        playwright.expect.set_options(timeout=30_000)
        yield started
        playwright.expect.set_options(timeout=5_000)
        started.close()


@pytest.fixture
def folder(tmp_path):
    write_sweep(
        str(tmp_path / "sweep"), TRIALS, status=lambda t: "done" if t.norm == "gn" else "partial", name=SCRIPT
    )
    return tmp_path / "sweep"


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.trouble = []
    page.on("console", lambda m: page.trouble.append(m.text))
    page.on("pageerror", lambda e: page.trouble.append(str(e)))
    page.on("dialog", lambda d: (page.trouble.append(d.message), d.dismiss()))
    yield page
    context.close()


def grow(folder, trial, epoch, error):
    store = Store(str(folder))
    history = store.scan(history=True)[trial.trial_id].history
    new = {**history["epochs"][-1], "epoch": epoch, "test_error": error, "ended": time.time()}
    store.write_history(trial.trial_id, {**history, "epochs": [*history["epochs"], new]})


def test_new_epochs_come_without_loading_it_again(page, folder):
    running = TRIALS[0]
    with Lock(Files(str(folder)), "c", running=lambda: [running.trial_id]), served(folder) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        page.evaluate("window.mark = 'still this page'")
        cells = page.locator("#running tbody tr td")
        playwright.expect(cells.nth(2)).to_have_text("2/6")
        line = page.locator(f"#curves polyline[data-trial={running.trial_id}]")
        before = line.get_attribute("points").split()
        grow(folder, running, 3, 12.25)
        playwright.expect(cells.nth(2)).to_have_text("3/6")
        playwright.expect(cells.nth(3)).to_have_text("12.25%")
        assert len(line.get_attribute("points").split()) == len(before) + 1
        playwright.expect(page.locator("#counts")).to_have_text("1 running · 2 done · 1 waiting")
        page.get_by_role("link", name="Log").click()
        playwright.expect(page.locator("#events li").first).to_contain_text("epoch 3, error 12.25%")
        assert page.evaluate("window.mark") == "still this page"
        assert page.title().endswith(SCRIPT)
    assert page.trouble == []


def test_every_trial_is_found(page, folder):
    with served(folder) as port:
        page.goto(f"http://127.0.0.1:{port}/#trials")
        rows = page.locator("#all tbody tr")
        playwright.expect(rows).to_have_count(4)
        page.get_by_label("Show").select_option("done")
        playwright.expect(rows).to_have_count(2)
        page.get_by_label("Show").select_option("")
        page.get_by_label("whose name holds").fill("bn-b32-s1")
        playwright.expect(rows).to_have_count(1)
        playwright.expect(rows.locator("td").first).to_have_text(TRIALS[0].trial_id)
    assert page.trouble == []


def test_the_report_is_in_it_and_a_newer_one_follows(page, folder):
    """One that says that it is live loads itself, and keeps its reader's choices."""
    with served(folder) as port:
        page.goto(f"http://127.0.0.1:{port}/#report")
        playwright.expect(page.locator("#none")).to_be_visible()
        (folder / "report.html").write_text("<h1>the first one</h1>")
        heading = page.frame_locator("#frame").locator("h1")
        playwright.expect(heading).to_have_text("the first one")
        (folder / "report.html").write_text("<h1>a live one</h1><b id=live></b>")
        playwright.expect(heading).to_have_text("a live one")
        (folder / "report.html").write_text("<h1>the last one</h1>")
        grow(folder, TRIALS[0], 3, 12.25)
        page.get_by_role("link", name="Log").click()
        playwright.expect(page.locator("#events li").first).to_contain_text("epoch 3, error 12.25%")
        page.get_by_role("link", name="Report").click()
        playwright.expect(heading).to_have_text("a live one")
        page.evaluate("document.getElementById('frame').contentWindow.location.reload()")  # as it does
        playwright.expect(heading).to_have_text("the last one")
    assert page.trouble == []


def test_it_says_when_the_folder_is_away_and_when_it_is_back(page, folder):
    with served(folder) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        playwright.expect(page.locator("#held")).to_have_text("No run holds it now.")
        folder.rename(f"{folder}-away")
        playwright.expect(page.get_by_role("alert")).to_contain_text("What is shown may be old")
        folder.with_name("sweep-away").rename(folder)
        playwright.expect(page.get_by_role("alert")).to_be_hidden()


def test_on_a_phone_nothing_lies_off_screen_but_tables_that_scroll(browser, folder):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    with served(folder) as port:
        for tab in ("now", "trials", "log", "report"):
            page.goto(f"http://127.0.0.1:{port}/#{tab}")
            playwright.expect(page.locator("#name")).to_have_text(SCRIPT)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.slow
def test_a_real_sweep_from_its_first_epoch_to_its_report(page, tmp_path, images):
    (tmp_path / "tiny.yaml").write_text(TWO_PACKS)
    out = tmp_path / "out"
    words = ["--grid", str(tmp_path / "tiny.yaml"), "--data-dir", str(images), "--results", str(out)]
    words += ["--executor", "inline", "--epochs", "15"]
    run = subprocess.Popen([sys.executable, "-m", "orchestrator.run", *words], stdout=subprocess.DEVNULL)
    try:
        until((out / "sweep.json").exists, what="the sweep is declared")
        with served(out) as port:
            page.goto(f"http://127.0.0.1:{port}/")
            page.evaluate("window.mark = 1")
            playwright.expect(page.locator("#counts")).to_have_text("6 done", timeout=1000 * HANGS)
            page.get_by_role("link", name="Report").click()
            inside = page.frame_locator("#frame")
            inside.locator("h1").first.wait_for(timeout=30_000)
            inside.locator(".plot .main-svg").first.wait_for(timeout=30_000)
            assert page.evaluate("window.mark") == 1
    finally:
        assert run.wait(HANGS) == 0
    assert page.trouble == []
