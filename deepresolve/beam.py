"""Work spread over machines by Apache Beam, which is installed only where asked for.

A pipeline that runs elsewhere (Dataflow, Flink, Spark) gives its elements back to
nobody. Each piece of work therefore leaves its answer in a file, in a folder that all
machines reach, and who started the pipeline reads them at its end.
"""

from __future__ import annotations

import itertools
import json
import pickle
import shlex
from collections.abc import Sequence
from typing import Any, Protocol

from deepresolve import storage


class Work(Protocol):
    """What is done for each task. It pickles, and so does a task."""

    def prepare(self) -> Any:
        """Called once in each worker: what its tasks share, such as a network."""

    def do(self, task: Any, prepared: Any) -> Any:
        """Does one task; returns JSON values.

        Raises:
          ValueError, OSError: for who started the pipeline to see.
        """


def run(work: Work, tasks: Sequence[Any], *, scratch: str, options: str) -> list:
    """Does all tasks in a pipeline.

    Args:
      work: what to do for each.
      tasks: what to do it for.
      scratch: folder for the tasks and their answers, which every worker reaches;
        emptied before, and removed at the end.
      options: of the pipeline, as on a command line.

    Returns:
      What `work.do` answered, in the order of the tasks.

    Raises:
      ValueError: Apache Beam is not installed; or the first error of a task.
      OSError: likewise; or a task has no answer.
    """
    pipeline, worker = _modules(options)
    storage.remove_folder(scratch)
    storage.make_folder(scratch)
    try:
        elements = _write_tasks(scratch, tasks)
        worker.run(pipeline, worker.Worker(work, scratch), elements)
        return [_answer(scratch, number) for number in range(len(tasks))]
    finally:
        storage.remove_folder(scratch)


def _modules(options: str):
    """The pipeline's options, and the module that needs Beam to be imported."""
    try:
        from apache_beam.options.pipeline_options import PipelineOptions

        from deepresolve import beam_worker
    except ImportError as error:
        raise ValueError(
            f"--runner=beam needs Apache Beam ({error}): pip install "
            "'deepresolve[beam]'."
        ) from error
    return PipelineOptions(shlex.split(options)), beam_worker


def _write_tasks(scratch: str, tasks: Sequence[Any]) -> list[tuple[int, int, int]]:
    """Writes all tasks to one file; returns the number, start and length of each.

    The pipeline itself then stays small: Dataflow takes none of more than 10 MB.
    """
    pickled = [pickle.dumps(task) for task in tasks]
    storage.write(tasks_path(scratch), b"".join(pickled))
    starts = itertools.accumulate(map(len, pickled), initial=0)
    return [
        (number, start, len(content))
        for number, (start, content) in enumerate(zip(starts, pickled, strict=False))
    ]


def tasks_path(scratch: str) -> str:
    """Where the tasks lie."""
    return storage.join(scratch, "tasks.pickle")


def _answer(scratch: str, number: int) -> Any:
    """What a task answered; its error, where it had one, is raised."""
    path = answer_path(scratch, number)
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


def answer_path(scratch: str, number: int) -> str:
    """Where the answer of a task lies."""
    return storage.join(scratch, f"{number:08d}.json")
