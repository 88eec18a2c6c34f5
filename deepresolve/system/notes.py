"""Notes: what a user should know of a scan that was read all the same.

Whoever reads a scan logs a warning, which begins with the path. A command that tells
its user what became of each scan, or keeps it in a report, collects them.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Iterable, Iterator

_READERS = "deepresolve.imaging"


@contextlib.contextmanager
def collected() -> Iterator[list[str]]:
    """Gathers what reading warns of in this context and thread, instead of showing it.

    Yields:
      The texts so far, each once, in order.
    """
    logger = logging.getLogger(_READERS)
    handler = _Collector()
    _open.enter(logger, handler)
    try:
        yield handler.notes
    finally:
        _open.leave(logger, handler)


def tell(lines: Iterable[str]) -> None:
    """Prints lines for the user; notes among them go where errors go, too."""
    for line in lines:
        stream = sys.stderr if line.startswith("note: ") else sys.stdout
        print(line, file=stream, flush=True)


class _Open:
    """The contexts of all threads, which may end in another order than they began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._was_shown = True

    def enter(self, logger: logging.Logger, handler: logging.Handler) -> None:
        with self._lock:
            if not self._count:
                self._was_shown = logger.propagate
            self._count += 1
            logger.addHandler(handler)
            logger.propagate = False

    def leave(self, logger: logging.Logger, handler: logging.Handler) -> None:
        with self._lock:
            self._count -= 1
            logger.removeHandler(handler)
            if not self._count:
                logger.propagate = self._was_shown


_open = _Open()


class _Collector(logging.Handler):
    """Keeps the warnings of its own thread; hands everything else on."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one record, or hands it on."""
        if record.levelno < logging.WARNING or record.thread != self._thread:
            parent = logging.getLogger(_READERS).parent
            if parent is not None:
                parent.handle(record)
        elif (text := record.getMessage()) not in self.notes:
            self.notes.append(text)
