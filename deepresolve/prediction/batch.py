"""Many scans, one after another or on the workers of Apache Beam.

A bad scan never stops the others: what becomes of each is a `Result`. A runner is a
function that takes a `Prediction` and pairs of paths and gives their results in order.
"""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import tensorflow as tf

from deepresolve.imaging import formats
from deepresolve.imaging.floor import Undershoot
from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import tissue_volumes
from deepresolve.prediction.output_formats import Keeping, Save
from deepresolve.prediction.outputs import Pair, trust_beside, with_ending
from deepresolve.prediction.tissue_volumes import TissueVolume
from deepresolve.prediction.trust.report import Trust
from deepresolve.system import beam, files
from deepresolve.system import notes as scan_notes


class Writer(Protocol):
    """See `deepresolve.prediction.writers`."""

    endings: Sequence[str]
    class_names: Sequence[str]
    memory_advice: str
    spread: dict[str, Any] | None
    undershoot: Undershoot | None

    def write(self, scan: Volume, target: pathlib.Path, save: Save) -> str:
        """Saves what the network makes of a scan; returns what came of it."""


class Output(Protocol):
    """See `deepresolve.prediction.output_formats`."""

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Called before any work is done for a scan; gives what writes its result."""


class Previews(Protocol):
    """See `deepresolve.prediction.previews`, which brings Matplotlib along."""

    def remove(self, target: pathlib.Path) -> None:
        """Deletes the preview of an earlier result."""

    def write(
        self,
        scan: pathlib.Path,
        target: pathlib.Path,
        volume: Volume,
        result: Volume,
        class_names: Sequence[str],
    ) -> None:
        """Shows a result beside its scan."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a scan.

    Attributes:
      message: a line for the user.
      failed: whether a file that was asked for is missing.
      notes: what else the user should know of it.
    """

    message: str
    failed: bool = False
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Prediction:
    """How scans are read and predicted. It pickles where its `make_writer` does.

    Attributes:
      make_writer: loads the network; takes the path of the table of tissue volumes.
      output: what kind of files results become.
      trust: what the reports beside them have in common.
      table: where that table goes.
      slice_axis: as for `formats.read_image`.
      choice: as for `formats.read_image`.
      previews: where figures or pages of scans and results go; None without.
    """

    make_writer: Callable[[pathlib.Path], Writer]
    output: Output
    table: pathlib.Path
    trust: Trust
    slice_axis: int | None = None
    choice: Choice = ONLY
    previews: Previews | None = None

    def one(self, scan: pathlib.Path, target: pathlib.Path, writer: Writer) -> Result:
        """Takes one scan through the network."""
        with scan_notes.collected() as found:
            result = self._one(scan, target, writer, found)
        return dataclasses.replace(
            result, notes=(*(f"note: {text}" for text in found), *result.notes)
        )

    def _one(self, scan, target, writer, found: Sequence[str]) -> Result:
        """As `one`; `found` are the notes of its reading so far."""
        start = time.perf_counter()
        notes = ()
        try:
            save = self.output.begin(scan, target)
            volume = formats.read_image(
                scan, slice_axis=self.slice_axis, choice=self.choice
            )
            # An older report or preview must not stand beside a new result.
            trust_beside(target).unlink(missing_ok=True)
            if self.previews is not None:
                self.previews.remove(target)
            kept = Keeping(save)
            outcome = writer.write(volume, target, kept)
            flags = self.trust.report(
                scan,
                volume,
                kept.result,
                target,
                spread_numbers=writer.spread,
                held=writer.undershoot,
                notes=found,
            )
            notes = tuple(f"note: {scan}: {flag.text}" for flag in flags)
            if self.previews is not None:
                names = writer.class_names
                self.previews.write(scan, target, volume, kept.result, names)
        except (ValueError, OSError) as error:
            return Result(f"error: {error}", failed=True, notes=notes)
        except (MemoryError, tf.errors.ResourceExhaustedError):
            text = f"error: {scan}: out of memory. {writer.memory_advice}"
            return Result(text, failed=True, notes=notes)
        seconds = time.perf_counter() - start
        text = f"{scan} -> {target}: {outcome}, {seconds:.1f} s"
        return Result(text, notes=notes)


def remove_leftovers(pairs: Sequence[Pair], writer: Writer) -> None:
    """Deletes what a killed command left of the files that are to be written.

    Not of the table, which another command may be writing for other scans.
    """
    targets = [target for _, target in pairs]
    further = [with_ending(t, ending) for t in targets for ending in writer.endings]
    reports = [trust_beside(target) for target in targets]
    files.remove_leftovers([*targets, *further, *reports])


def predict_here(
    prediction: Prediction, writer: Writer, pairs: Sequence[Pair], options: str
) -> Iterator[Result]:
    """One scan after another, in this process."""
    del options
    for scan, target in pairs:
        yield prediction.one(scan, target, writer)


def predict_on_beam(
    prediction: Prediction, writer: Writer, pairs: Sequence[Pair], options: str
) -> Iterator[Result]:
    """Each worker loads the network for itself, once, and takes scans as they come.

    Args:
      prediction: what to do with each scan.
      writer: of this process, which already told that the run can be loaded.
      pairs: scans and what they become; the workers must reach both.
      options: of the pipeline; see `deepresolve.system.beam`.

    Raises:
      ValueError: Apache Beam is not installed.
      OSError: a worker left no answer, or the table cannot be written.
    """
    del writer
    with beam.scratch_folder(str(pairs[0][1].parent)) as scratch:
        try:
            beam.run(_Work(prediction), pairs, scratch=scratch, options=options)
        finally:
            # Of all scans that were finished, whatever ended the others.
            done = beam.finished_answers(scratch, len(pairs))
            rows = [TissueVolume(**row) for answer in done for row in answer["rows"]]
            if rows:
                tissue_volumes.add_to_csv(prediction.table, rows)
        answers = beam.answers(scratch, len(pairs))
    for answer in answers:
        yield Result(answer["message"], answer["failed"], tuple(answer["notes"]))


RUNNERS = {
    "local": predict_here,
    "beam": predict_on_beam,
}


@dataclasses.dataclass(frozen=True)
class _Work:
    """What each worker of Beam does; see `deepresolve.system.beam.Work`."""

    prediction: Prediction

    def prepare(self) -> tuple[tempfile.TemporaryDirectory, Prediction, Writer]:
        """Loads the network. Workers cannot write one table: each has its own."""
        folder = tempfile.TemporaryDirectory()
        table = pathlib.Path(folder.name) / "volumes.csv"
        own = dataclasses.replace(self.prediction, table=table)
        return folder, own, own.make_writer(table)

    def do(self, pair: Pair, prepared: tuple) -> dict:
        """Takes one scan through the network; gives its result and its volumes."""
        _, own, writer = prepared
        scan, target = pair
        result = own.one(scan, target, writer)
        volumes = tissue_volumes.read_csv(own.table)
        rows = [dataclasses.asdict(v) for v in volumes if v.scan == target.name]
        return {**dataclasses.asdict(result), "rows": rows}
