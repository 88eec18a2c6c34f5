"""How a segmentation is measured: against the labels of the scan itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from deepresolve.imaging.volume import Volume
from deepresolve.metrics import overlap
from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.prediction import Predictor
from deepresolve.tasks.segmentation.classes import Classes
from deepresolve.tasks.segmentation.settings import SegmentationConfig

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

SOURCE = "seg"
IMAGE_SET = "ground_truth"


def comparisons(
    run: TrainedRun,
    predictor: Predictor,
    subject: Subject,
    label_names: Mapping[int, str],
) -> Iterator[Comparison]:
    """Two masks of every class, and their volumes.

    Args:
      run: of a segmentation.
      predictor: of the run.
      subject: with labels.
      label_names: name by label value.

    Raises:
      ValueError: there are no labels, or they lack a class of the run.
    """
    classes = Classes.of(run.settings(SegmentationConfig).classes, label_names)
    true = reference(subject, classes)
    found = predictor.predict(subject.image, progress=True).label_map
    for masks in class_comparisons(
        true, found, classes.names, network=SOURCE, image_set=IMAGE_SET
    ):
        yield masks
        yield _tissue_mm3(masks)


def reference(subject: Subject, classes: Classes) -> Volume:
    """The subject's labels in the numbers of the classes, uint8.

    Raises:
      ValueError: it has none.
    """
    if subject.label is None:
        raise ValueError("A segmentation is measured against labels; it has none.")
    return classes.reference(subject.label)


def class_comparisons(
    reference: Volume,
    estimate: Volume,
    class_names: Sequence[str],
    *,
    network: str,
    image_set: str,
) -> Iterator[Comparison]:
    """Two masks of every class.

    Args:
      reference: uint8 label map, n for the n-th class.
      estimate: the network's, on the same grid.
      class_names: names of the classes.
      network: the part that it plays.
      image_set: what it was given.
    """
    for number, name in enumerate(class_names, start=1):
        yield Comparison(
            "masks",
            reference.array == number,
            estimate.array == number,
            network,
            image_set,
            name,
            spacing_mm=reference.spacing_mm,
            voxel_mm3=reference.voxel_mm3,
        )


def _tissue_mm3(masks: Comparison) -> Comparison:
    """How large both masks are."""
    if masks.voxel_mm3 is None:
        raise ValueError("Masks have a size where that of a voxel is known; got None.")
    true, found = (
        overlap.volume_mm3(mask, voxel_mm3=masks.voxel_mm3)
        for mask in (masks.reference, masks.estimate)
    )
    where = masks.source, masks.image_set, masks.label_class
    return Comparison("values", true, found, *where, unit="mm³")
