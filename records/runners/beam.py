"""Apache Beam: this machine, or the workers of Dataflow, Flink or Spark."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from records.settings import setting

if TYPE_CHECKING:
    from records import shards


@dataclasses.dataclass(frozen=True)
class Beam:
    """Writes each shard in one step of a Beam pipeline.

    The workers must reach the scans and the output by the same names as the process
    that starts them, and have this package installed.

    Attributes:
      beam_options: options of the pipeline as on a command line, such as
        "--runner=DataflowRunner --project=NAME"; without any, Beam's runner on this
        machine.
    """

    beam_options: str = setting(
        "TEXT",
        "options of the pipeline, in quotes: '--runner=DataflowRunner "
        "--project=NAME ...' (default: one worker on this machine)",
        default="",
    )

    def run(
        self,
        work: shards.ShardWriter,
        plans: Sequence[shards.Plan],
        advance: Callable[[int], None],
    ) -> Generator[shards.Outcome]:
        """Gives the outcomes once the pipeline has ended.

        Raises:
          ValueError: Apache Beam is not installed, or an option makes no sense.
          OSError: a file could not be read or written, or a worker left no answer.
        """
        from deepresolve.system import beam
        from records.shards import outcome_from_json

        with beam.scratch_folder(work.output) as scratch:
            options = self.beam_options
            beam.run(_Work(work), plans, scratch=scratch, options=options)
            answers = beam.answers(scratch, len(plans))
        advance(sum(len(plan.subjects) for plan in plans))
        yield from map(outcome_from_json, answers)


@dataclasses.dataclass(frozen=True)
class _Work:
    """What each worker does; see `deepresolve.system.beam.Work`."""

    write: shards.ShardWriter

    def prepare(self) -> None:
        """There is nothing that several shards could share."""

    def do(self, plan: shards.Plan, prepared: None) -> dict:
        """Writes a shard; returns its outcome as JSON values."""
        del prepared
        return dataclasses.asdict(self.write(plan))
