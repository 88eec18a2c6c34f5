"""How far long work has come: a bar in a terminal, now and then a line in a log.

    with progress_bar.shown("super-resolution", num_planes, "plane") as bar:
        for planes in ...:
            bar.update(len(planes))

Without a terminal the first line comes after 10 seconds, further ones every 30, later
more rarely, and none for work that is done before. Both go on by the clock, so that
work whose next step takes long is seen to live.
"""

from __future__ import annotations

import abc
import contextlib
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

_logger = logging.getLogger(__name__)

Item = TypeVar("Item")

_FIRST_S, _NEXT_S, _LONGEST_S = 10.0, 30.0, 600.0
_SHARE_OF_ELAPSED = 0.1
_REDRAW_S = 1.0
_USUAL_SIZE = (80, 24)


class Bar:
    """Counts what is done; what it shows of that is a subclass's.

    Attributes:
      done: units so far.
      text: what else to show beside the count.
    """

    def __init__(self, done: int = 0):
        self.done = done
        self.text = ""

    def update(self, number: int = 1, text: str = "") -> None:
        """Counts further units as done."""
        self.done += number
        self.text = text


class _Ticking(Bar, abc.ABC):
    """One that is shown by the clock, from a thread of its own; abstract."""

    def __init__(self, done: int):
        super().__init__(done)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> None:
        """Begins to show."""
        self._thread.start()

    def close(self) -> None:
        """Shows nothing any more."""
        self._closed.set()
        self._thread.join()

    def _tick(self) -> None:
        for delay in self._delays():
            if self._closed.wait(delay):
                return
            self._show()

    @abc.abstractmethod
    def _delays(self) -> Iterator[float]:
        """Seconds before it is shown for the first time, the second, ..."""

    @abc.abstractmethod
    def _show(self) -> None:
        """Shows how far it has come."""


class _Terminal(_Ticking):
    """A bar of tqdm, which vanishes at the end."""

    def __init__(self, what: str, total: int | None, unit: str, done: int):
        super().__init__(done)
        columns, rows = _size()
        self._bar = tqdm(
            total=total,
            desc=what,
            unit=unit,
            initial=done,
            leave=False,
            file=sys.stderr,
            ncols=columns,
            nrows=rows,
        )

    def update(self, number: int = 1, text: str = "") -> None:
        """Counts and, as often as tqdm finds good, draws."""
        super().update(number, text)
        if text:
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(number)

    def close(self) -> None:
        """Takes the bar away."""
        super().close()
        self._bar.close()

    def _delays(self) -> Iterator[float]:
        return itertools.repeat(_REDRAW_S)

    def _show(self) -> None:
        self._bar.refresh()


def _size() -> tuple[int | None, int | None]:
    """Columns and rows of the terminal; None where tqdm finds out.

    A container's terminal may say that it has none: tqdm would draw nothing there.
    """
    try:
        known = all(os.get_terminal_size(sys.stderr.fileno()))
    except (OSError, ValueError):
        known = False
    return (None, None) if known else _USUAL_SIZE


class _Log(_Ticking):
    """Lines in the log."""

    def __init__(self, what: str, total: int | None, unit: str, done: int):
        super().__init__(done)
        self._what, self._total, self._unit = what, total, unit
        self._first, self._start = done, time.monotonic()

    def _delays(self) -> Iterator[float]:
        yield _FIRST_S
        while True:
            elapsed = time.monotonic() - self._start
            yield min(max(_NEXT_S, _SHARE_OF_ELAPSED * elapsed), _LONGEST_S)

    def _show(self) -> None:
        elapsed = time.monotonic() - self._start
        _logger.info("%s", self._line(elapsed))

    def _line(self, elapsed: float) -> str:
        count = f"{self.done} {self._unit}s"
        if self._total is not None:
            count = f"{self.done} of {self._total} {self._unit}s"
        parts = [f"{self._what}: {count} after {duration(elapsed)}"]
        if self._total is not None and self.done > self._first:
            each = elapsed / (self.done - self._first)
            parts.append(f"about {duration(each * (self._total - self.done))} left")
        if self.text:
            parts.append(self.text)
        return ", ".join(parts)


@contextlib.contextmanager
def shown(
    what: str,
    total: int | None,
    unit: str,
    *,
    done: int = 0,
    hidden: bool = False,
) -> Iterator[Bar]:
    """Shows how far work has come for as long as this context lasts.

    Args:
      what: the work, in a word or two.
      total: units of it; None where nobody knows.
      unit: their name in the singular; small, so that the count does not stand still.
      done: units that were done before.
      hidden: only count.
    """
    if hidden:
        yield Bar(done)
        return
    kind = _Terminal if sys.stderr.isatty() else _Log
    bar = kind(what, total, unit, done)
    bar.start()
    try:
        yield bar
    finally:
        bar.close()


def each(
    items: Iterable[Item],
    what: str,
    total: int | None,
    unit: str,
    *,
    hidden: bool = False,
) -> Iterator[Item]:
    """The items, one unit each of what `shown` shows."""
    with shown(what, total, unit, hidden=hidden) as bar:
        for item in items:
            yield item
            del item  # may be large, and is not to be held while the next one is read
            bar.update()


def duration(seconds: float) -> str:
    """A time in words, as exactly as someone who waits needs it: 2 min 10 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
