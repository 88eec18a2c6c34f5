"""Many label maps, one after another, in processes, or on the workers of Apache Beam.

A bad label map never stops the others: what becomes of each is a `Result`. A runner is
a frozen dataclass of its settings with `run(work, tasks, scratch) ->
Generator[Result]`, which gives the results in any order.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence, Set
from typing import Any, Protocol

from deepresolve.imaging import formats
from deepresolve.prediction import scan_tables
from deepresolve.prediction.measured_map import (
    KNEES,
    TABLE,
    Result,
    Source,
    Task,
    Work,
    knee_name,
    probability_files,
)
from deepresolve.system import beam, pool, tables


class Runner(Protocol):
    """Who does the work."""

    def run(
        self, work: Work, tasks: Sequence[Task], scratch: pathlib.Path
    ) -> Generator[Result]:
        """Gives the results as they come.

        Args:
          work: what to do.
          tasks: for which label maps.
          scratch: a folder that all workers reach, for files that do not stay.
        """


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process, or several of this machine.

    Attributes:
      num_workers: each measures a label map at a time; with 1 this process does.
    """

    num_workers: int = 1

    def run(
        self, work: Work, tasks: Sequence[Task], scratch: pathlib.Path
    ) -> Generator[Result]:
        """Gives each result as it comes; OSError where a worker was killed."""
        yield from pool.answers(work, tasks, self.num_workers)


@dataclasses.dataclass(frozen=True)
class Beam:
    """The workers of a pipeline, which reach label maps by the names that we do.

    Attributes:
      options: of the pipeline; see `deepresolve.system.beam`.
    """

    options: str = ""

    def run(
        self, work: Work, tasks: Sequence[Task], scratch: pathlib.Path
    ) -> Generator[Result]:
        """Gives the results once the pipeline has ended.

        Raises:
          ValueError: Apache Beam is not installed.
          OSError: a worker left no answer.
        """
        with beam.scratch_folder(str(scratch)) as folder:
            try:
                beam.run(_BeamWork(work), tasks, scratch=folder, options=self.options)
            finally:
                # Of all label maps that were finished, whatever ended the others.
                done = beam.finished_answers(folder, len(tasks))
                yield from map(_from_json, done)
            beam.answers(folder, len(tasks))  # An OSError where one is missing.


@dataclasses.dataclass(frozen=True)
class _BeamWork:
    """What each worker of Beam does; see `deepresolve.system.beam.Work`."""

    work: Work

    def prepare(self) -> None:
        """There is nothing that several label maps could share."""

    def do(self, task: Task, prepared: None) -> dict[str, Any]:
        """Measures one label map; gives its result."""
        return dataclasses.asdict(self.work(task))


def _from_json(answer: dict[str, Any]) -> Result:
    rows = {name: [tuple(row) for row in answer[name]] for name in ("rows", "about")}
    return Result(**{**answer, "notes": tuple(answer["notes"]), **rows})


def plan(
    root: pathlib.Path,
    found: Sequence[pathlib.Path],
    table: pathlib.Path,
    label_names: Mapping[int, str],
    readings: Sequence[pathlib.Path] = (),
    baseline: Mapping[str, Source] | None = None,
) -> list[Task]:
    """The label maps, with their names and what the table has of them.

    Args:
      root: a folder, or the one label map itself.
      found: the scans in it; what predict and measure write beside a label map
        (probabilities, spread, thickness) is none.
      table: where their lines go.
      label_names: what the values of the label maps mean.
      readings: folders that hold, under the same names, other label maps of the knees.
      baseline: label maps of an earlier visit, whose regions knees get, by the
        knee's name in Unicode's NFC.

    Raises:
      ValueError: the file, or that of `knees_table`, is another table, two label maps
        have one name, or a reading is missing.
    """
    known = scan_tables.column(table, TABLE, "fingerprint")
    of_knees = scan_tables.column(knees_table(table), KNEES, "fingerprint")
    # Of an earlier version there is no line about the knee: it is measured again.
    known = {name: told for name, told in known.items() if of_knees.get(name) == told}
    stems = {path.with_name(formats.scan_stem(path)) for path in found}
    tasks: dict[str, Task] = {}
    for path in found:
        if _is_beside_another(path, stems):
            continue
        name = knee_name(root, path)
        normal = tables.normal(name)
        if normal in tasks:
            raise ValueError(
                f"Two label maps are named {name!r}: their lines would lie on each "
                "other. Move or rename one."
            )
        others = tuple(_reading(folder, root, path) for folder in readings)
        source = Source(
            path,
            probability_files(path, label_names),
            others,
            (baseline or {}).get(normal),
        )
        tasks[normal] = Task(source, name, known.get(normal, ""))
    return list(tasks.values())


def knees_table(table: pathlib.Path) -> pathlib.Path:
    """The table of what is known of whole knees, beside that of their places."""
    return table.with_name(f"{table.stem}_knees.csv")


def baseline_table(table: pathlib.Path) -> pathlib.Path:
    """The table of an earlier visit whose label maps are measured along, beside it."""
    return table.with_name(f"{table.stem}_baseline.csv")


def named_alike(baseline: Sequence[Task], tasks: Sequence[Task]) -> list[Task]:
    """An earlier visit under the names of this one.

    One label map beside one other is the same knee, whatever its file is called.

    Args:
      baseline: label maps of the earlier visit.
      tasks: of this one.

    Raises:
      ValueError: a label map is its own baseline.
    """
    if len(baseline) == len(tasks) == 1:
        name = tasks[0].name
        if baseline[0].name != name:
            # What the table has under the file's own name is of another knee.
            baseline = [dataclasses.replace(baseline[0], name=name, known="")]
    own = {task.source.path.resolve() for task in tasks}
    if same := [t.source.path for t in baseline if t.source.path.resolve() in own]:
        raise ValueError(
            f"--baseline: {same[0]} is among what is to be measured: it would not have "
            "changed. Name the label maps of the earlier visit."
        )
    return list(baseline)


# What commands write beside NAME.nii.gz: NAME_spread.nii.gz.
_BESIDE = re.compile(r"(.+)_(probability_.+|spread|thickness)")


def _is_beside_another(path: pathlib.Path, stems: Set[pathlib.Path]) -> bool:
    """Whether a file belongs to a label map that was found, too."""
    name = _BESIDE.fullmatch(formats.scan_stem(path))
    return name is not None and path.with_name(name[1]) in stems


def _reading(
    folder: pathlib.Path, root: pathlib.Path, path: pathlib.Path
) -> pathlib.Path:
    """Another label map of the same knee; ValueError where there is none."""
    found = folder / (path.relative_to(root) if path != root else path.name)
    if found.exists() and found.resolve() == path.resolve():
        raise ValueError(
            f"--readings: {found} is the label map itself, which would agree with "
            "itself. Name a folder of others."
        )
    if not found.exists():
        raise ValueError(
            f"--readings: {folder} has no {found.relative_to(folder)}, the reading of "
            f"{path}. It is to hold a label map of the same name for each."
        )
    return found


def measure_all(
    work: Work,
    tasks: Sequence[Task],
    table: pathlib.Path,
    runner: Runner,
    tell: Callable[[Result], None],
) -> None:
    """Measures all label maps into a table, which others may write meanwhile.

    Whatever ends the work, the table has the lines of what was finished before; the
    same call goes on from there.

    Args:
      work: how.
      tasks: of `plan`.
      table: CSV, which grows, and with it that of `knees_table`.
      runner: who does it.
      tell: hears of each result as it comes.

    Raises:
      ValueError: the file is another table by now, or Apache Beam is not installed.
      OSError: the table cannot be written, or a worker was killed.
    """
    with (
        scan_tables.growing((table, TABLE), (knees_table(table), KNEES)) as add,
        contextlib.closing(runner.run(work, tasks, table.absolute().parent)) as results,
    ):
        for result in results:
            add(result.rows, result.about)
            tell(result)
