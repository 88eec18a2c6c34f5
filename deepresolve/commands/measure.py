r"""Thickness, areas and volume of cartilage, from label maps.

    deepresolve measure --input=LABELS --output=thickness.csv \
        --workdir=pretrained:seg_knee
    deepresolve measure --input=LABELS --output=thickness.csv \
        --label_names='1=femoral cartilage,5=femur'

LABELS is a label map, or a folder of them; --workdir is the run that made them. A DICOM
segmentation tells by itself what its segments are and needs neither flag. The table has
a line for each plate of each knee, its regions and compartments, and each meniscus,
with names and quantities of the OAI's tables (docs/measuring.md). What is known of a
whole knee, such as what is noted of it, stands in a line of a second table,
thickness_knees.csv. Lines of knees that an earlier command measured stay, until a knee
of that name is measured again. A label map that cannot be measured is told and passed
over, and the command then ends with status 1.

Each number has an interval where there is anything to make it of: --readings, or
probabilities beside the label map (NAME_probability_CLASS.nii.gz, which predict
--probabilities writes), at which cartilage is measured from 0.3 and from 0.7 on.

--baseline=EARLIER, label maps of the same knees at an earlier visit under the same
names, adds a table of what changed, and with --repeats which of it is more than
repeated scans vary by. The earlier visit is measured, too (OUTPUT_baseline.csv), and
both have its regions, laid on the bones as they lie now. A table of the earlier visit
does, too (--baseline=EARLIER.csv); regions of each visit then follow its own plates.

--page=FOLDER makes a page of each knee for a browser, NAME.html: its numbers, what
changed of them (--baseline), thickness on its bones, and the label map over the scan
that --scan names.

--maps=FOLDER shows where: for each knee a map of thickness that lies on the label map,
NAME_thickness.nii.gz; its plates laid flat, NAME_unrolled.png and .csv; and meshes of
bone and cartilage in the patient's millimetres, NAME_PLATE_bone.vtk and
NAME_PLATE_articular.vtk, or .ply or .stl (--mesh_format).

--reports=FOLDER writes of each DICOM segmentation a structured report (TID 1500) into
its study, NAME_measures.dcm.

The same command again goes on where one was interrupted: a knee whose lines come from
the same file, settings and version is passed over. Several commands may write one table
at a time. --num_workers measures that many knees at a time, each in 1.1 GiB of memory,
with probabilities in 2 GiB; --runner=beam shares them out among the workers of a Beam
pipeline.
"""

from __future__ import annotations

import pathlib
import sys
import time
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import label_flags, runner_flags
from deepresolve.system import interruption, path_flags, paths, progress_bar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepresolve.prediction.measured_map import KneeFiles, Settings, Source
    from deepresolve.prediction.measuring import Result, Runner, Task
    from deepresolve.prediction.visits import Measures
    from deepresolve.quantification.change import Key

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(label_flags)  # so that --help lists them
flags.adopt_module_key_flags(runner_flags)
path_flags.define("input", None, "Label map, or a folder of them.")
path_flags.define("output", None, "Table to write or to add to, .csv.")
flags.DEFINE_list(
    "readings",
    [],
    "Folders that hold, under the same names, other label maps of the same knees, such "
    "as those of mirror images: numbers get intervals that reach as far as they do.",
)
path_flags.define(
    "baseline",
    None,
    "Label maps of the same knees at an earlier visit, whose regions both visits get, "
    "or the table of them, .csv: what changed goes to OUTPUT_change.csv.",
)
path_flags.define(
    "repeats",
    None,
    "With --baseline: table of knees that were scanned more than once, the scans of "
    "each in a folder. It tells the smallest change that can be told from none.",
)
path_flags.define("page", None, "Folder for a page of each knee, NAME.html.")
path_flags.define(
    "scan",
    None,
    "With --page: the scan behind the label map, or a folder with one of each name.",
)
path_flags.define(
    "reports",
    None,
    "Folder for a DICOM structured report of each knee, of DICOM segmentations.",
)
path_flags.define(
    "maps", None, "Folder for maps, figures and meshes of thickness of each knee."
)
flags.DEFINE_list(
    "mesh_format", ["vtk"], "With --maps: kinds of meshes, of vtk, ply and stl."
)
flags.DEFINE_integer(
    "num_workers",
    1,
    "Processes of this machine; each measures a knee at a time, in 1.1 GiB of memory, "
    "2 GiB with probabilities.",
    lower_bound=1,
)
flags.mark_flags_as_required(["input", "output"])


def run() -> int:
    """Measures all label maps; returns the exit status."""
    paths.check_input("--input", FLAGS.input)
    paths.check_output(FLAGS.output)
    if pathlib.Path(FLAGS.output).suffix.lower() != ".csv":
        raise ValueError(f"--output={FLAGS.output}: a table's name ends in .csv.")
    label_flags.check()
    runner_flags.check()
    if FLAGS["num_workers"].present and FLAGS.runner == "beam":
        raise ValueError(
            "--num_workers: processes of this machine, without --runner=beam. How many "
            "workers Beam has, --beam_options say."
        )
    # After the flags: SciPy and scikit-image take longer to load than --help may take.
    from deepresolve.imaging import formats
    from deepresolve.imaging.formats import segmentations
    from deepresolve.prediction import measuring
    from deepresolve.prediction.measured_map import Settings

    interruption.raise_on_sigterm()  # so that what is finished reaches the table
    root, table = pathlib.Path(FLAGS.input), pathlib.Path(FLAGS.output)
    readings = [pathlib.Path(path_flags.expand(name)) for name in FLAGS.readings]
    of_dicom = segmentations.find(root)
    names = label_flags.names(are_told=bool(of_dicom))
    found = of_dicom or formats.find_scans(root)
    settings = Settings(names, FLAGS.weight_bearing, FLAGS.side)
    least = _least()
    tasks = measuring.plan(root, found, table, names, readings)
    _files(tasks, bool(of_dicom), None, {})  # what cannot be is told before any work
    earlier, sources = _earlier(settings, tasks)
    if sources:
        tasks = measuring.plan(root, found, table, names, readings, sources)
    files = _files(tasks, bool(of_dicom), earlier, least)
    work = measuring.Work(settings, files)
    screen = _Screen(tasks)
    measuring.measure_all(work, tasks, table, _runner(), screen.tell)
    screen.tell_end(table)
    num_failed = len(screen.failures)
    if earlier is not None:
        failed = {result.path for result in screen.failures if not result.rows}
        measured = {t.name: str(t.source.path) not in failed for t in tasks}
        num_failed += _write_changes(table, measured, earlier, least)
    return 1 if num_failed else 0


def _files(
    tasks: Sequence[Task],
    are_dicom: bool,
    earlier: Mapping[str, Measures] | None,
    least: Mapping[Key, float],
) -> tuple[KneeFiles, ...]:
    """What is written of each knee beside its lines.

    Args:
      tasks: all there is to do.
      are_dicom: whether the label maps are DICOM segmentations.
      earlier: what was measured before, by knee; None where that is not asked.
      least: the smallest changes that can be told from none.

    Raises:
      ValueError: it cannot be there.
      OSError: a folder cannot be written to.
    """
    for name, owner in (("mesh_format", "maps"), ("scan", "page")):
        if FLAGS[name].present and FLAGS[owner].value is None:
            raise ValueError(f"--{name}: only with --{owner}.")
    from deepresolve.prediction import map_files, page_files, report_files

    found: list[KneeFiles] = []
    if FLAGS.maps is not None:
        found.append(map_files.plan(FLAGS.maps, FLAGS.mesh_format, FLAGS.input))
    if FLAGS.page is not None:
        names = [task.name for task in tasks]
        planned = page_files.plan(FLAGS.page, FLAGS.scan, names, earlier, least)
        found.append(planned)
    if FLAGS.reports is not None:
        found.append(report_files.plan(FLAGS.reports, are_dicom))
    return tuple(found)


def _least() -> Mapping[Key, float]:
    """What repeats vary by; empty where that is not asked.

    Raises:
      ValueError: there is no such table.
    """
    if FLAGS.repeats is None:
        return {}
    if FLAGS.baseline is None:
        raise ValueError("--repeats: only with --baseline.")
    from deepresolve.prediction import visits

    return visits.detectable(pathlib.Path(FLAGS.repeats), FLAGS.weight_bearing)


def _earlier(
    settings: Settings, tasks: Sequence[Task]
) -> tuple[Mapping[str, Measures] | None, Mapping[str, Source]]:
    """What was measured before, and of which label maps; None where that is not asked.

    Label maps of an earlier visit are measured here. Of a table they are not known.

    Args:
      settings: how label maps are measured.
      tasks: those of this visit.

    Raises:
      ValueError: there are no such label maps, or no such table.
    """
    if FLAGS.baseline is None:
        return None, {}
    from deepresolve.prediction import visits

    baseline = pathlib.Path(FLAGS.baseline)
    if baseline.suffix.lower() != ".csv":
        return _measure_baseline(baseline, settings, tasks)
    if pathlib.Path(FLAGS.output).resolve() == baseline.resolve():
        raise ValueError(
            f"--baseline={FLAGS.baseline} is --output, whose lines would be written "
            "over. Name another table for this visit."
        )
    found = visits.read(baseline)
    print(
        f"note: {baseline} is a table, which does not tell where regions lay: those of "
        "each visit follow its own plates. Name the label maps of the earlier visit "
        "instead, and both have its regions.",
        file=sys.stderr,
    )
    return found, {}


def _measure_baseline(
    root: pathlib.Path, settings: Settings, tasks: Sequence[Task]
) -> tuple[Mapping[str, Measures], Mapping[str, Source]]:
    """Measures an earlier visit; its numbers and its files, by knee."""
    from deepresolve.imaging import formats
    from deepresolve.imaging.formats import segmentations
    from deepresolve.prediction import measuring, visits
    from deepresolve.system import tables

    paths.check_input("--baseline", str(root))
    table = measuring.baseline_table(pathlib.Path(FLAGS.output))
    found = segmentations.find(root) or formats.find_scans(root)
    planned = measuring.plan(root, found, table, settings.label_names)
    planned = measuring.named_alike(planned, tasks)
    screen = _Screen(planned)
    work = measuring.Work(settings)
    measuring.measure_all(work, planned, table, _runner(), screen.tell)
    screen.tell_end(table)
    failed = {result.path for result in screen.failures}
    sources = {
        tables.normal(task.name): task.source
        for task in planned
        if str(task.source.path) not in failed
    }
    known = visits.read(table) if sources else {}
    return {name: known[name] for name in sources}, sources


def _write_changes(
    table: pathlib.Path,
    measured: Mapping[str, bool],
    earlier: Mapping[str, Measures],
    least: Mapping[Key, float],
) -> int:
    """Tells and writes what changed of each knee; how many could not be compared.

    Args:
      table: of the knees as they are now.
      measured: whether that has what was measured now, by knee.
      earlier: by knee, what the table of the earlier visit has.
      least: the smallest changes that can be told from none.
    """
    from deepresolve.prediction import scan_tables, visits
    from deepresolve.system import tables

    now = visits.read(table) if any(measured.values()) else {}
    lines, num_failed = [], 0
    for name in [name for name, is_new in measured.items() if is_new]:
        normal = tables.normal(name)
        try:
            if normal not in earlier:
                raise ValueError(
                    f"{name}: {FLAGS.baseline} has no such knee that was measured."
                )
            found, summary = visits.rows(name, earlier[normal], now[normal], least)
        except ValueError as error:
            num_failed += 1
            print(error, file=sys.stderr)
            continue
        lines += found
        print(f"{name}: change {summary}")
    output = table.with_name(f"{table.stem}_change.csv")
    # Of all these knees no older line stays, be it that there is no new one.
    scan_tables.add(output, visits.CHANGES, lines, without=measured)
    return num_failed


def _runner() -> Runner:
    from deepresolve.prediction import measuring

    if FLAGS.runner == "beam":
        return measuring.Beam(FLAGS.beam_options)
    return measuring.Processes(FLAGS.num_workers)


def _told(result: Result) -> str:
    """What became of a label map, after its path, which some messages begin with."""
    start = f"{result.path}: "
    return start + result.message.removeprefix(start)


class _Screen:
    """Tells what becomes of each label map, and how far the work has come.

    Args:
      tasks: all there is to do.

    Attributes:
      failures: of label maps that were not measured, as far as they are known.
    """

    def __init__(self, tasks: Sequence[Task]):
        self._num_tasks = len(tasks)
        self._num_done = self._num_passed = 0
        self._start = time.monotonic()
        self.failures: list[Result] = []

    def tell(self, result: Result) -> None:
        """Tells of one label map."""
        self._num_done += 1
        if result.passed_over:
            self._num_passed += 1
            return
        if result.failed:
            self.failures.append(result)
        stream = sys.stderr if result.failed else sys.stdout
        print(f"{self._progress()}{_told(result)}", file=stream, flush=True)
        for note in result.notes:
            print(f"note: {note}", file=sys.stderr)

    def _progress(self) -> str:
        """How far: "[3 of 40, about 5 min left] ", by the speed so far."""
        if self._num_tasks == 1:
            return ""
        elapsed = time.monotonic() - self._start
        num_left = self._num_tasks - self._num_done
        each = elapsed / (self._num_done - self._num_passed)
        left = progress_bar.duration(each * num_left)
        end = f", about {left} left" if num_left else ""
        return f"[{self._num_done} of {self._num_tasks}{end}] "

    def tell_end(self, table: pathlib.Path) -> None:
        """Tells what was passed over and, of several label maps, what failed."""
        if self._num_passed:
            print(
                f"{table} had the lines of {self._num_passed} of {self._num_tasks} "
                "label maps, from the same files and settings: passed over."
            )
        if self.failures and self._num_tasks > 1:
            print(
                f"{len(self.failures)} of {self._num_tasks} label maps failed:",
                *(f"  {_told(failure)}" for failure in self.failures),
                sep="\n",
                file=sys.stderr,
            )
