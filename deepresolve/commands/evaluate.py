"""Measures trained networks on held-out subjects.

One run of any task, by what its task measures:

    deepresolve evaluate --records=DIR --workdir=RUN --output=DIR [--split=test]
        [--benchmark_workdir=RUN]

With a benchmark, another run of the same task, both are measured, and tests say whether
they differ. Sensitivity and specificity of what a run detects are those at a threshold,
which is chosen on other people's scans: in --thresholds, the report of
--split=validation.

Or the paper's Table 1, of up to three runs:

    deepresolve evaluate --records=DIR --output=DIR [--split=test]
        --sr_workdir=RUN --seg_workdir=RUN --benchmark_workdir=RUN

In a clone of the source, `python evaluate.py` is the same.

Any of these three workdirs will do. With --sr_workdir scans are thickened, and SR-CNN,
TCI and Fourier interpolation are compared with the ground truth. With --seg_workdir
every image set is segmented, with --benchmark_workdir the ground truth is, too; both
are measured against the records' labels. Without --sr_workdir scans are thickened only
if --downsample_factor says how much; else the ground truth alone is segmented.

Writes report.html (one page with all figures), report.md, report.json, subjects.csv
and, for Table 1, the figures into --output; with --save_volumes the image sets, too, as
NIfTI files below volumes/, for `deepresolve reading`. With --reading the scores of such
a reader study fill the rows of Table 1 that no program can measure.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from deepresolve.runs import checks
from deepresolve.system import interruption, path_flags, paths

if TYPE_CHECKING:
    import pathlib

    from deepresolve.evaluation.held_out import HeldOut
    from deepresolve.evaluation.supplement import Supplement
    from deepresolve.evaluation.table_1 import planning
    from deepresolve.evaluation.table_1.plan import Plan
    from deepresolve.tasks.trained_run import TrainedRun

FLAGS = flags.FLAGS

path_flags.define("records", None, "Folder that `python -m records convert` wrote.")
path_flags.define("workdir", None, "Workdir of one training, of any task.")
path_flags.define("sr_workdir", None, "Workdir of a super-resolution training.")
path_flags.define("seg_workdir", None, "Workdir of a segmentation training.")
path_flags.define(
    "benchmark_workdir",
    None,
    "Workdir of a segmentation to compare that of --seg_workdir with; or of a run to "
    "compare that of --workdir with, of the same task.",
)
path_flags.define("output", None, "Local folder of the report; made if need be.")
flags.DEFINE_enum(
    "split", "test", ["train", "validation", "test"], "Which subjects of the records."
)
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation score, or last epoch."
)
flags.DEFINE_integer(
    "downsample_factor",
    None,
    "Thin slices per thick slice spacing. Needed if a network knows several.",
)
flags.DEFINE_bool(
    "flips",
    False,
    "Segmentations: average with the mirror image, left for right, as predict's "
    "--flips; not where a network sees one slice at a time.",
)
flags.DEFINE_bool(
    "save_volumes",
    False,
    "Keep every image set of every subject as NIfTI in OUTPUT/volumes, in the scan's "
    "own axes and units: for a reader study, or to look at.",
)
path_flags.define(
    "thresholds",
    None,
    "With --workdir of a run that grades: report of the same run on another split "
    "(--split=validation), on whose probabilities thresholds are chosen (Youden).",
)
path_flags.define(
    "reading",
    None,
    "Folder of a reader study (`deepresolve reading`) of these subjects: "
    "fills DIQ and rank. Opens its key, so only once reading is over.",
)
flags.mark_flags_as_required(["records", "output"])

_PARTS = ("sr", "seg", "benchmark")
_WORKDIRS = [f"{part}_workdir" for part in _PARTS]


@flags.multi_flags_validator(
    ["workdir", *_WORKDIRS],
    "Give --workdir, or at least one of --sr_workdir, --seg_workdir and "
    "--benchmark_workdir.",
)
def _some_workdir(values: dict[str, str | None]) -> bool:
    return any(values.values())


@flags.multi_flags_validator(
    ["workdir", "thresholds"],
    "--thresholds belongs to --workdir: Table 1 detects nothing.",
)
def _thresholds_of_a_run(values: dict[str, str | None]) -> bool:
    return bool(values["workdir"]) or not values["thresholds"]


@flags.multi_flags_validator(
    ["workdir", "sr_workdir", "seg_workdir", "save_volumes", "reading"],
    "--workdir measures one run, if need be beside that of --benchmark_workdir. Leave "
    "out --sr_workdir, --seg_workdir, --save_volumes and --reading, which are for "
    "Table 1; or give the run as one of the first two.",
)
def _one_run_alone(values: dict[str, str | bool | None]) -> bool:
    others = [value for name, value in values.items() if name != "workdir"]
    return not values["workdir"] or not any(others)


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    _check_paths()
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()

    from deepresolve.system import hardware

    hardware.share_gpus()
    hardware.compute_float32_exactly()
    if FLAGS.workdir:
        _measure_run()
    else:
        _measure_table_1()


def _measure_run() -> None:
    """One run, whatever its task, beside a benchmark if there is one.

    Raises:
      ValueError: it cannot be measured.
      OSError: the report cannot be written, or memory ran out.
    """
    from deepresolve.evaluation import (
        benchmark,
        machine,
        measuring,
        one_run,
        run_report,
    )
    from deepresolve.evaluation.detection import thresholds
    from deepresolve.evaluation.detection.section import Section
    from deepresolve.evaluation.held_out import trained_on_others
    from deepresolve.evaluation.subjects_csv import Progress
    from deepresolve.reports import markdown
    from records import reader

    runs = _opened()
    only = one_run.only(next(iter(runs.values())))
    held_out = _held_out(only)
    strange = trained_on_others([*runs.values()], held_out)
    if strange:
        print(f"warning: {strange}.", file=sys.stderr)
    networks = {name: run.model_sha256 for name, run in runs.items()}
    chosen = {}
    if FLAGS.thresholds:
        people = held_out.people.values()
        chosen = thresholds.chosen(FLAGS.thresholds, networks, people)
    of_runs = (one_run.load(run, held_out, _options()) for run in runs.values())
    comparisons_of = functools.reduce(one_run.beside, of_runs)
    with _report_folder() as folder, _memory_is_told(folder):
        found = measuring.evaluate(
            reader.subjects(FLAGS.records, FLAGS.split, only=only),
            comparisons_of,
            num_subjects=len(held_out.subjects),
            on_subject=Progress(folder).add,
        )
        tests = benchmark.paired_tests(found.measurements)
        found = found._replace(tests=tuple(tests))
        asked = _flags() | _options() | machine.describe()
        facts = _presets(runs) | networks | {**only} | held_out.facts(strange)
        detection = Section.of(
            *(found.compared, chosen, FLAGS.thresholds or "", benchmark.BENCHMARK)
        )
        written = run_report.save(folder, found, detection, asked | facts)
        text = markdown.render(run_report.summary(found, detection))
        print(text, *written, sep="\n")


def _opened() -> dict[str, TrainedRun]:
    """The run, and its benchmark if there is one, by what reports call their networks.

    Raises:
      ValueError: there is none, or they cannot be compared.
    """
    from deepresolve.evaluation import one_run
    from deepresolve.evaluation.detection import earlier
    from deepresolve.tasks.trained_run import TrainedRun

    run = TrainedRun.open(FLAGS.workdir, FLAGS.checkpoint)
    if not FLAGS.benchmark_workdir:
        return {earlier.NETWORK: run}
    benchmark = TrainedRun.open(FLAGS.benchmark_workdir, FLAGS.checkpoint)
    one_run.check_comparable(run, benchmark)
    return {earlier.NETWORK: run, earlier.BENCHMARK_NETWORK: benchmark}


def _presets(runs: Mapping[str, TrainedRun]) -> dict[str, str]:
    presets = [run.config.preset for run in runs.values()]
    return dict(zip(("preset", "benchmark_preset"), presets, strict=False))


def _options() -> dict[str, Any]:
    """Options of a run's prediction that were chosen, by name."""
    given = {name: FLAGS[name].value for name in ("downsample_factor", "flips")}
    return {k: v for k, v in given.items() if v is not None and v is not False}


def _measure_table_1() -> None:
    """The paper's experiment.

    Raises:
      ValueError: it cannot be carried out.
      OSError: the report cannot be written, or memory ran out.
    """
    from deepresolve.evaluation.table_1 import planning

    held_out = _held_out({})
    settings = planning.Settings(
        FLAGS.checkpoint, FLAGS.downsample_factor, flips=FLAGS.flips
    )
    planned = planning.plan(_workdirs(), held_out, settings)
    for warning in planned.warnings:
        print(f"warning: {warning}.", file=sys.stderr)
    scores = _scores(planned.plan, held_out) if FLAGS.reading else None
    with _report_folder() as folder:
        _report(folder, planned, len(held_out.subjects), scores)


@contextlib.contextmanager
def _report_folder() -> Iterator[pathlib.Path]:
    """The folder of the report, made if need be, which nobody else writes into."""
    from deepresolve.reports import writing
    from deepresolve.system import locking

    folder = writing.make_folder(FLAGS.output)
    with locking.held(str(folder), "evaluation", "give another --output"):
        yield folder


@contextlib.contextmanager
def _memory_is_told(folder: pathlib.Path) -> Iterator[None]:
    """OSError where memory runs out, which says what is left of the work."""
    import tensorflow as tf

    from deepresolve.evaluation import subjects_csv

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OSError(
            "Out of memory. The numbers of the scans that were done are in "
            f"{folder}/{subjects_csv.PROGRESS_FILE}."
        ) from error


def _check_paths() -> None:
    """What can be told of the flags' paths without TensorFlow.

    Raises:
      ValueError, OSError: nothing to read at one, or nothing can be written.
    """
    paths.check_records(FLAGS.records)
    one = [FLAGS.workdir] if FLAGS.workdir else []
    for workdir in (*one, *_workdirs().values()):
        checks.check_workdir(workdir)
    if FLAGS.reading:
        paths.check_input("--reading", FLAGS.reading)
    if FLAGS.thresholds:
        paths.check_input("--thresholds", FLAGS.thresholds)
    paths.check_output_folder(FLAGS.output)


def _workdirs() -> dict[str, str]:
    """The workdirs that are given, by the part that each network plays."""
    given = {part: FLAGS[f"{part}_workdir"].value for part in _PARTS}
    return {part: workdir for part, workdir in given.items() if workdir}


def _held_out(only: Mapping[str, str]) -> HeldOut:
    """What the records' manifest tells of the subjects.

    Args:
      only: text scalars by name: of subjects that say so.

    Raises:
      ValueError: there is none.
    """
    from deepresolve.evaluation.held_out import HeldOut
    from records import manifest

    stored = manifest.load(FLAGS.records)
    subjects = [entry for entry in stored.subjects(FLAGS.split) if entry.says(only)]
    if only and not subjects:
        told = ", ".join(f"{name} {text!r}" for name, text in only.items())
        raise ValueError(
            f"{FLAGS.records} has no {FLAGS.split} scan of {told}, which the run "
            "learned from. Name other records, or another --split."
        )
    return HeldOut(
        FLAGS.records,
        FLAGS.split,
        subjects,
        stored.label_names,
        stored.sha256,
    )


def _scores(plan: Plan, held_out: HeldOut) -> Supplement:
    """The scores of the reader study, which must be of what is measured here."""
    from deepresolve.reading.analysis import supplement

    people, split = held_out.people, held_out.split
    return supplement.load(FLAGS.reading, people, split, plan.image_sets)


def _report(
    folder: pathlib.Path,
    planned: planning.Planned,
    num_subjects: int,
    scores: Supplement | None,
) -> None:
    """Measures the subjects and writes the report.

    Args:
      folder: of the report.
      planned: what is to be done, and facts for the report.
      num_subjects: how many subjects there are.
      scores: of a reader study, or None.
    """
    from deepresolve.evaluation import machine, subjects_csv
    from deepresolve.evaluation.table_1 import contents, report
    from deepresolve.evaluation.table_1.analysis import analyse
    from deepresolve.evaluation.table_1.experiment import evaluate
    from deepresolve.evaluation.table_1.saved_volumes import SavedVolumes
    from deepresolve.reports import markdown
    from records import reader

    plan = planned.plan
    saved = SavedVolumes(folder, plan.downsample_factor) if FLAGS.save_volumes else None
    with _memory_is_told(folder):
        results = evaluate(
            reader.subjects(FLAGS.records, FLAGS.split),
            plan,
            num_subjects=num_subjects,
            on_images=saved.add if saved else None,
            on_subject=subjects_csv.Progress(folder).add,
        )
    analysis = analyse(results, scores)
    written = [saved.finish()] if saved else []
    provenance = _flags() | machine.describe() | planned.facts
    written += report.save(folder, analysis, provenance)
    print(markdown.render(contents.summary(analysis)), *written, sep="\n")


def _flags() -> dict[str, str]:
    """What was asked for, as far as the numbers depend on it."""
    names = ("records", "split", "workdir", *_WORKDIRS, "checkpoint", "reading")
    given = {name: FLAGS[name].value for name in (*names, "thresholds")}
    return {name: value for name, value in given.items() if value}
