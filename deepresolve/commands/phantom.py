r"""Writes a synthetic knee as NIfTI, thin or thick slices.

    deepresolve phantom --output=knee.nii.gz \
        [--seed=1] [--side=left] [--downsample_factor=3] [--label_output=label.nii.gz]
        [--lesions=cartilage,meniscus,marrow] [--lesion_output=lesion.nii.gz]

The same seed gives the same knee at any shape and spacing, with and without lesions.
"""

from __future__ import annotations

import itertools
import pathlib

from absl import flags

from deepresolve.system import path_flags, paths

FLAGS = flags.FLAGS

path_flags.define("output", None, "Image to write, .nii or .nii.gz.")
path_flags.define("label_output", None, "Label map of the thin slices to write.")
flags.DEFINE_integer("seed", 0, "The anatomy, its textures and the noise.", 0)
flags.DEFINE_enum("side", "right", ["left", "right"], "Which knee.")
flags.DEFINE_list("shape", "160,160,120", "Voxels to the back, down and across.")
flags.DEFINE_list("spacing_mm", "0.75,0.75,0.75", "Voxel spacing along those axes.")
flags.DEFINE_integer(
    "downsample_factor", None, "Make slices this many times as thick, 2 to 8."
)
flags.DEFINE_list(
    "lesions", [], "What is wrong with it, of cartilage, meniscus, marrow: one each."
)
path_flags.define("lesion_output", None, "Map of the lesions to write.")
flags.mark_flag_as_required("output")


def run() -> None:
    """Draws the knee and writes it."""
    _check_outputs()
    # After the flags: SciPy and nibabel take longer to load than --help may take.
    from deepresolve.imaging import formats
    from deepresolve.imaging.degradation import thicken
    from deepresolve.imaging.intensity import to_dtype
    from deepresolve.imaging.labels import format_label_names
    from deepresolve.simulation.phantom import LABEL_NAMES, LESION_NAMES, knee, lesions

    drawn = knee(
        seed=FLAGS.seed,
        side=FLAGS.side,
        shape=[int(n) for n in FLAGS.shape],
        spacing_mm=[float(s) for s in FLAGS.spacing_mm],
        lesions=[lesions.draw(kind, FLAGS.seed) for kind in FLAGS.lesions],
    )
    image = drawn.image
    if FLAGS.downsample_factor:
        thick = thicken(image, FLAGS.downsample_factor)
        image = thick.with_array(to_dtype(thick.array, image.array.dtype))
    formats.write(FLAGS.output, image)
    if FLAGS.label_output:
        formats.write(FLAGS.label_output, drawn.label)
        print(f"{FLAGS.label_output}: {format_label_names(LABEL_NAMES)}")
    if FLAGS.lesion_output:
        formats.write(FLAGS.lesion_output, drawn.lesion)
        print(f"{FLAGS.lesion_output}: {format_label_names(LESION_NAMES)}")
    for finding in drawn.findings:
        x, y, z = finding.place_mm
        print(f"{finding.lesion.describe()}, at ({x:.1f}, {y:.1f}, {z:.1f}) mm")
    print(f"{FLAGS.output}: {image.shape}, {image.slice_spacing_mm:.4g} mm slices")


def _check_outputs() -> None:
    """Sees that all that is asked for can be written, each into a file of its own."""
    given = {
        "output": FLAGS.output,
        "label_output": FLAGS.label_output,
        "lesion_output": FLAGS.lesion_output,
    }
    outputs = {name: path for name, path in given.items() if path}
    for path in outputs.values():
        paths.check_output(path)
    for (name, path), (other, taken) in itertools.combinations(outputs.items(), 2):
        if _is_one(path, taken):
            raise ValueError(
                f"--{name} and --{other} are both {path}: one would lie on the other. "
                "Name a file for each."
            )


def _is_one(output: str, other: str) -> bool:
    return pathlib.Path(output).resolve() == pathlib.Path(other).resolve()
