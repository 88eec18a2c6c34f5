"""What runs on Apache Beam's workers; importing this module imports Beam."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions

from deepresolve.system.beam.exchange import Element, Work, read_task, write_answer


class Worker(apache_beam.DoFn):
    """Does tasks and writes down their answers.

    Args:
      work: what to do.
      scratch: folder of the tasks and answers.
    """

    def __init__(self, work: Work, scratch: str):
        self._work = work
        self._scratch = scratch
        self._prepared = None

    def setup(self) -> None:
        """Called by Beam once for each worker."""
        self._prepared = self._work.prepare()

    def process(self, element: Element) -> None:
        """Does one task. An error that a user can mend is an answer, too.

        Beam would do the task again, and wrap the error in its own.
        """
        task = read_task(self._scratch, element)
        try:
            answer = {"value": self._work.do(task, self._prepared)}
        except ValueError as error:
            answer = {"value_error": str(error)}
        except OSError as error:
            answer = {"os_error": str(error)}
        write_answer(self._scratch, element, answer)


def run(options: PipelineOptions, worker: Worker, elements: Sequence[Element]) -> None:
    """Runs the pipeline to its end."""
    with apache_beam.Pipeline(options=options) as pipeline:
        tasks = pipeline | "Tasks" >> apache_beam.Create(elements)
        # Without it Beam may leave all tasks to the worker that creates them.
        spread = tasks | "Spread" >> apache_beam.Reshuffle()
        _ = spread | "Work" >> apache_beam.ParDo(worker)
