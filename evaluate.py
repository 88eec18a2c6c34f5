"""Measures trained networks on held-out subjects: the paper's Table 1.

    python evaluate.py --records=DIR --output=DIR [--split=test]
        --sr_workdir=RUN --seg_workdir=RUN --benchmark_workdir=RUN

Any of the three workdirs will do. With --sr_workdir scans are thickened, and SR-CNN,
TCI and Fourier interpolation are compared with the ground truth. With --seg_workdir
every image set is segmented, with --benchmark_workdir the ground truth is, too; both
are measured against the records' labels. Without --sr_workdir scans are thickened only
if --downsample_factor says how much; else the ground truth alone is segmented.

Writes report.html (one page with all figures), report.md, report.json, subjects.csv
and the figures into --output; with --save_volumes the image sets, too, as NIfTI files
below volumes/, for `python -m deepresolve.reading`. With --reading the scores of such a
reader study fill the rows of Table 1 that no program can measure.
"""

from __future__ import annotations

import functools
import sys

from absl import flags

from deepresolve import presets
from deepresolve.runs import checks
from deepresolve.system import entry, interruption, path_flags, paths

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
    "Folder of a reader study (`python -m deepresolve.reading`) of these subjects: "
    "fills DIQ and rank. Opens its key, so only once reading is over.",
)
flags.mark_flags_as_required(["records", "output"])

# The preset whose numbers the paper has, by the part that a network plays.
_PUBLISHED = {"sr": "sr_cnn", "seg": "seg_cnn", "benchmark": "segnet_2d"}


@flags.multi_flags_validator(
    ["sr_workdir", "seg_workdir", "benchmark_workdir"],
    "Give at least one of --sr_workdir, --seg_workdir and --benchmark_workdir.",
)
def _some_workdir(values) -> bool:
    return any(values.values())


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    _check_paths()
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()

    from deepresolve.reports import writing
    from deepresolve.system import locking
    from records import manifest

    stored = manifest.load(FLAGS.records)
    plan, about = _plan(stored)
    readers = _readers(plan, stored) if FLAGS.reading else None
    folder = writing.make_folder(FLAGS.output)
    with locking.held(str(folder), "evaluation", "give another --output"):
        _report(folder, stored, plan, readers, about)


def _report(folder, stored, plan, readers, about) -> None:
    """Measures the subjects and writes the report.

    Args:
      folder: of the report.
      stored: the manifest of the records.
      plan: what is to be done.
      readers: scores of a reader study, or None.
      about: facts for the report.
    """
    import tensorflow as tf

    from deepresolve.evaluation import machine, subjects_csv
    from deepresolve.evaluation.saved_volumes import SavedVolumes
    from deepresolve.evaluation.table_1 import contents, report
    from deepresolve.evaluation.table_1.analysis import analyse
    from deepresolve.evaluation.table_1.experiment import evaluate
    from deepresolve.reports import markdown
    from records import reader

    saved = SavedVolumes(folder, plan.downsample_factor) if FLAGS.save_volumes else None
    try:
        results = evaluate(
            reader.subjects(FLAGS.records, FLAGS.split),
            plan,
            num_subjects=stored.counts[FLAGS.split],
            on_images=saved and saved.add,
            on_subject=subjects_csv.Progress(folder).add,
        )
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OSError(
            "Out of memory. The numbers of the scans that were done are in "
            f"{folder}/subjects.partial.csv."
        ) from error
    analysis = analyse(results, readers)
    written = [saved.finish()] if saved else []
    written += report.save(folder, analysis, _flags() | machine.describe() | about)
    print(markdown.render(contents.summary(analysis)), *written, sep="\n")


def _check_paths() -> None:
    """What can be told of the flags' paths without TensorFlow.

    Raises:
      ValueError, OSError: nothing to read at one, or nothing can be written.
    """
    paths.check_records(FLAGS.records)
    for part in _PUBLISHED:
        if workdir := FLAGS[f"{part}_workdir"].value:
            checks.check_workdir(workdir)
    if FLAGS.reading:
        paths.check_input("--reading", FLAGS.reading)
    paths.check_output_folder(FLAGS.output)


def _plan(stored):
    """What is to be done, and what it is done with; refuses what cannot be done.

    Args:
      stored: the manifest of the records.

    Returns:
      A `deepresolve.evaluation.table_1.plan.Plan` and facts for the report.

    Raises:
      ValueError: a workdir of the wrong task, twice the same, or of another study, or
        no labels.
    """
    from deepresolve.evaluation.table_1.plan import Plan

    if FLAGS.seg_workdir and FLAGS.seg_workdir == FLAGS.benchmark_workdir:
        raise ValueError(
            f"--seg_workdir and --benchmark_workdir are both {FLAGS.seg_workdir}: a "
            "network is not its own benchmark. Name another run, or leave one out."
        )
    # Networks take seconds to load: first all that their configs tell.
    configs = _configs()
    classes = _classes(configs, stored)
    networks, factor = _networks(configs)
    about = {f"{part}_preset": config.preset for part, config in configs.items()}
    return Plan(networks, factor, classes), about | {
        "records_sha256": stored.sha256,
        "trained_on": _trained_on(stored),
    }


def _configs():
    """The config of each workdir that is given, by part.

    Raises:
      ValueError: a workdir of the wrong task, or flips that no network is for.
    """
    from deepresolve.runs.workdir import Workdir

    configs = {}
    for part in _PUBLISHED:
        if not (workdir := FLAGS[f"{part}_workdir"].value):
            continue
        configs[part] = config = Workdir(workdir).load_config()
        task = "super_resolution" if part == "sr" else "segmentation"
        if config.task != task:
            raise ValueError(
                f"--{part}_workdir={workdir} holds a network for {config.task}; "
                f"expected one for {task}."
            )
    if FLAGS.flips and not any(_is_flipped(config) for config in configs.values()):
        raise ValueError(
            "--flips is for a segmentation that sees more than one slice at a time; "
            "none is given. Leave it out."
        )
    return configs


def _is_flipped(config) -> bool:
    """Whether a network is averaged with its mirror image."""
    from deepresolve.networks import SLICEWISE

    is_segmentation = config.task == "segmentation"
    return FLAGS.flips and is_segmentation and config.model not in SLICEWISE


def _trained_on(stored) -> str:
    """Whether the networks' training can have seen the scans that are measured."""
    from deepresolve.runs.workdir import Workdir

    parts = ("sr_workdir", "seg_workdir", "benchmark_workdir")
    others = [
        workdir
        for workdir in (FLAGS[part].value for part in parts)
        if workdir
        and {start["records_sha256"] for start in Workdir(workdir).load_provenance()}
        != {stored.sha256}
    ]
    if others:
        warning = (
            f"{', '.join(others)} learned from other records than {FLAGS.records}: "
            "whether it has seen these scans cannot be told"
        )
        print(f"warning: {warning}.", file=sys.stderr)
        return warning
    return f"these records; measured are the {FLAGS.split} scans"


def _networks(configs):
    """The networks by part, under names that tell them apart, and the factor."""
    from deepresolve.evaluation.table_1.plan import Network
    from deepresolve.system import hardware

    hardware.share_gpus()
    hardware.compute_float32_exactly()
    functions, factor = _functions(configs)
    titles = _titles(configs)
    networks = {
        part: Network(
            titles[part],
            functions[part],
            published=presets.trains_as(config, _PUBLISHED[part])
            and not _is_flipped(config),
            flips=_is_flipped(config),
        )
        for part, config in configs.items()
    }
    return networks, factor


def _functions(configs):
    """Each network as a function, by part, and the downsample factor of them all."""
    from deepresolve.tasks.segmentation.segmenter import Segmenter
    from deepresolve.tasks.super_resolution.super_resolver import SuperResolver

    functions = {}
    factor = FLAGS.downsample_factor
    for part, config in configs.items():
        workdir = FLAGS[f"{part}_workdir"].value
        if part == "sr":
            resolver = SuperResolver.from_workdir(workdir, FLAGS.checkpoint)
            factor = resolver.choose_factor(factor)
            functions[part] = functools.partial(resolver.enhance, progress=True)
        else:
            segmenter = Segmenter.from_workdir(
                workdir, FLAGS.checkpoint, flips=_is_flipped(config)
            )
            functions[part] = functools.partial(segmenter.label_map, progress=True)
    return functions, factor


def _titles(configs):
    from deepresolve.evaluation.table_1.plan import MODEL_TITLES

    titles = {
        part: MODEL_TITLES.get(config.model, config.model)
        for part, config in configs.items()
    }
    if "benchmark" in titles and titles["benchmark"] == titles.get("seg"):
        titles["benchmark"] += ", benchmark"
    return titles


def _classes(configs, stored):
    """The classes of the segmentations among the records' labels; None without any."""
    from deepresolve.evaluation.table_1.plan import Classes

    segmented = {
        part: configs[part] for part in ("seg", "benchmark") if part in configs
    }
    if not segmented:
        return None
    first, *others = (config.classes for config in segmented.values())
    if any(other != first for other in others):
        raise ValueError(
            f"The networks of {FLAGS.seg_workdir} and {FLAGS.benchmark_workdir} "
            f"segment different classes: {', '.join(first)}; and "
            f"{', '.join(others[0])}. Train both with the same --classes."
        )
    _require_labels(stored)
    try:
        return Classes.of(first, stored.label_names)
    except ValueError as error:
        workdir = FLAGS.seg_workdir or FLAGS.benchmark_workdir
        raise ValueError(
            f"{FLAGS.records} lacks labels that the network of {workdir} was trained "
            f"for. {error}"
        ) from error


def _require_labels(stored) -> None:
    """ValueError unless every subject of the split has labels."""
    bare = [s.subject for s in stored.subjects(FLAGS.split) if not s.labelled]
    if bare:
        raise ValueError(
            f"{len(bare)} of {stored.counts[FLAGS.split]} {FLAGS.split} subjects of "
            f"{FLAGS.records} have no labels, the first {bare[0]!r}: there is nothing "
            "to measure a segmentation against. Convert the scans with their labels, "
            "or leave out --seg_workdir and --benchmark_workdir."
        )


def _readers(plan, stored):
    """The scores of the reader study, which must be of what is measured here."""
    from deepresolve.reading.analysis import supplement

    people = {s.subject: s.person for s in stored.subjects(FLAGS.split)}
    return supplement.load(FLAGS.reading, people, FLAGS.split, plan.image_sets)


def _flags() -> dict[str, str]:
    """What was asked for, as far as the numbers depend on it."""
    names = ("records", "split", "sr_workdir", "seg_workdir", "benchmark_workdir")
    given = {n: FLAGS[n].value for n in (*names, "checkpoint", "reading")}
    return {name: value for name, value in given.items() if value}


if __name__ == "__main__":
    entry.launch(run)
