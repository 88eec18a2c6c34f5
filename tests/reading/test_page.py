"""Two readers read a small study in a real browser, in spite of everything."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from deepresolve.reading import preparation, questions
from deepresolve.reading.study import Study

pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
pytest.importorskip("selenium", reason="drives a browser: needs selenium")
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="drives a browser: needs chromium, chromedriver"
)
ASKED = (
    questions.Question("diq", "Diagnostic image quality"),
    questions.Question("rank", "Rank", "rank"),
    questions.Question("position", "Positioning of the knee", scope="case"),
    questions.Question("remarks", "Remarks", "remark", scope="case"),
    questions.Question("findings", "Findings", "remark", scope="case"),
)
TITLE = 5 * "Super-resolution of the knee "
LONGEST_NAME = 40 * "W"
DOUBLE_CLICK_S = 0.7
CELLS = [("diq", 0), ("diq", 1), ("diq", 2), ("rank", 0), ("rank", 1), ("rank", 2)]
CELLS.append(("position", -1))
RANKS = ("123", "231", "312", "213")
PATIENCE_S = 10


def values(reader, number):
    """What a scripted reader answers to his case of that number, in order."""
    shift = number + 2 * (reader == "ben")
    return [str((shift + n) % 5 + 1) for n in range(3)] + [
        *RANKS[shift % 4],
        str(shift % 5 + 1),
    ]


class Server:
    """The command, as a user gives it."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [sys.executable, "-m", "deepresolve.reading", "serve"]
        self.process = subprocess.Popen(
            [*command, f"--study={self.folder}", f"--port={self.port}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().split(": ", 1)[1].strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def anna(server):
    """Her browser; she reads alone."""
    page = Page(server.url, "anna")
    yield page
    page.close()


@pytest.fixture
def server(new_evaluation, tmp_path, new_design):
    evaluation = new_evaluation(num_cases=2, shape=(20, 24, 16))
    design = new_design(questions=ASKED, title=TITLE)
    preparation.prepare(evaluation, tmp_path / "study", design)
    server = Server(tmp_path / "study")
    yield server
    server.kill()


class Page:
    """One reader's browser."""

    def __init__(self, url, reader):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in ("headless=new", "no-sandbox", "disable-gpu"):
            options.add_argument(f"--{flag}")
        options.add_argument("--window-size=1280,900")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.get(url)
        self.until(lambda: self.all("button.reader"))
        next(b for b in self.all("button.reader") if b.text == reader).click()
        self.until_loaded(1)

    def close(self):
        self.driver.quit()

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return "".join(self.texts(selector)[:1])

    def texts(self, selector):
        """Texts of the elements, in the order of the page."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((e) => "
            "e.textContent)",
            selector,
        )

    def until(self, condition):
        wait = WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.02)
        return wait.until(lambda driver: condition())

    def until_loaded(self, number):
        """Until the case of this number, from 1, can be read."""
        self.until(lambda: self.text("#case").startswith(f"Case {number} of 4"))
        self.until(
            lambda: (
                self.driver.execute_script("return document.body.dataset.loaded")
                == "100"
            )
        )

    def until_saved(self):
        waiting = "return document.body.dataset.waiting"
        self.until(lambda: self.driver.execute_script(waiting) == "0")
        self.until(lambda: self.text("#saved") == "✓ Saved")

    def type(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def given(self):
        """What the panel shows, in order; "·" where nothing was answered."""
        return self.texts("#questions .cells button")

    def write(self, remark):
        """Puts a remark in, as pasting does, whatever its length."""
        self.driver.execute_script(
            "const area = document.querySelector('textarea'); area.maxLength = 1e6;"
            "area.focus(); area.value = arguments[0]; area.blur()",
            remark,
        )

    def press_at_once(self, *keys):
        """Presses keys before the page can do more than hear them."""
        self.driver.execute_script(
            "for (const key of arguments[0]) document.dispatchEvent("
            "new KeyboardEvent('keydown', {key}))",
            keys,
        )

    def lock(self):
        self.type(Keys.ENTER)
        self.until(lambda: self.text("#lock") == "Lock for good")
        self.type(Keys.ENTER)

    def labels(self):
        return [" ".join(text.split()) for text in self.texts(".plane")]

    def picture(self, n):
        return self.driver.execute_script(
            "return document.querySelectorAll('canvas')[arguments[0]].toDataURL()", n
        )

    def drawn(self):
        """Lets what is waiting be drawn."""
        self.driver.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
        )


def read_by_keyboard(page, server):
    # Half of the first case, then the page is loaded again.
    first = values("anna", 0)
    page.type(*first[:4])
    page.until_saved()
    page.driver.refresh()
    page.until_loaded(1)
    assert page.given() == first[:4] + ["·"] * 3
    page.type(*first[4:])  # The first that is missing has the focus.
    page.type("m", "sharp <b>& clear", Keys.ESCAPE)
    page.type("m")
    focused = page.driver.switch_to.active_element
    assert focused.get_attribute("data-question") == "findings"
    page.type(Keys.ESCAPE)
    page.lock()
    # In the second one the server is killed and the page closed; the answers wait.
    page.until_loaded(2)
    second = values("anna", 1)
    page.type(*second[:3])
    page.until_saved()
    server.kill()
    page.type(*second[3:5])
    page.until(lambda: "2 entries are kept" in page.text("#message"))
    assert page.text("#saved") == "Not saved yet"
    check_all_is_within_the_window(page)
    page.driver.get("about:blank")
    server.start()
    page.driver.get(server.url)
    page.until_loaded(2)
    page.until_saved()
    assert page.given() == second[:5] + ["·"] * 2
    # It is killed once more; the page waits for it.
    server.kill()
    page.type(*second[5:])
    page.until(lambda: "are kept" in page.text("#message"))
    server.start()
    page.until_saved()
    page.lock()
    # On to the last case, back to the third, which is still open.
    page.until_loaded(3)
    page.press_at_once("PageDown", "1", "PageUp")
    page.until_loaded(4)
    page.until(lambda: page.text("#hint").endswith("not taken: 1, PageUp"))
    assert page.given() == ["·"] * 7
    page.type(values("anna", 3)[0], Keys.PAGE_UP)
    page.until_loaded(3)
    page.type(*values("anna", 2))
    page.lock()
    page.until_loaded(4)
    assert page.given() == [values("anna", 3)[0]] + ["·"] * 6
    page.type(*values("anna", 3)[1:])
    page.lock()
    page.until(lambda: "All cases are read" in page.text("#notice"))


def check_all_is_within_the_window(page):
    """With a long title, the longest name, and the words for a server that is away."""
    right = """
    document.getElementById("reader").textContent = arguments[0];
    const ends = [...document.querySelectorAll("#bar *, #lock, canvas")].map(
      (element) => element.getBoundingClientRect().right);
    return [innerWidth, document.body.scrollWidth, Math.max(...ends)];
    """
    width, *ends = page.driver.execute_script(right, LONGEST_NAME)
    assert width <= 1280
    assert max(ends) <= width
    message = page.all("#message")[0]
    shown, written = (message.get_property(f"{n}Width") for n in ("client", "scroll"))
    assert shown == written


def change_ones_mind(page):
    """Whatever else is clicked takes the question back."""
    lock = page.all("#lock")[0]
    for other in ("#values .given", "canvas", "#hint"):
        page.type(Keys.ENTER)
        assert lock.text == "Lock for good"
        page.all(other)[0].click()
        assert lock.text == "Lock case", other


def lock_by_mouse(page):
    lock = page.all("#lock")[0]
    ActionChains(page.driver).double_click(lock).perform()
    assert lock.text == "Lock for good"
    time.sleep(DOUBLE_CLICK_S)
    lock.click()


def read_by_mouse(page):
    for number in range(4):
        page.until_loaded(number + 1)
        for cell, value in zip(CELLS, values("ben", number), strict=True):
            question, place = cell
            page.all(f'[data-question="{question}"][data-place="{place}"]')[0].click()
            page.all(f'#values [data-value="{value}"]')[0].click()
        page.until(lambda: page.all("#lock:enabled"))
        if number == 0:
            change_ones_mind(page)
        lock_by_mouse(page)
    page.until(lambda: "All cases are read" in page.text("#notice"))


def look_around(page):
    """Wheel, arrows, window, zoom, pan, one pane: each changes what it should."""
    canvases = page.all("canvas")
    assert len(canvases) == 9
    assert page.labels() == ["sagittal 13/24", "coronal 11/20", "axial 9/16"]
    wheel = ActionChains(page.driver)
    wheel.scroll_from_origin(
        webdriver.common.actions.wheel_input.ScrollOrigin.from_element(canvases[4]),
        0,
        120,
    ).perform()
    page.until(lambda: page.labels()[1] == "coronal 12/20")
    page.type(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    page.until(
        lambda: page.labels() == ["sagittal 13/24", "coronal 10/20", "axial 10/16"]
    )
    page.drawn()
    before = page.picture(0)
    for gesture in (drag_with_right, zoom_and_pan):
        gesture(page, canvases[1])
        page.drawn()
        assert page.picture(0) != before
        page.type("r")
        page.drawn()
        assert page.picture(0) == before
    # A click in one plane of one image moves the cursor of all.
    ActionChains(page.driver).move_to_element_with_offset(
        canvases[2], 20, 30
    ).click().perform()
    page.until(lambda: page.labels()[1] != "coronal 10/20")
    assert page.labels()[2] != "axial 10/16"
    ActionChains(page.driver).double_click(canvases[0]).perform()
    assert [c.is_displayed() for c in canvases] == [True] + [False] * 8
    page.type(Keys.ESCAPE, "f")
    assert sum(c.is_displayed() for c in canvases) == 3
    page.type("f", "?")
    assert page.all("#help")[0].is_displayed()
    page.type("?", "1", Keys.BACKSPACE)


def drag_with_right(page, canvas):
    ActionChains(page.driver).move_to_element(canvas).perform()
    page.driver.execute_script(
        """
        const send = (name, x, y, button) => arguments[0].dispatchEvent(
          new PointerEvent(name, {bubbles: true, cancelable: true, pointerId: 1,
            button, clientX: x, clientY: y}));
        Element.prototype.setPointerCapture = () => {};
        send("pointerdown", 100, 100, 2);
        send("pointermove", 160, 60, -1);
        send("pointerup", 160, 60, 2);
        """,
        canvas,
    )


def zoom_and_pan(page, canvas):
    page.type("+", "+")
    chain = ActionChains(page.driver).key_down(Keys.SHIFT).move_to_element(canvas)
    chain.click_and_hold().move_by_offset(15, 25).release().key_up(Keys.SHIFT).perform()


def test_a_whole_study_is_read_and_nothing_is_lost(server):
    with contextlib.ExitStack() as stack:
        pages = [Page(server.url, reader) for reader in ("anna", "ben")]
        for page in pages:
            stack.callback(page.close)
        anna, ben = pages
        look_around(ben)
        read_by_keyboard(anna, server)
        read_by_mouse(ben)
        for page in pages:
            check_alone(page, server)
    check_answers(Study.load(server.folder))


def check_alone(page, server):
    """Nothing came from elsewhere, and nothing was wrong but the killed server."""
    loaded = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert loaded
    assert all(name.startswith(server.url) for name in loaded)
    log = [entry["message"] for entry in page.driver.get_log("browser")]
    assert [text for text in log if "ERR_CONNECTION" not in text] == []


def check_answers(study):
    expected = {
        (reader, name, place, question): value
        for reader in ("anna", "ben")
        for number, name in enumerate(study.order[reader])
        for (question, place), value in zip(CELLS, values(reader, number), strict=True)
    }
    expected["anna", study.order["anna"][0], -1, "remarks"] = "sharp <b>& clear"
    held = study.answers.all_answers()
    found = {(a.reader, a.presentation, a.place, a.question): a.value for a in held}
    assert found == expected
    assert len(held) == len(expected)
    given = [a for a in study.answers.history() if a.reader == "anna"]
    # Each was given once and arrived once, however often it had to be sent.
    assert len(given) == len([key for key in expected if key[0] == "anna"])
    locked = {
        (reader, name) for reader in study.readers for name in study.order[reader]
    }
    assert set(study.answers.locks()) == locked


def held(server):
    """By question and place, what the server has of anna's first case."""
    study = Study.load(server.folder)
    answers = study.answers.answers_to("anna", study.order["anna"][0])
    return {(a.question, a.place): a.value for a in answers}


def test_a_case_is_not_locked_while_an_answer_is_refused(server, anna):
    anna.type(*values("anna", 0))
    anna.write("over\x0bthe\x0ccartilage\x00")
    anna.until_saved()
    assert held(server)["remarks", -1] == "over\nthe\ncartilage"
    too_long = 500 * "blurred. " + "end"
    anna.write(too_long)
    anna.until(lambda: "4000 characters at most" in anna.text("#message"))
    written = "return document.querySelector('textarea').value"
    assert anna.driver.execute_script(written) == too_long
    anna.lock()
    anna.until(lambda: "Not locked: remarks: a remark has" in anna.text("#message"))
    # It is kept while another case is looked at.
    anna.type(Keys.PAGE_DOWN)
    anna.until_loaded(2)
    anna.type(Keys.PAGE_UP)
    anna.until_loaded(1)
    assert anna.driver.execute_script(written) == too_long
    assert Study.load(server.folder).answers.locks() == {}
    assert anna.given() == values("anna", 0)
    anna.write("short")
    anna.lock()
    anna.until_loaded(2)
    assert held(server)["remarks", -1] == "short"


def test_two_tabs_of_a_reader_lose_nothing_and_keep_the_order(server, anna):
    driver = anna.driver
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    second = driver.current_window_handle
    driver.get(server.url)
    anna.until_loaded(1)
    server.kill()
    for tab, keys in ((first, "12"), (second, "5"), (first, "3"), (second, "4")):
        driver.switch_to.window(tab)
        anna.type(*keys)
    driver.close()  # the second one; the first sends what it has left
    driver.switch_to.window(first)
    server.start()
    anna.until_saved()
    history = Study.load(server.folder).answers.history()
    assert [(a.question, a.place, a.value) for a in history] == [
        ("diq", 0, "1"),
        ("diq", 1, "2"),
        ("diq", 0, "5"),
        ("diq", 2, "3"),
        ("diq", 1, "4"),
    ]


def test_leaving_takes_no_answer_along(server, anna):
    server.kill()
    anna.type("3")
    anna.all("#leave")[0].click()
    anna.until(lambda: expected_conditions.alert_is_present()(anna.driver))
    anna.driver.switch_to.alert.dismiss()
    assert anna.text("#reader") == "anna"
    server.start()
    anna.type("4")
    anna.all("#leave")[0].click()
    anna.until(lambda: "Who reads?" in anna.text("#notice"))
    assert held(server) == {("diq", 0): "3", ("diq", 1): "4"}


def test_a_case_that_is_on_its_way_is_not_fetched_again(anna):
    anna.driver.execute_cdp_cmd("Network.enable", {})
    slow = {"latency": 200, "downloadThroughput": -1, "uploadThroughput": -1}
    anna.driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions", {"offline": False, **slow}
    )
    anna.type(Keys.PAGE_DOWN)
    anna.until_loaded(2)
    anna.type(Keys.PAGE_DOWN)  # while the third case's description is on its way
    anna.until_loaded(3)
    fetched = anna.driver.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    slabs = [name for name in fetched if "/api/images/" in name]
    assert len(slabs) >= 3 * 3
    assert len(slabs) == len(set(slabs))
