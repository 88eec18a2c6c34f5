"""Two readers read a small study in a real browser, in spite of everything."""

import time

import pytest

pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
pytest.importorskip("selenium", reason="drives a browser: needs selenium")
from reader_pages import CELLS, values
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from deepresolve.reading.study import Study

LONGEST_NAME = 40 * "W"
DOUBLE_CLICK_S = 0.7


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


def test_a_whole_study_is_read_and_nothing_is_lost(server, new_page):
    anna, ben = pages = [new_page(reader) for reader in ("anna", "ben")]
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
