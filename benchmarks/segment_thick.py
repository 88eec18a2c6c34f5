r"""Whether super-resolution first helps the label map of a thick-slice scan.

    python benchmarks/segment_thick.py --data=DIR --maps=DIR [--thick_mm=3,4.5]

Knees that seg_knee never saw are painted with pixels of 0.5 mm and thin slices, made
thick, and segmented as they are, or after sr_knee made them thin again, as
`predict --segment` does (without learning from the scan, unless --minutes are given).
The label map of the thick slices is measured on them, as that of the thin slices is on
those; what was segmented as it is has its probabilities interpolated there. Prints a
table: Dice coefficient (%) of each class, mean over the images.
"""

from __future__ import annotations

import os
import pathlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", os.environ.get("DEEPRESOLVE_DATA"), "Folder of the real label maps."
)
path_flags.define("maps", None, "Keeps the label maps there, which take a minute.")
flags.DEFINE_list("thick_mm", ["3", "4.5"], "Distances of touching thick slices.")
flags.DEFINE_integer("images", 2, "Images of each label map.")
flags.DEFINE_float("minutes", 0.0, "Minutes of learning from each scan.")
flags.mark_flags_as_required(["data", "maps"])

_PIXEL_MM, _THIN_MM = 0.5, 0.75


def painted(thick_mm: float) -> Iterator[Any]:
    """Images of thin slices, a multiple of what makes a thick one."""
    import pretrain_labels
    import unseen_knees

    from deepresolve.simulation.painting import Priors, paint

    priors = Priors(
        pixel_mm=(_PIXEL_MM, _PIXEL_MM),
        slice_mm=(_THIN_MM, _THIN_MM),
        other_plane=0.0,
    )
    known = unseen_knees.maps(pathlib.Path(FLAGS.maps), pathlib.Path(FLAGS.data))
    for _, labels in known:
        for number in range(FLAGS.images):
            seed = unseen_knees.SEED + number
            found = paint(labels, pretrain_labels.NAMES, seed=seed, priors=priors)
            # Slices are as thin as the label map lets them be.
            factor = round(thick_mm / found.image.slice_spacing_mm)
            kept = found.image.num_slices // factor * factor
            part = (slice(None), slice(None), slice(kept))
            yield found.image.crop(part), found.label.crop(part), factor


def shares_of(label: Any, num: int) -> list[Any]:
    """Of each label from 1 on, 1 where it is and 0 elsewhere."""
    import numpy as np

    return [
        label.with_array((label.array == value).astype(np.float32))
        for value in range(1, num + 1)
    ]


def on_thin(label_map: Any, shares: list[Any], thick: Any, thin: Any) -> Any:
    """A label map of thick slices on thin ones: the likeliest between two slices."""
    import numpy as np
    from scipy import interpolate

    from deepresolve.imaging.slice_grid import positions

    at = np.clip(positions(thick, thin), 0, thick.num_slices - 1)
    kept = label_map.array > 0
    stacked = np.stack([share.array * kept for share in shares])
    spline = interpolate.make_interp_spline(
        np.arange(thick.num_slices), stacked, k=1, axis=-1
    )
    found = spline(at)
    background = 1 - found.sum(axis=0, keepdims=True)
    best = np.argmax(np.concatenate([background, found]), axis=0)
    return thin.with_array(best.astype(np.uint8))


def run() -> None:
    """Paints, segments both ways and measures."""
    import label_scores
    import numpy as np

    from deepresolve.imaging.degradation import acquire
    from deepresolve.imaging.slice_profile import SliceProfile
    from deepresolve.prediction.chained import Chained, on_slices_of
    from deepresolve.simulation.phantom import LABEL_NAMES
    from deepresolve.tasks.trained_run import TrainedRun

    segmentation = TrainedRun.open("pretrained:seg_knee")
    resolving = TrainedRun.open("pretrained:sr_knee")
    segmenter = segmentation.predictor(min_piece=0.1, probabilities=True)
    learning = {"learn": "scan", "minutes": FLAGS.minutes} if FLAGS.minutes else {}
    names = segmentation.config.class_names
    label_scores.head(["thick slices", "segmented", "measured on"], names)
    for thick_mm in map(float, FLAGS.thick_mm):
        scores = defaultdict(list)
        for image, label, factor in painted(thick_mm):
            spacing_mm = factor * image.slice_spacing_mm
            thick = acquire(image, spacing_mm, SliceProfile("rect", spacing_mm))
            restorer = resolving.predictor(
                spacing_mm=image.slice_spacing_mm, slice_profile="rect", **learning
            )
            direct = segmenter.predict(thick)
            chained = Chained(restorer, segmenter, "both").predict(thick)
            of_class = [direct.volumes[name] for name in segmenter.kind.probabilities]
            true_thick = on_slices_of(thick, label, shares_of(label, max(LABEL_NAMES)))
            found = {
                ("as it is", "thick"): (direct.label_map, true_thick),
                ("as it is", "thin"): (
                    on_thin(direct.label_map, of_class, thick, image),
                    label,
                ),
                ("super-resolved", "thick"): (
                    chained.volumes["label_map_thick"],
                    true_thick,
                ),
                ("super-resolved", "thin"): (chained.volumes["label_map"], label),
            }
            for way, (label_map, truth) in found.items():
                scores[way].append(
                    label_scores.dsc(segmentation.config, label_map, truth)
                )
        for way, of_way in scores.items():
            label_scores.row([f"{thick_mm:g} mm", *way], np.mean(of_way, axis=0))


if __name__ == "__main__":
    entry.launch(run)
