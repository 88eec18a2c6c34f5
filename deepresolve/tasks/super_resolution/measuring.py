"""How a super-resolution is measured: scans made thick and brought back.

Images are in units of the GROUND TRUTH's scale, so that `data_range` is 1, and end with
the last acquired slice. Tricubic and Fourier interpolation stand beside the network.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from deepresolve.imaging.volume import Volume
from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.super_resolution.restoration import (
    acquired_span,
    restored_images,
)

if TYPE_CHECKING:
    from deepresolve.tasks.super_resolution.predictor import ThinSlicePredictor
    from deepresolve.tasks.super_resolution.views.predictor import ViewsPredictor
    from deepresolve.tasks.trained_run import TrainedRun

DATA_RANGE = 1.0
SOURCE = "sr"


def comparisons(
    run: TrainedRun,
    predictor: ThinSlicePredictor | ViewsPredictor,
    subject: Subject,
    label_names: Mapping[int, str],
) -> Iterator[Comparison]:
    """The network's thin slices and two interpolations, each beside the scan.

    Args:
      run: of a super-resolution.
      predictor: of the run.
      subject: its scan is thickened by the predictor's `restored_factor`.
      label_names: name by label value.

    Raises:
      ValueError: the network returned voxels that are not finite.
    """
    factor = predictor.restored_factor
    restore = functools.partial(predictor.restore, progress=True)
    restored, _ = restored_images(subject.image, restore, downsample_factor=factor)
    truth = acquired_span(subject.image, factor)
    yield from image_comparisons(
        truth.with_array(subject.scale.apply(truth.array)),
        {
            name: image.with_array(subject.scale.apply(image.array))
            for name, image in restored.items()
        },
    )


def image_comparisons(
    truth: Volume, images: Mapping[str, Volume]
) -> Iterator[Comparison]:
    """Each image beside the ground truth.

    Args:
      truth: array[row, column, slice] in units of its own scale.
      images: by image set, on the same grid and in the same units.
    """
    for image_set, image in images.items():
        yield Comparison(
            *("images", truth.array, image.array, SOURCE, image_set),
            data_range=DATA_RANGE,
            spacing_mm=truth.spacing_mm,
            voxel_mm3=truth.voxel_mm3,
        )
