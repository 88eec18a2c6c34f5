r"""Scans in; thin slices or label maps out, whatever the run was trained for.

    deepresolve predict \
        --workdir=RUN --input=SCAN --output=OUT.nii.gz

SCAN is a NIfTI, MetaImage or NRRD file, a folder of DICOM files or a zip of them. Where
SCAN is a folder of several scans, OUT is a folder: one scan is taken after the other, a
bad one is reported and passed over, and the command then ends with status 1.

Without --workdir a lone scan is learned from (--learn=scan): its sharp in-plane axes
are made thick as its slices are, a network learns what that takes away, for --minutes,
and restores the slices; how much that gains is measured on slices that it did not learn
from, and where it gains nothing, interpolation is written. Several scans are taken
through the package's network as it is, in seconds each, unless --learn=scan is given.
--spacing_mm, --isotropic or --downsample_factor say how far apart thin slices are to
be; the faces of the field of view stay. See docs/learn_from_scan.md.

Super-resolution by a network of your own (presets sr_cnn): a scan of n slices becomes
one of (n - 1) D + 1, from the first acquired slice to the last, in the scan's own
orientation, in-plane grid and intensity units. All of them come out of the network,
those at acquired positions, too.

Segmentation: a scan becomes a label map on its own grid, uint8: 0 is background, n the
n-th of the run's classes. --probabilities adds OUT_probability_CLASS.nii.gz. The
volumes in cubic millimetres, with the names of the classes, go to OUT_volumes.csv;
where OUT is a folder, to its volumes.csv.

Beside each result goes NAME_trust.json, how far to trust it: whether it agrees with the
acquired slices, how the scan differs from those that the network was trained on, and
what made it. What is off is also told as a note. See docs/trust.md.

--segment also segments the thin slices, by --segment_workdir (pretrained:seg_knee
without it): NAME_label_map.nii.gz, and with --label_grid=thick or both also one on the
scan's own slices.

--output_format=dicom: a DICOM scan becomes a derived series in the folder OUT, which
carries its patient and study on, or for a label map a DICOM segmentation OUT.dcm.
--anonymize takes patient, dates and places out of a series, by allowing what may stay,
and replaces UIDs (PS3.15 Basic Application Level Confidentiality Profile); the pixels,
which may show a face, and the names of files stay as they are.

Grading (classification): a scan becomes rows of OUT/grades.csv and of
OUT/slice_grades.csv. --preview shows where the network looked, over the scan;
--output_format=dicom makes a structured report OUT.dcm of a DICOM scan, which refers to
the slice that decided.

--preview=FILE.png draws the result beside its scan, in three planes: positions that
were acquired are marked, label maps outlined. --preview=FILE.html is one page for a
browser that scrolls through all slices, without a network. --preview=png and
--preview=html write NAME_preview.png or NAME_preview.html beside each result, of many
scans, too.

With --runner=beam the scans are shared out among the workers of a Beam pipeline, each
of which loads the network once; what is written is the same. See docs/scale.md.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import model_flags, predict_flags
from deepresolve.runs import checks
from deepresolve.system import interruption, paths

if TYPE_CHECKING:
    from deepresolve.prediction.batch import Beam, Here, Job, OpenJob, Recipe, Result
    from deepresolve.prediction.placement import Pair
    from deepresolve.prediction.trust.report import Trust
    from deepresolve.tasks.prediction import Predictor
    from deepresolve.tasks.trained_run import TrainedRun

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(predict_flags)  # so that --help lists them


def run() -> int:
    """Takes all scans through the network; returns the exit status."""
    paths.check_input("--input", FLAGS.input)
    checks.check_workdir(model_flags.workdir())
    if FLAGS.segment:
        checks.check_workdir(FLAGS.segment_workdir)
    paths.check_apart(FLAGS.output, FLAGS.input)
    paths.check_output(FLAGS.output)

    from deepresolve.imaging import formats
    from deepresolve.system import files, notes

    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()
    found = formats.search(FLAGS.input)
    notes.tell(found.describe())

    work = _opened(predict_flags.learning(len(found.paths)))
    names = work.predictor.volume_names
    pairs = work.job.output.plan(FLAGS.input, FLAGS.output, found.paths, names)
    for folder in {target.parent for _, target in pairs}:
        files.check_folder(folder)
    work.remove_leftovers(pairs)
    work = dataclasses.replace(work, job=_with_previews(work.job, pairs))
    if work.predictor.announcement:
        print(work.predictor.announcement)
        if len(pairs) > 1:
            print(f"Each of {len(pairs)} scans takes as long.")
    num_failed = _tell(_runner().run(work, pairs))
    if num_failed and len(pairs) > 1:
        print(f"{num_failed} of {len(pairs)} scans failed.", file=sys.stderr)
    return 1 if num_failed else 0


def _tell(results: Iterable[Result]) -> int:
    """Prints what became of each scan as it comes; returns how many failed."""
    num_failed = 0
    for result in results:
        print(result.message, file=sys.stderr if result.failed else sys.stdout)
        for note in result.notes:
            print(note, file=sys.stderr)
        num_failed += result.failed
    return num_failed


def _runner() -> Here | Beam:
    from deepresolve.prediction import batch

    return batch.Beam(FLAGS.beam_options) if FLAGS.runner == "beam" else batch.Here()


def _opened(learning: Mapping[str, str]) -> OpenJob:
    """What the flags ask for, with the network loaded.

    Args:
      learning: options that stand in place of those that were not given.
    """
    from deepresolve.imaging.formats.choice import Choice
    from deepresolve.prediction import batch, result_files
    from deepresolve.prediction.placement import table_beside
    from deepresolve.tasks.trained_run import TrainedRun, takers

    model_flags.announce()
    trained = TrainedRun.open(model_flags.workdir(), FLAGS.checkpoint)
    second = TrainedRun.open(FLAGS.segment_workdir) if FLAGS.segment else None
    predict_flags.check(trained, takers, second)
    _check_preview()
    options = {**_options(trained), **learning}
    recipe = batch.Recipe(trained.name, trained.checkpoint, options)
    if second is not None:
        recipe = _segmented(recipe, second)
    predictor = recipe.open(trained, second)
    if FLAGS.preview is not None and predictor.kind is None:
        raise ValueError(
            "--preview shows images, label maps and grades; this network gives tables "
            "alone. Leave it out."
        )
    choice = Choice(FLAGS.series, FLAGS.echo, FLAGS.volume)
    output = result_files.choose(
        FLAGS.output_format, trained, predictor, choice, FLAGS.anonymize
    )
    job = batch.Job(
        recipe,
        output,
        {name: table_beside(FLAGS.output, name) for name in predictor.tables},
        _trust(trained, predictor, second),
        slice_axis=FLAGS.slice_axis,
        choice=choice,
    )
    work = batch.OpenJob(job, predictor)
    work.check_tables()
    return work


def _segmented(recipe: Recipe, second: TrainedRun) -> Recipe:
    """The recipe, with a network behind it that segments what it gives."""
    from deepresolve.prediction import batch

    model_flags.announce(FLAGS.segment_workdir)
    options = predict_flags.segmenter_options(second)
    options["probabilities"] = FLAGS.label_grid != "thin"
    then = batch.Recipe(FLAGS.segment_workdir, "best", options)
    return dataclasses.replace(recipe, then=then, label_grid=FLAGS.label_grid)


def _check_preview() -> None:
    """ValueError for a kind of preview that is not known, before any work is done."""
    if FLAGS.preview is not None:
        # Brings Matplotlib along, as Keras 3 does too, but not Keras 2.15.
        from deepresolve.prediction import preview_files

        preview_files.check_kind(FLAGS.preview)


def _with_previews(job: Job, pairs: Sequence[Pair]) -> Job:
    """The job, with the previews that --preview asks for."""
    if FLAGS.preview is None:
        return job
    from deepresolve.prediction import preview_files
    from deepresolve.system import files

    planned = preview_files.plan(
        FLAGS.preview, FLAGS.input, pairs, anonymous=FLAGS.anonymize
    )
    for folder in {path.parent for path in planned.paths.values()}:
        files.check_folder(folder)
    files.remove_leftovers(planned.paths.values())
    return dataclasses.replace(job, previews=planned)


def _trust(
    trained: TrainedRun, predictor: Predictor, second: TrainedRun | None
) -> Trust:
    """What the reports of this command have in common."""
    from deepresolve.prediction.trust import report

    trust = report.Trust.of(
        trained,
        predictor.training_factor,
        predict_flags.command(),
        anonymous=FLAGS.anonymize,
    )
    if second is not None:
        told = f"{second.config.model}, weights {second.model_sha256}"
        trust = dataclasses.replace(trust, model={**trust.model, "segmented_by": told})
    if trust.trained is None:
        print(f"note: {trained.name}: {report.NOT_RECORDED}.", file=sys.stderr)
    return trust


def _options(trained: TrainedRun) -> dict[str, object]:
    """The options of the run's task, with a `dtype` of "auto" decided and told."""
    options = predict_flags.options(trained.config.task)
    if options["dtype"] == "auto":
        dtype, reason = trained.choose_dtype(alone=FLAGS.runner == "local")
        print(f"Computing in {dtype}: {reason}.")
        options["dtype"] = dtype
    return options
