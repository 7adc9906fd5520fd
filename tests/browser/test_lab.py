"""The course in a real browser, as `make lab` serves it: no pop-ups, a check that answers, a widget
that moves, nbgrader's Validate. Screenshots go to tests/browser/screenshots/ to be looked at."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
QUIET = [
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "no-first-run",
]
TOKEN = "browser-test"
PATIENCE = 90_000  # milliseconds; a kernel's first imports on a busy machine take long

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no chromium: install it to run the browser tests"),
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("browser"),  # one server, one browser
]

WRONG = "def graph_gradients(x, y, z):\n    return (x * y + z).sum(), x, y, 1 + 0 * z\n"
RIGHT = "def graph_gradients(x, y, z):\n    return (x * y + z).sum(), y, x, 1 + 0 * z\n"
CHECK = '\n\ncheck("backprop.graph_gradients", graph_gradients)'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`course lab` on a copy of the course, in a home of its own."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "class"
    shutil.copytree(COURSE / "course", folder / "course")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    course = Path(sys.executable).with_name("course")
    environment = {**os.environ, "HOME": str(home), "JUPYTER_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"}
    log = (home / "lab.log").open("w")
    process = subprocess.Popen(
        [str(course), "lab", "--no-browser", "--port", str(port)],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, home / "lab.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        log.close()


def _wait_until_up(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5)
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"course lab did not come up:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = [f"--{name}" for name in QUIET]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(server, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def open_notebook(page, server: str, name: str):
    """Open a notebook in a workspace of its own; return its panel once the kernel waits."""
    workspace = f"{name}-{time.monotonic_ns()}"
    page.goto(f"{server}/lab/workspaces/{workspace}/tree/course/{name}/{name}.ipynb?token={TOKEN}")
    panel = page.locator(".jp-NotebookPanel")
    panel.locator(".jp-Cell").first.wait_for()
    panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    return panel


def picture(page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def nothing_pops_up(page) -> None:
    assert page.locator(".jp-Dialog").count() == 0
    assert page.locator(".Toastify__toast").count() == 0


def find_cell(page, text: str):
    """Scroll down to the code cell with this text: cells out of sight are not in the page."""
    cell = page.locator(".jp-CodeCell").filter(has_text=text).first
    page.mouse.move(640, 600)
    for _ in range(60):
        if cell.count():
            cell.scroll_into_view_if_needed()
            return cell
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(100)
    raise AssertionError(f"no cell with {text!r}")


def run_cell(page, text: str):
    """Run the cell with this text and wait for its number; a key may get lost while pages move."""
    from playwright.sync_api import expect

    cell = find_cell(page, text)
    prompt = cell.locator(".jp-InputPrompt").first
    for _ in range(4):
        prompt.click()
        page.keyboard.press("ControlOrMeta+Enter")
        with contextlib.suppress(AssertionError):
            expect(prompt).to_have_text(re.compile(r"[0-9]"), timeout=PATIENCE / 4)
            return cell
    raise AssertionError(f"the cell with {text!r} did not run")


def test_lab_opens_on_the_first_notebook(page, server):
    page.goto(f"{server}/?token={TOKEN}")
    open_title = page.locator(".lm-TabBar-tab.jp-mod-current .lm-TabBar-tabLabel")
    open_title.filter(has_text="00_start_here.ipynb").wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for()
    page.wait_for_timeout(3000)  # late pop-ups come within seconds
    nothing_pops_up(page)
    picture(page, "00_start_here")


def test_student_works_on_the_first_exercise(page, server):
    open_notebook(page, server, "01_backprop")
    run_cell(page, "from pytools import check")
    nothing_pops_up(page)
    cell = find_cell(page, "def graph_gradients")

    def answer(source: str, reply: str) -> str:
        cell.locator(".cm-content").first.click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(source + CHECK)
        page.keyboard.press("ControlOrMeta+Enter")
        table = cell.locator(".jp-OutputArea-output").filter(has_text=reply).first
        table.wait_for()
        cell.scroll_into_view_if_needed()
        return cell.inner_text()

    blank = answer(
        "def graph_gradients(x, y, z):\n    raise NotImplementedError\n", "not written yet"
    )
    assert "Finding" in blank
    first = answer(WRONG, "own factor")
    assert "Is it x that decides that?" not in first
    wrong = answer(WRONG, "Is it x that decides that?")  # the second failure adds the hint
    picture(page, "01_wrong_answer")
    assert "grad_x holds what grad_y should be" in wrong and "Expected" in wrong
    right = answer(RIGHT, "backprop.graph_gradients: right")
    picture(page, "01_right_answer")
    assert "Finding" not in right and "ordinary 3/3" in right


def test_widget_moves(page, server):
    from playwright.sync_api import expect

    open_notebook(page, server, "01_backprop")
    run_cell(page, "from pytools import check")
    cell = run_cell(page, "step_through(example_graph())")
    widget = cell.locator(".jp-OutputArea-output").filter(has=page.locator(".noUi-handle"))
    figure = widget.locator("img")
    first = figure.get_attribute("alt")
    widget.get_by_role("button", name="Next").click()
    expect(figure).not_to_have_attribute("alt", first)
    second = figure.get_attribute("alt")
    widget.locator(".noUi-handle").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(figure).not_to_have_attribute("alt", second)
    widget.scroll_into_view_if_needed()
    picture(page, "01_widget")
    assert len({first, second, figure.get_attribute("alt")}) == 3


def test_validate_names_what_is_not_right_yet(page, server):
    open_notebook(page, server, "01_backprop")
    page.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog")
    dialog.filter(has_text="relative_error").wait_for()
    picture(page, "01_validate")
    text = dialog.inner_text()
    assert "failed" in text and "matmul_backward" in text
    assert "The function is not written yet" in text, "Validate, too, gives the reason"
