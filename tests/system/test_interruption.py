import signal
import threading

import pytest

from deepresolve.system.interruption import Interrupted, held_back


@pytest.mark.parametrize(
    ("number", "status"),
    # What a shell's $? is after a process that the signal ended: 128 + its number.
    [(signal.SIGTERM, 143), (signal.SIGINT, 130)],
)
def test_signal_is_remembered(number, status):
    with held_back() as interruption:
        assert interruption.number == 0
        signal.raise_signal(number)
        assert interruption.number == number
    interrupted = Interrupted(interruption.number)
    assert str(interrupted) == f"Ended by {number.name}."
    assert interrupted.status == status


def test_signal_acts_when_it_may():
    with pytest.raises(KeyboardInterrupt), held_back() as interruption:
        interruption.act()
        signal.raise_signal(signal.SIGINT)
        acted_late = True
        interruption.act()
    assert acted_late


def test_second_signal_does_not_wait():
    with held_back(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_handlers_of_before_come_back():
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    with held_back():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    with held_back():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_back() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert interruption.number == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_held_back():
    failures = []

    def work():
        try:
            with held_back() as interruption:
                assert interruption.number == 0
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures
