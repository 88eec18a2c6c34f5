"""An end that is asked for: a scheduler's SIGTERM, a user's Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# Until a signal that Python has passed over is sent again.
_AGAIN_SECONDS = 0.05


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

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[signal.Signals, Any] = {}

    def act(self) -> None:
        """Lets a signal that has come do now what it would have done then."""
        if self.number:
            signal.raise_signal(self.number)

    def _install(self) -> None:
        for number in _SIGNALS:
            # A shell starts what runs in the background with SIGINT ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._remember)

    def _remember(self, number: int, frame: types.FrameType | None) -> None:
        self.number = number
        self._restore()  # A second signal need not wait.

    def _restore(self) -> None:
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


def raise_on_sigterm() -> None:
    """From here on SIGTERM raises `Interrupted`, so that nothing half-written stays.

    The second one ends the process at once. Only the main thread may call it.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _raise)


def _raise(number: int, frame: types.FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Interrupted(number)


def repeat_what_finalizers_pass_over() -> None:
    """Sends a signal again that came while a finalizer ran, and was lost there.

    Python prints what a `__del__` or the callback of a weak reference raises, and goes
    on. A command would end its work in spite of Ctrl-C, with status 0.
    """
    before = sys.unraisablehook

    def hook(unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
            return
        number = signal.SIGINT
        if isinstance(unraisable.exc_value, Interrupted):
            number = signal.SIGTERM
            raise_on_sigterm()
        again = threading.Timer(_AGAIN_SECONDS, signal.raise_signal, [number])
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
