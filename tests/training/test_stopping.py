import signal

import pytest

from deepresolve.system.interruption import Interrupted, Interruption
from deepresolve.training.stopping import Stopping
from deepresolve.training.workers import Agreement


class TwoWorkers(Agreement):
    """What this worker says, and what another says in the same breath."""

    def __init__(self, others):
        self.others = others
        self.exchanges = 0

    def chiefs_and_largest(self, number, other):
        self.exchanges += 1
        return self.others[0], max(other, self.others[1])


def stopping(mine, others):
    interruption = Interruption()
    interruption.number = mine
    return Stopping(TwoWorkers((70.0, others)), interruption)


@pytest.mark.parametrize(
    ("mine", "others", "status"),
    [
        (signal.SIGTERM, 0, 143),
        (0, signal.SIGTERM, 143),
        (signal.SIGINT, 0, 130),
        (signal.SIGINT, signal.SIGTERM, 143),
    ],
)
def test_signal_to_any_worker_ends_this_one(mine, others, status):
    stop = stopping(mine, others)
    assert stop.agree(1.0) == 70.0
    with pytest.raises(Interrupted) as raised:
        stop.check()
    assert raised.value.status == status
    assert stop._agreement.exchanges == 1


def test_without_a_signal_nothing_ends():
    stop = stopping(0, 0)
    stop.agree(1.0)
    stop.check()
    stop.agree_and_check()


def test_signal_waits_until_the_others_know_of_it():
    stop = stopping(0, 0)
    stop.agree(1.0)
    stop._interruption.number = signal.SIGTERM
    stop.check()
    with pytest.raises(Interrupted):
        stop.agree_and_check()
