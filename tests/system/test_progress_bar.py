import logging
import os
import pty
import subprocess
import sys
import time
import weakref

import pytest
from tqdm import tqdm

from deepresolve.system import progress_bar


@pytest.fixture
def quick(monkeypatch, caplog):
    """Lines come after 0.05 s, then every 0.1 s."""
    monkeypatch.setattr(progress_bar, "_FIRST_S", 0.05)
    monkeypatch.setattr(progress_bar, "_NEXT_S", 0.1)
    caplog.set_level(logging.INFO, "deepresolve")
    return caplog


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_log_tells_how_far_work_has_come_though_its_next_step_takes_long(quick):
    with progress_bar.shown("convert", 8, "scan", done=2) as bar:
        wait_for(lambda: quick.messages)
        assert quick.messages[0] == "convert: 2 of 8 scans after 0 s"
        bar.update(3, "the fourth")
        wait_for(lambda: "5 of 8" in quick.messages[-1])
        assert "convert: 5 of 8 scans after 0 s, about 0 s left" in quick.messages[-1]
        assert quick.messages[-1].endswith("the fourth")
    told = len(quick.messages)
    time.sleep(0.25)
    assert len(quick.messages) == told  # nothing after the end


def test_short_work_leaves_no_line(caplog):
    caplog.set_level(logging.INFO, "deepresolve")
    assert list(progress_bar.each("abc", "read", 3, "letter")) == ["a", "b", "c"]
    assert not caplog.messages


def test_hidden_work_is_counted_and_not_told(quick):
    with progress_bar.shown("convert", 8, "scan", hidden=True) as bar:
        time.sleep(0.2)
        bar.update(5)
        assert bar.done == 5
    assert not quick.messages


def test_an_unknown_total_is_not_told(quick):
    with progress_bar.shown("find scans", None, "scan") as bar:
        bar.update(7)
        wait_for(lambda: quick.messages)
    assert quick.messages[0] == "find scans: 7 scans after 0 s"


def test_no_item_is_held_while_the_next_one_is_made():
    class Scan:
        pass

    alive = []

    def scans():
        for _ in range(3):
            assert all(reference() is None for reference in alive)
            scan = Scan()
            alive.append(weakref.ref(scan))
            yield scan
            del scan

    for scan in progress_bar.each(scans(), "read", 3, "scan"):
        assert alive[-1]() is scan
        del scan
    assert len(alive) == 3


def test_an_error_ends_the_lines(quick):
    with pytest.raises(ValueError, match="bad"), progress_bar.shown("x", 2, "scan"):
        raise ValueError("bad")
    time.sleep(0.2)
    assert not quick.messages


def test_lines_become_rarer_but_never_rarer_than_ten_minutes(monkeypatch):
    log = progress_bar._Log("convert", 8, "scan", 0)
    now = log._start
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now)
    delays, told = log._delays(), []
    for _ in range(60):
        told.append(next(delays))
        now += told[-1]
    assert told[:3] == [10, 30, 30]
    assert told == sorted(told)
    assert told[-1] == 600


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (130, "2 min 10 s"),
        (1800, "30 min"),
        (3600, "1 h"),
        (9000, "2 h 30 min"),
    ],
)
def test_durations_are_told_in_words(seconds, words):
    assert progress_bar.duration(seconds) == words


def test_a_terminal_gets_a_bar_that_moves_while_a_step_takes_long():
    code = (
        "import logging, time; logging.basicConfig(level=logging.INFO)\n"
        "from deepresolve.system import progress_bar\n"
        "with progress_bar.shown('convert', 2, 'scan') as bar:\n"
        "    time.sleep(2.3); bar.update(1, 'loss 0.1')\n"
    )
    parent, child = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=child) as process:
        os.close(child)
        text = b""
        while True:
            try:
                text += os.read(parent, 4096)
            except OSError:  # as Linux tells the end
                break
    os.close(parent)
    assert process.returncode == 0
    shown = text.decode()
    assert "00:01<?" in shown  # still 0 of 2: the clock goes on
    assert "INFO" not in shown


def test_bars_are_tqdms():
    assert isinstance(progress_bar._Terminal("x", 1, "scan", 0)._bar, tqdm)
