"""What runs on Apache Beam's workers; importing this module imports Beam."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions

from deepresolve.system import beam, storage


class Worker(apache_beam.DoFn):
    """Does tasks and writes down their answers.

    Args:
      work: what to do.
      scratch: folder of the tasks and answers.
    """

    def __init__(self, work: beam.Work, scratch: str):
        self._work = work
        self._scratch = scratch
        self._prepared = None

    def setup(self) -> None:
        """Called by Beam once for each worker."""
        self._prepared = self._work.prepare()

    def process(self, element: tuple[int, int, int]) -> None:
        """Does one task. An error that a user can mend is an answer, too.

        Beam would do the task again, and wrap the error in its own.
        """
        number, start, num_bytes = element
        pickled = storage.read_part(beam.tasks_path(self._scratch), start, num_bytes)
        task = pickle.loads(pickled)  # noqa: S301 (our own)
        try:
            answer = {"value": self._work.do(task, self._prepared)}
        except ValueError as error:
            answer = {"value_error": str(error)}
        except OSError as error:
            answer = {"os_error": str(error)}
        path = beam.answer_path(self._scratch, number)
        storage.write(path, json.dumps(answer).encode())


def run(options: PipelineOptions, worker: Worker, elements: Sequence[tuple]) -> None:
    """Runs the pipeline to its end."""
    with apache_beam.Pipeline(options=options) as pipeline:
        tasks = pipeline | "Tasks" >> apache_beam.Create(elements)
        # Without it Beam may leave all tasks to the worker that creates them.
        spread = tasks | "Spread" >> apache_beam.Reshuffle()
        _ = spread | "Work" >> apache_beam.ParDo(worker)
