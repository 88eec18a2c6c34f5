r"""Scans in; thin slices or label maps out, whatever the run was trained for.

    python -m deepresolve.prediction.predict \
        --workdir=RUN --input=SCAN --output=OUT.nii.gz

SCAN is a NIfTI, MetaImage or NRRD file, a folder of DICOM files or a zip of them. Where
SCAN is a folder of several scans, OUT is a folder: one scan is taken after the other, a
bad one is reported and passed over, and the command then ends with status 1. Without
--workdir the network is one that comes with the package (--pretrained), for a try.

Super-resolution: a scan of n slices becomes one of (n - 1) D + 1, from the first
acquired slice to the last, in the scan's own orientation, in-plane grid and intensity
units. All of them come out of the network, those at acquired positions, too.

Segmentation: a scan becomes a label map on its own grid, uint8: 0 is background, n the
n-th of the run's classes. --probabilities adds OUT_probability_CLASS.nii.gz. The
volumes in cubic millimetres, with the names of the classes, go to OUT_volumes.csv;
where OUT is a folder, to its volumes.csv.

Beside each result goes NAME_trust.json, how far to trust it: whether it agrees with the
acquired slices, how the scan differs from those that the network was trained on, and
what made it. What is off is also told as a note. See docs/trust.md.

--output_format=dicom: a DICOM scan becomes a derived series in the folder OUT, which
carries its patient and study on, or for a label map a DICOM segmentation OUT.dcm.
--anonymize takes patient, dates and places out of a series, by allowing what may stay,
and replaces UIDs (PS3.15 Basic Application Level Confidentiality Profile); the pixels,
which may show a face, and the names of files stay as they are.

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
import functools
import sys

from absl import flags

from deepresolve.prediction import model_flags, predict_flags
from deepresolve.runs import checks
from deepresolve.system import entry, interruption, paths

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(predict_flags)  # so that --help lists them


def run() -> int:
    """Takes all scans through the network; returns the exit status."""
    paths.check_input("--input", FLAGS.input)
    checks.check_workdir(model_flags.workdir())
    paths.check_apart(FLAGS.output, FLAGS.input)
    paths.check_output(FLAGS.output)

    from deepresolve.imaging import formats
    from deepresolve.system import files, notes

    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()
    found = formats.search(FLAGS.input)
    notes.tell(found.describe())

    from deepresolve.prediction import batch

    prediction, writer = _prepared()
    pairs = prediction.output.plan(
        FLAGS.input, FLAGS.output, found.paths, writer.endings
    )
    for folder in {target.parent for _, target in pairs}:
        files.check_folder(folder)
    batch.remove_leftovers(pairs, writer)
    prediction = _with_previews(prediction, pairs)
    predict = batch.RUNNERS[FLAGS.runner]
    num_failed = _tell(predict(prediction, writer, pairs, FLAGS.beam_options))
    if num_failed and len(pairs) > 1:
        print(f"{num_failed} of {len(pairs)} scans failed.", file=sys.stderr)
    return 1 if num_failed else 0


def _tell(results) -> int:
    """Prints what became of each scan as it comes; returns how many failed."""
    num_failed = 0
    for result in results:
        print(result.message, file=sys.stderr if result.failed else sys.stdout)
        for note in result.notes:
            print(note, file=sys.stderr)
        num_failed += result.failed
    return num_failed


def _prepared():
    """The prediction that the flags ask for, and its writer with the network loaded."""
    from deepresolve.imaging.formats.choice import Choice
    from deepresolve.prediction import batch, output_formats
    from deepresolve.prediction.outputs import table_beside
    from deepresolve.runs.workdir import Workdir

    model_flags.announce()
    task = Workdir(model_flags.workdir()).load_config().task
    predict_flags.check(task)
    _check_preview()
    make_writer = _WRITERS[task](_choose_dtype(task))
    table = table_beside(FLAGS.output)
    writer = make_writer(table)
    choice = Choice(FLAGS.series, FLAGS.echo, FLAGS.volume)
    output = output_formats.choose(
        FLAGS.output_format,
        writer,
        workdir=model_flags.workdir(),
        checkpoint=FLAGS.checkpoint,
        choice=choice,
        anonymize=FLAGS.anonymize,
    )
    prediction = batch.Prediction(
        make_writer=make_writer,
        output=output,
        table=table,
        trust=_trust(),
        slice_axis=FLAGS.slice_axis,
        choice=choice,
    )
    return prediction, writer


def _check_preview() -> None:
    """ValueError for a kind of preview that is not known, before any work is done."""
    if FLAGS.preview is not None:
        # Brings Matplotlib along, as Keras 3 does too, but not Keras 2.15.
        from deepresolve.prediction import previews

        previews.check_kind(FLAGS.preview)


def _with_previews(prediction, pairs):
    """The prediction, with the previews that --preview asks for."""
    from deepresolve.prediction import previews
    from deepresolve.system import files

    if FLAGS.preview is None:
        return prediction
    planned = previews.plan(
        FLAGS.preview, FLAGS.input, pairs, anonymous=FLAGS.anonymize
    )
    for folder in {path.parent for path in planned.paths.values()}:
        files.check_folder(folder)
    files.remove_leftovers(planned.paths.values())
    return dataclasses.replace(prediction, previews=planned)


def _trust():
    """What the reports of this command have in common."""
    from deepresolve.prediction.trust import report

    trust = report.load(
        model_flags.workdir(),
        FLAGS.checkpoint,
        predict_flags.command(),
        anonymous=FLAGS.anonymize,
    )
    if trust.trained is None:
        print(f"note: {model_flags.workdir()}: {report.NOT_RECORDED}.", file=sys.stderr)
    return trust


def _choose_dtype(task: str) -> str:
    """`--dtype`, with "auto" decided and told."""
    from deepresolve.prediction import loading

    if FLAGS.dtype != "auto":
        return FLAGS.dtype
    dtype, reason = loading.choose_dtype(task, alone=FLAGS.runner == "local")
    print(f"Computing in {dtype}: {reason}.")
    return dtype


def _thin_slice_writer(dtype: str):
    from deepresolve.prediction import loading

    return functools.partial(
        loading.thin_slice_writer,
        workdir=model_flags.workdir(),
        checkpoint=FLAGS.checkpoint,
        dtype=dtype,
        downsample_factor=FLAGS.downsample_factor,
        keep_dtype=FLAGS.output_dtype == "input",
        spread=FLAGS.spread,
    )


def _label_map_writer(dtype: str):
    from deepresolve.prediction import loading

    return functools.partial(
        loading.label_map_writer,
        workdir=model_flags.workdir(),
        checkpoint=FLAGS.checkpoint,
        dtype=dtype,
        window=predict_flags.window(),
        flips=FLAGS.flips,
        memory_gib=FLAGS.memory_gib,
        probabilities=FLAGS.probabilities,
        largest_only=FLAGS.keep_largest,
        spread=FLAGS.spread,
    )


_WRITERS = {"super_resolution": _thin_slice_writer, "segmentation": _label_map_writer}


if __name__ == "__main__":
    entry.launch(run)
