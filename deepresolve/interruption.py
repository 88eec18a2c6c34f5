"""An end that is asked for: a scheduler's SIGTERM, a user's Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
import types
from collections.abc import Iterator

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(KeyboardInterrupt):
    """Work ended in good order because a signal asked for it.

    Attributes:
      name: of the signal.
      status: exit status of the process, as shells and schedulers tell a signal: 143
        after SIGTERM, 130 after SIGINT.
    """

    def __init__(self, number: int):
        self.name = signal.Signals(number).name
        self.status = 128 + number
        super().__init__(f"Ended by {self.name}.")


class Interruption:
    """Remembers a signal until there is a good moment to end.

    Attributes:
      number: of the signal that has come; 0 while none has.
    """

    def __init__(self):
        self.number = 0
        self._before = {}

    def _install(self):
        for number in _SIGNALS:
            # A shell starts what runs in the background with SIGINT ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._remember)

    def _remember(self, number: int, frame: types.FrameType | None) -> None:
        self.number = number
        self._restore()  # A second signal need not wait.

    def _restore(self):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


@contextlib.contextmanager
def held_back() -> Iterator[Interruption]:
    """SIGTERM and SIGINT are only remembered in this context, for who asks.

    The second one acts at once, as it would without. Python hands signals to the main
    thread alone: in any other nothing is held back.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    interruption._install()
    try:
        yield interruption
    finally:
        interruption._restore()
