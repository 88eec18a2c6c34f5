"""How the workers of a run end together when a signal reaches any of them."""

from __future__ import annotations

from deepresolve.system.interruption import Interrupted, Interruption
from deepresolve.training.workers import Agreement


class Stopping:
    """Ends all workers at the same step with the signal that has come to one.

    Each agreement on a time tells the others of a signal, too, so that a step costs one
    exchange; it is acted on at the good moment after it, `check`. Where signals differ,
    SIGTERM counts more than SIGINT.

    Args:
      agreement: of the workers.
      interruption: remembers the signals that come to this one.
    """

    def __init__(self, agreement: Agreement, interruption: Interruption):
        self._agreement = agreement
        self._interruption = interruption
        self._signal = 0

    def agree(self, seconds: float) -> float:
        """The chief's time; learns whether a signal has come to any worker."""
        chiefs, signal = self._agreement.chiefs_and_largest(
            seconds, self._interruption.number
        )
        self._signal = int(signal)
        return chiefs

    def check(self) -> None:
        """Raises Interrupted where a signal had come before the last agreement."""
        if self._signal:
            raise Interrupted(self._signal)

    def agree_and_check(self) -> None:
        """For a good moment that no agreement comes before."""
        self.agree(0.0)
        self.check()
