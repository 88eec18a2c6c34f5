"""Processes of this machine that share work out among them.

They are forks of a process that has imported what they need and has done nothing:
TensorFlow, which takes seconds to load, survives that, and not the fork of a process
that has computed. They end with the process that started them, however it ends.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import ForkServerContext
from typing import TypeVar

from deepresolve.system import interruption

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_POLL_S = 0.5
# NumPy's and SciPy's own library of matrix products, and the one of other builds.
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def answers(
    do: Callable[[Task], Answer], tasks: Sequence[Task], num_workers: int
) -> Iterator[Answer]:
    """Does all tasks, and gives each answer as it comes.

    Who stops asking closes the generator: what is being done is then waited for, what
    is not begun is left. So it goes after a signal, too.

    Args:
      do: what to do; it pickles, and so do tasks and answers.
      tasks: what to do it for.
      num_workers: processes; with 1 this process does the work.

    Raises:
      ChildProcessError: a process ended without an answer.
    """
    num_workers = min(num_workers, len(tasks))
    if num_workers < 2:
        yield from map(do, tasks)
        return
    executor = concurrent.futures.ProcessPoolExecutor(
        num_workers,
        context(do),
        begin,
        (environment(),),
    )
    try:
        # Between two lines of waiting a signal would leave locks taken for good, and
        # this process waiting for workers that wait for it.
        with interruption.held_back() as signals:
            done: queue.SimpleQueue[concurrent.futures.Future[Answer]]
            done = queue.SimpleQueue()
            with starting():
                for task in tasks:
                    executor.submit(do, task).add_done_callback(done.put)
            num_left = len(tasks)
            while num_left:
                signals.act()
                with contextlib.suppress(queue.Empty):
                    answer = done.get(timeout=_POLL_S).result()
                    num_left -= 1
                    yield answer
            signals.act()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A worker process ended without an answer. If nothing above says why, "
            "memory ran out: run the same command with fewer workers; it continues."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def context(work: object) -> ForkServerContext:
    """What makes processes that need not load what some work needs.

    The first that is started within `starting` loads it, and for as long as this
    process lasts the others, of other work, too, begin with that.

    Args:
      work: a function, or an instance of a class: its module is imported.
    """
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([work.__module__])
    return found


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Processes started here share the cores, and leave Ctrl-C to this one.

    They inherit the blocked signal, which a terminal sends to them all; this process
    gets it at the end. What they load begins with their `environment`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    given = environment()
    added = given.keys() - os.environ.keys()
    os.environ.update(given)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name in added:
            os.environ.pop(name, None)


def environment() -> dict[str, str]:
    """This process's environment of now, as processes have it that share the cores.

    Matrices they multiply in one thread each, unless the user's environment says
    otherwise: threads of several processes that wait for the same cores, busily, slowed
    work down fivefold.
    """
    told = "OMP_NUM_THREADS" in os.environ
    return {**({} if told else dict.fromkeys(_BLAS_THREADS, "1")), **os.environ}


def begin(given: Mapping[str, str]) -> None:
    """Called in a worker: it ends with its parent, which if killed cannot say so.

    Args:
      given: its environment; its own may be one of an earlier moment.
    """
    os.environ.clear()
    os.environ.update(given)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
