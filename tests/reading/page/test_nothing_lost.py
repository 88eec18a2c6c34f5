"""Answers that are refused, sent late or sent from two tabs, in a real browser."""

import pytest

pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
pytest.importorskip("selenium", reason="drives a browser: needs selenium")
from reader_pages import values
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions

from deepresolve.reading.study import Study


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
