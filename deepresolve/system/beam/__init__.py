"""Work spread over machines by Apache Beam, which is installed only where asked for.

A pipeline that runs elsewhere (Dataflow, Flink, Spark) gives its elements back to
nobody. Each piece of work therefore leaves its answer in a file, in a folder that all
machines reach, and who started the pipeline reads them at its end (`exchange`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from deepresolve.system.beam.exchange import (
    SCRATCH_SUFFIX,
    Work,
    answers,
    finished_answers,
    scratch_folder,
    write_tasks,
)
from deepresolve.system.extras import how_to_install

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

__all__ = [
    "SCRATCH_SUFFIX",
    "Work",
    "answers",
    "finished_answers",
    "run",
    "scratch_folder",
]


def run(work: Work, tasks: Sequence[Any], *, scratch: str, options: str) -> None:
    """Does all tasks in a pipeline; their answers are in `scratch` then.

    Args:
      work: what to do for each.
      tasks: what to do it for.
      scratch: of `scratch_folder`.
      options: of the pipeline, as on a command line.

    Raises:
      ValueError: Apache Beam is not installed.
    """
    pipeline, worker = _modules(options)
    elements = write_tasks(scratch, tasks)
    worker.run(pipeline, worker.Worker(work, scratch), elements)


def _modules(options: str) -> tuple[PipelineOptions, ModuleType]:
    """The pipeline's options, and the module that needs Beam to be imported."""
    try:
        from apache_beam.options.pipeline_options import (
            PipelineOptions,
            StandardOptions,
        )

        from deepresolve.system.beam import worker as beam_worker
    except ImportError as error:
        raise ValueError(
            f"--runner=beam needs Apache Beam ({error}): {how_to_install('beam')}."
        ) from error
    asked = PipelineOptions(shlex.split(options))
    standard = asked.view_as(StandardOptions)
    if standard.runner in (None, "DirectRunner"):
        # DirectRunner would first look for another runner, Prism, on the internet.
        standard.runner = "FnApiRunner"
    return asked, beam_worker
