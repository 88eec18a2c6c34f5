"""Many scans, one after another or on the workers of Apache Beam.

A bad scan never stops the others: what becomes of each is a `Result`. A runner is a
frozen dataclass of its settings with `run(work, pairs) -> Iterator[Result]`, which
gives the results of an `OpenJob` in the order of the pairs.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import chained, scan_tables
from deepresolve.prediction.placement import Pair, further_path, trust_beside
from deepresolve.prediction.result_files import ResultFiles
from deepresolve.prediction.scan_tables import NamedRow
from deepresolve.prediction.trust.report import Trust
from deepresolve.system import beam, files, hardware
from deepresolve.system import notes as scan_notes
from deepresolve.tasks.prediction import Prediction, Predictor
from deepresolve.tasks.trained_run import TrainedRun


class Previews(Protocol):
    """See `deepresolve.prediction.preview_files`, which brings Matplotlib along."""

    def remove(self, target: pathlib.Path) -> None:
        """Deletes the preview of an earlier result."""

    def write(
        self,
        scan: pathlib.Path,
        target: pathlib.Path,
        volume: Volume,
        prediction: Prediction,
    ) -> None:
        """Shows a result beside its scan."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a scan.

    Attributes:
      message: a line for the user.
      failed: whether a file that was asked for is missing.
      notes: what else the user should know of it.
      rows: what the scan adds to each table, by its name.
    """

    message: str
    failed: bool = False
    notes: tuple[str, ...] = ()
    rows: Mapping[str, Sequence[NamedRow]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to open a network on any machine: plain values.

    Attributes:
      workdir: of the run, as the user named it.
      checkpoint: "best" or "last".
      options: of the predictor, by name.
      then: opens a network that segments what this one gives; None without.
      label_grid: of the label map then.
    """

    workdir: str
    checkpoint: str
    options: Mapping[str, Any]
    then: Recipe | None = None
    label_grid: chained.Grid = "thin"

    def open(
        self, run: TrainedRun | None = None, then: TrainedRun | None = None
    ) -> Predictor:
        """Loads the network.

        Args:
          run: the run, where it is open already.
          then: the second one, likewise.

        Raises:
          ValueError: there is no such run, its task lacks an option, or the second
            network does not suit the first.
        """
        hardware.share_gpus()
        if run is None:
            run = TrainedRun.open(self.workdir, self.checkpoint)
        predictor = run.predictor(**self.options)
        if self.then is None:
            return predictor
        return chained.Chained(predictor, self.then.open(then), self.label_grid)


@dataclasses.dataclass(frozen=True)
class Job:
    """How scans are read, predicted and written. It pickles.

    Attributes:
      recipe: opens the network.
      output: what kind of files predictions become.
      tables: paths of the tables, by their names.
      trust: what the reports beside them have in common.
      slice_axis: 0, 1 or 2 in a scan's own axes; None: what its file says.
      choice: series, echo and volume, where a scan's files hold several.
      previews: where figures or pages of scans and results go; None without.
    """

    recipe: Recipe
    output: ResultFiles
    tables: Mapping[str, pathlib.Path]
    trust: Trust
    slice_axis: int | None = None
    choice: Choice = ONLY
    previews: Previews | None = None


@dataclasses.dataclass(frozen=True)
class OpenJob:
    """A job with its network loaded.

    Attributes:
      job: what to do with each scan.
      predictor: what `job.recipe` opens.
    """

    job: Job
    predictor: Predictor

    def one(self, scan: pathlib.Path, target: pathlib.Path) -> Result:
        """Takes one scan through the network, and writes all but the tables."""
        with scan_notes.collected() as found:
            result = self._one(scan, target, found)
        return dataclasses.replace(
            result, notes=(*(f"note: {text}" for text in found), *result.notes)
        )

    def _one(
        self, scan: pathlib.Path, target: pathlib.Path, found: Sequence[str]
    ) -> Result:
        """As `one`; `found` are the notes of its reading so far."""
        start = time.perf_counter()
        job = self.job
        notes: tuple[str, ...] = ()
        rows: dict[str, list[NamedRow]] = {}
        try:
            save = job.output.begin(scan, target)
            volume = formats.read_image(
                scan, slice_axis=job.slice_axis, choice=job.choice
            )
            self._remove_older(target)
            prediction = self.predictor.predict(volume, progress=True)
            save(prediction)
            rows = _named(prediction, target.name)
            findings = job.trust.write(scan, target, volume, prediction, found)
            notes = tuple(f"note: {scan}: {finding.text}" for finding in findings)
            if job.previews is not None:
                job.previews.write(scan, target, volume, prediction)
            prediction.forget()
        except (ValueError, OSError) as error:
            return Result(f"error: {error}", True, notes, rows)
        except (MemoryError, tf.errors.ResourceExhaustedError):
            text = f"error: {scan}: out of memory. {self.predictor.memory_advice}"
            return Result(text, True, notes, rows)
        seconds = time.perf_counter() - start
        text = f"{scan} -> {target}: {prediction.summary}, {seconds:.1f} s"
        return Result(text, False, notes, rows)

    def _remove_older(self, target: pathlib.Path) -> None:
        """An older report or preview must not stand beside a new result."""
        trust_beside(target).unlink(missing_ok=True)
        if self.job.previews is not None:
            self.job.previews.remove(target)

    def remove_leftovers(self, pairs: Sequence[Pair]) -> None:
        """Deletes what a killed command left of the files that are to be written.

        Not of the tables, which another command may be writing for other scans.
        """
        targets = [target for _, target in pairs]
        names = self.predictor.volume_names
        further = [further_path(target, name) for target in targets for name in names]
        reports = [trust_beside(target) for target in targets]
        files.remove_leftovers([*targets, *further, *reports])

    def check_tables(self) -> None:
        """ValueError where another table has the place of one."""
        for name, kind in self.predictor.tables.items():
            scan_tables.read(self.job.tables[name], kind)

    def add_rows(self, rows: Mapping[str, Sequence[NamedRow]]) -> None:
        """Adds rows to the tables, by their names.

        Raises:
          ValueError: the file of one is another table by now.
          OSError: one cannot be written.
        """
        for name, of_table in rows.items():
            if of_table:
                kind = self.predictor.tables[name]
                scan_tables.add(self.job.tables[name], kind, of_table)


def _together(
    of_scans: Iterable[Mapping[str, Sequence[NamedRow]]],
) -> dict[str, list[NamedRow]]:
    """The rows of all scans, by table."""
    together: dict[str, list[NamedRow]] = collections.defaultdict(list)
    for rows in of_scans:
        for table, of_table in rows.items():
            together[table] += of_table
    return together


def _named(prediction: Prediction, scan: str) -> dict[str, list[NamedRow]]:
    """The rows of all tables, behind the scan's name."""
    return {
        table: [(scan, *row) for row in rows]
        for table, rows in prediction.tables.items()
    }


@dataclasses.dataclass(frozen=True)
class Here:
    """One scan after another, in this process."""

    def run(self, work: OpenJob, pairs: Sequence[Pair]) -> Iterator[Result]:
        """Gives each result as it comes."""
        for scan, target in pairs:
            result = work.one(scan, target)
            try:
                work.add_rows(result.rows)
            except (ValueError, OSError) as error:
                yield Result(f"error: {error}", True, result.notes)
            else:
                yield result


@dataclasses.dataclass(frozen=True)
class Beam:
    """Each worker loads the network for itself, once, and takes scans as they come.

    The workers must reach scans and results by the same names as this process.

    Attributes:
      options: of the pipeline; see `deepresolve.system.beam`.
    """

    options: str = ""

    def run(self, work: OpenJob, pairs: Sequence[Pair]) -> Iterator[Result]:
        """Gives the results once the pipeline has ended.

        Raises:
          ValueError: Apache Beam is not installed.
          OSError: a worker left no answer, or a table cannot be written.
        """
        with beam.scratch_folder(str(pairs[0][1].parent)) as scratch:
            try:
                beam.run(_Work(work.job), pairs, scratch=scratch, options=self.options)
            finally:
                # Of all scans that were finished, whatever ended the others.
                done = beam.finished_answers(scratch, len(pairs))
                work.add_rows(_together(answer["rows"] for answer in done))
            answers = beam.answers(scratch, len(pairs))
        for answer in answers:
            notes = tuple(answer["notes"])
            yield Result(answer["message"], answer["failed"], notes, answer["rows"])


@dataclasses.dataclass(frozen=True)
class _Work:
    """What each worker of Beam does; see `deepresolve.system.beam.Work`."""

    job: Job

    def prepare(self) -> OpenJob:
        """Loads the network."""
        return OpenJob(self.job, self.job.recipe.open())

    def do(self, pair: Pair, prepared: OpenJob) -> dict[str, Any]:
        """Takes one scan through the network; gives its result."""
        return dataclasses.asdict(prepared.one(*pair))
