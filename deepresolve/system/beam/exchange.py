"""What who starts a pipeline and its workers share: the work, its tasks, their answers.

Tasks and answers lie in one folder that all machines reach.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import pickle
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from deepresolve.system import storage

SCRATCH_SUFFIX = ".beam"

# The number of a task, and the first byte and the length of it in the file of tasks.
Element = tuple[int, int, int]


class Work(Protocol):
    """What is done for each task. It pickles, and so does a task."""

    def prepare(self) -> Any:
        """Called once in each worker: what its tasks share, such as a network."""

    def do(self, task: Any, prepared: Any) -> Any:
        """Does one task; returns JSON values.

        Raises:
          ValueError, OSError: for who started the pipeline to see.
        """


@contextlib.contextmanager
def scratch_folder(parent: str) -> Iterator[str]:
    """Gives a new hidden folder for one pipeline, removed at the end.

    Args:
      parent: a folder that every worker reaches by this name; made where it is not.
    """
    scratch = storage.join(parent, f".{uuid.uuid4().hex}{SCRATCH_SUFFIX}")
    storage.make_folder(scratch)
    try:
        yield scratch
    finally:
        storage.remove_folder(scratch)


def write_tasks(scratch: str, tasks: Sequence[Any]) -> list[Element]:
    """Writes all tasks to one file; returns where in it each lies.

    The pipeline itself then stays small: Dataflow takes none of more than 10 MB.
    """
    pickled = [pickle.dumps(task) for task in tasks]
    storage.write(_tasks_path(scratch), b"".join(pickled))
    starts = itertools.accumulate(map(len, pickled), initial=0)
    return [
        (number, start, len(content))
        for number, (start, content) in enumerate(zip(starts, pickled, strict=False))
    ]


def read_task(scratch: str, element: Element) -> Any:
    """One of the tasks that `write_tasks` wrote."""
    _, start, num_bytes = element
    pickled = storage.read_part(_tasks_path(scratch), start, num_bytes)
    return pickle.loads(pickled)  # noqa: S301 (our own)


def write_answer(scratch: str, element: Element, answer: dict[str, Any]) -> None:
    """Writes what came of a task: its "value", "value_error" or "os_error"."""
    storage.write(_answer_path(scratch, element[0]), json.dumps(answer).encode())


def answers(scratch: str, num_tasks: int) -> list:
    """What `Work.do` answered, in the order of the tasks.

    Raises:
      ValueError: the first error of a task.
      OSError: the first error of a task; or one has no answer.
    """
    return [_answer(scratch, number) for number in range(num_tasks)]


def finished_answers(scratch: str, num_tasks: int) -> list:
    """Those of the tasks that were done, whatever became of the others."""
    paths = (_answer_path(scratch, number) for number in range(num_tasks))
    found = (json.loads(storage.read(p)) for p in paths if storage.is_file(p))
    return [answer["value"] for answer in found if "value" in answer]


def _answer(scratch: str, number: int) -> Any:
    """What a task answered; its error, where it had one, is raised."""
    path = _answer_path(scratch, number)
    if not storage.is_file(path):
        raise OSError(
            f"A worker left no answer at {path}. Workers must reach that folder by the "
            "same name as this process."
        )
    answer = json.loads(storage.read(path))
    if "value_error" in answer:
        raise ValueError(answer["value_error"])
    if "os_error" in answer:
        raise OSError(answer["os_error"])
    return answer["value"]


def _tasks_path(scratch: str) -> str:
    return storage.join(scratch, "tasks.pickle")


def _answer_path(scratch: str, number: int) -> str:
    return storage.join(scratch, f"{number:08d}.json")
