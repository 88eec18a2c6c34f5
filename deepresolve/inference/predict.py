r"""Thick-slice scans in, thin-slice scans out.

    python -m deepresolve.inference.predict \
        --workdir=RUN --input=SCAN --output=OUT.nii.gz

SCAN is a NIfTI file, a folder of DICOM files or a zip of them. A scan of n slices
becomes one of (n - 1) D + 1, from the first acquired slice to the last, in the scan's
own orientation, in-plane grid and intensity units. Where SCAN is a folder of several
scans, OUT is a folder: each scan is super-resolved in turn, a bad one is reported and
passed over, and the command then ends with status 1.
"""

from __future__ import annotations

import sys
import time

from absl import flags

from deepresolve import entry

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Folder of the run that trained the network.")
flags.DEFINE_string("input", None, "A scan, or a folder of scans.")
flags.DEFINE_string("output", None, "A .nii or .nii.gz file; a folder for several.")
flags.DEFINE_integer(
    "downsample_factor",
    None,
    "Thin slices per thick slice spacing. Needed if the network knows several.",
)
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation pSNR, or last epoch."
)
flags.DEFINE_enum(
    "output_dtype",
    "input",
    ["input", "float32"],
    "Voxels as the scan's own type (integers are rounded), or unrounded float32.",
)
flags.DEFINE_integer(
    "slice_axis",
    None,
    "0, 1 or 2 in the scan's own axes, where its header is wrong.",
    lower_bound=0,
    upper_bound=2,
)
flags.DEFINE_string("series", None, "DICOM: series number, or end of the series UID.")
flags.DEFINE_integer("echo", None, "DICOM: number of the echo, from 1.")
flags.DEFINE_integer(
    "block_planes", 16, "Slices in memory at once, per layer; fewer need less memory."
)
flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "What the network computes in: exact, or faster where the processor has it.",
)
flags.mark_flags_as_required(["workdir", "input", "output"])


def run() -> int:
    """Super-resolves all scans; returns the exit status."""
    import tensorflow as tf

    from deepresolve.imaging import formats
    from deepresolve.inference.outputs import plan_outputs
    from deepresolve.inference.super_resolution import SuperResolver, with_dtype

    resolver = SuperResolver.from_workdir(
        FLAGS.workdir, FLAGS.checkpoint, FLAGS.block_planes, FLAGS.dtype
    )
    factor = resolver.choose_factor(FLAGS.downsample_factor)
    scans = formats.find_scans(FLAGS.input)
    pairs = plan_outputs(FLAGS.input, FLAGS.output, scans)
    failures = 0
    for scan, result in pairs:
        start = time.perf_counter()
        try:
            thick = formats.read_image(
                scan, slice_axis=FLAGS.slice_axis, series=FLAGS.series, echo=FLAGS.echo
            )
            thin = resolver.super_resolve(thick, factor, progress=True)
            if FLAGS.output_dtype == "input":
                thin = with_dtype(thin, thick.array.dtype)
            result.parent.mkdir(parents=True, exist_ok=True)
            formats.write(result, thin)
        except (ValueError, OSError) as error:
            failures += 1
            print(f"error: {error}", file=sys.stderr)
            continue
        except (MemoryError, tf.errors.ResourceExhaustedError):
            failures += 1
            print(
                f"error: {scan}: out of memory. Fewer --block_planes need less.",
                file=sys.stderr,
            )
            continue
        if thick.has_gaps:
            print(
                f"note: {scan}: slices are {thick.slice_thickness_mm:.4g} mm thick and "
                f"{thick.slice_spacing_mm:.4g} mm apart; the network was trained on "
                "slices without gaps.",
                file=sys.stderr,
            )
        seconds = time.perf_counter() - start
        print(
            f"{scan} -> {result}: {thick.num_slices} slices "
            f"{thick.slice_spacing_mm:.4g} mm apart -> {thin.num_slices} slices "
            f"{thin.slice_spacing_mm:.4g} mm apart, {thin.array.dtype}, {seconds:.1f} s"
        )
    if failures and len(pairs) > 1:
        print(f"{failures} of {len(pairs)} scans failed.", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    entry.launch(run)
