"""Measures trained networks on held-out subjects: the paper's Table 1.

    deepresolve evaluate --records=DIR --output=DIR [--split=test]
        --sr_workdir=RUN --seg_workdir=RUN --benchmark_workdir=RUN

In a clone of the source, `python evaluate.py` is the same.

Any of the three workdirs will do. With --sr_workdir scans are thickened, and SR-CNN,
TCI and Fourier interpolation are compared with the ground truth. With --seg_workdir
every image set is segmented, with --benchmark_workdir the ground truth is, too; both
are measured against the records' labels. Without --sr_workdir scans are thickened only
if --downsample_factor says how much; else the ground truth alone is segmented.

Writes report.html (one page with all figures), report.md, report.json, subjects.csv
and the figures into --output; with --save_volumes the image sets, too, as NIfTI files
below volumes/, for `deepresolve reading`. With --reading the scores of such a
reader study fill the rows of Table 1 that no program can measure.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.runs import checks
from deepresolve.system import interruption, path_flags, paths

if TYPE_CHECKING:
    import pathlib

    from deepresolve.evaluation.supplement import Supplement
    from deepresolve.evaluation.table_1 import planning
    from deepresolve.evaluation.table_1.plan import Plan

FLAGS = flags.FLAGS

path_flags.define("records", None, "Folder that `python -m records convert` wrote.")
path_flags.define("sr_workdir", None, "Workdir of a super-resolution training.")
path_flags.define("seg_workdir", None, "Workdir of a segmentation training.")
path_flags.define(
    "benchmark_workdir", None, "Workdir of a segmentation to compare it with."
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
    "Thin slices per thick slice spacing. Needed if SR-CNN knows several.",
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
    "reading",
    None,
    "Folder of a reader study (`deepresolve reading`) of these subjects: "
    "fills DIQ and rank. Opens its key, so only once reading is over.",
)
flags.mark_flags_as_required(["records", "output"])

_PARTS = ("sr", "seg", "benchmark")


@flags.multi_flags_validator(
    ["sr_workdir", "seg_workdir", "benchmark_workdir"],
    "Give at least one of --sr_workdir, --seg_workdir and --benchmark_workdir.",
)
def _some_workdir(values: dict[str, str | None]) -> bool:
    return any(values.values())


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    _check_paths()
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()

    from deepresolve.evaluation.table_1 import planning
    from deepresolve.reports import writing
    from deepresolve.system import hardware, locking

    hardware.share_gpus()
    hardware.compute_float32_exactly()
    held_out = _held_out()
    settings = planning.Settings(
        FLAGS.checkpoint, FLAGS.downsample_factor, flips=FLAGS.flips
    )
    planned = planning.plan(_workdirs(), held_out, settings)
    for warning in planned.warnings:
        print(f"warning: {warning}.", file=sys.stderr)
    scores = _scores(planned.plan, held_out) if FLAGS.reading else None
    folder = writing.make_folder(FLAGS.output)
    with locking.held(str(folder), "evaluation", "give another --output"):
        _report(folder, planned, len(held_out.subjects), scores)


def _check_paths() -> None:
    """What can be told of the flags' paths without TensorFlow.

    Raises:
      ValueError, OSError: nothing to read at one, or nothing can be written.
    """
    paths.check_records(FLAGS.records)
    for workdir in _workdirs().values():
        checks.check_workdir(workdir)
    if FLAGS.reading:
        paths.check_input("--reading", FLAGS.reading)
    paths.check_output_folder(FLAGS.output)


def _workdirs() -> dict[str, str]:
    """The workdirs that are given, by the part that each network plays."""
    given = {part: FLAGS[f"{part}_workdir"].value for part in _PARTS}
    return {part: workdir for part, workdir in given.items() if workdir}


def _held_out() -> planning.HeldOut:
    """What the records' manifest tells of the subjects."""
    from deepresolve.evaluation.table_1 import planning
    from records import manifest

    stored = manifest.load(FLAGS.records)
    return planning.HeldOut(
        FLAGS.records,
        FLAGS.split,
        stored.subjects(FLAGS.split),
        stored.label_names,
        stored.sha256,
    )


def _scores(plan: Plan, held_out: planning.HeldOut) -> Supplement:
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
    import tensorflow as tf

    from deepresolve.evaluation import machine, subjects_csv
    from deepresolve.evaluation.table_1 import contents, report
    from deepresolve.evaluation.table_1.analysis import analyse
    from deepresolve.evaluation.table_1.experiment import evaluate
    from deepresolve.evaluation.table_1.saved_volumes import SavedVolumes
    from deepresolve.reports import markdown
    from records import reader

    plan = planned.plan
    saved = SavedVolumes(folder, plan.downsample_factor) if FLAGS.save_volumes else None
    try:
        results = evaluate(
            reader.subjects(FLAGS.records, FLAGS.split),
            plan,
            num_subjects=num_subjects,
            on_images=saved.add if saved else None,
            on_subject=subjects_csv.Progress(folder).add,
        )
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OSError(
            "Out of memory. The numbers of the scans that were done are in "
            f"{folder}/{subjects_csv.PROGRESS_FILE}."
        ) from error
    analysis = analyse(results, scores)
    written = [saved.finish()] if saved else []
    provenance = _flags() | machine.describe() | planned.facts
    written += report.save(folder, analysis, provenance)
    print(markdown.render(contents.summary(analysis)), *written, sep="\n")


def _flags() -> dict[str, str]:
    """What was asked for, as far as the numbers depend on it."""
    names = ("records", "split", "sr_workdir", "seg_workdir", "benchmark_workdir")
    given = {n: FLAGS[n].value for n in (*names, "checkpoint", "reading")}
    return {name: value for name, value in given.items() if value}
