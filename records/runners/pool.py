"""Processes of this machine, each with a shard of its own."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from typing import TYPE_CHECKING, Any

from deepresolve.system import entry, interruption, pool
from records.settings import setting

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from records import shards

_POLL_S = 0.5


@dataclasses.dataclass(frozen=True)
class ProcessPool:
    """Writes shards in processes of this machine.

    Attributes:
      num_workers: processes that each write a shard at a time and hold one scan in
        memory; with 1 this process does the work.
    """

    num_workers: int = setting(
        "N",
        "processes; each holds one scan in memory (default: 2)",
        parse=entry.number,
        default=2,
    )

    def __post_init__(self) -> None:
        if self.num_workers < 1:
            raise ValueError(f"num_workers must be 1 or more; got {self.num_workers}.")

    def run(
        self,
        work: shards.ShardWriter,
        plans: Sequence[shards.Plan],
        advance: Callable[[int], None],
    ) -> Generator[shards.Outcome]:
        """Gives the outcomes as they come; an error or Ctrl-C ends all work at once.

        Raises:
          OSError: a file could not be read or written, or a worker died.
        """
        if min(self.num_workers, len(plans)) < 2:
            for plan in plans:
                yield work(plan, advance=advance)
            return
        context = pool.context(work)
        cancelled = context.Event()
        num_scans = context.Value("l", 0)
        executor = concurrent.futures.ProcessPoolExecutor(
            min(self.num_workers, len(plans)),
            context,
            _start_worker,
            (pool.environment(), cancelled, num_scans),
        )
        try:
            # Between two lines of waiting a signal would leave locks taken for good,
            # and this process waiting for workers that wait for it.
            with interruption.held_back() as signals:
                with pool.starting():
                    futures = [executor.submit(_do, work, plan) for plan in plans]
                yield from _as_completed(futures, num_scans, advance, signals)
        except BrokenProcessPool as error:
            raise ChildProcessError(
                "A worker process ended without an answer. If nothing above says why, "
                "memory ran out: run the same command with a smaller --num_workers; it "
                "continues."
            ) from error
        finally:
            # Workers stop before their next scan, and delete what they had begun.
            cancelled.set()
            executor.shutdown(wait=True, cancel_futures=True)


def _as_completed(
    futures: Sequence[concurrent.futures.Future],
    num_scans: Synchronized,
    advance: Callable[[int], None],
    signals: interruption.Interruption,
) -> Iterator[shards.Outcome]:
    """Results as they come; meanwhile `advance` hears of the scans within shards."""
    pending, told = set(futures), 0
    while pending:
        signals.act()
        finished, pending = concurrent.futures.wait(
            pending, _POLL_S, concurrent.futures.FIRST_COMPLETED
        )
        count = num_scans.value
        advance(count - told)
        told = count
        for future in finished:
            yield future.result()
    signals.act()


_worker: dict[str, Any] = {}


def _start_worker(
    environment: Mapping[str, str], cancelled: Event, num_scans: Synchronized
) -> None:
    """Prepares a worker process."""
    _worker["cancelled"], _worker["num_scans"] = cancelled, num_scans
    pool.begin(environment)


def _do(work: shards.ShardWriter, plan: shards.Plan) -> shards.Outcome:
    return work(plan, check_cancelled=_check_cancelled, advance=_advance)


def _advance(number: int) -> None:
    num_scans = _worker["num_scans"]
    with num_scans.get_lock():
        num_scans.value += number


def _check_cancelled() -> None:
    if _worker["cancelled"].is_set():
        raise concurrent.futures.CancelledError
