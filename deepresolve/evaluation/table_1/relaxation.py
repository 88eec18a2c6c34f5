"""T2 of cartilage, from the echoes of each image set, by place and layer.

A subject of a double echo has the array `second_echo` and the scalar `echo_spacing_ms`,
how much later it comes than the image. The second echo is thickened and brought back as
the image is, each by itself, and T2 is fitted to both. Places and layers are those of
the subject's own labels, whatever the image set: what differs is where the echoes put
the signal. The reference is the true T2 (the array `t2_ms`, 0 where there is none) or,
where nobody knows it, that of the ground truth's echoes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.table_1 import by_place
from deepresolve.evaluation.table_1.by_place import Quantity
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Found, LeftOut, Results
from deepresolve.imaging.echoes import Echoes
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import knee
from deepresolve.quantification.relaxation import layers, maps
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.super_resolution.measuring import SOURCE

SECOND_ECHO, ECHO_SPACING, TRUE_T2 = "second_echo", "echo_spacing_ms", "t2_ms"
OF_PLACE = Quantity("t2_ms", "reference_t2_ms", "T2")
T2, REFERENCE, FAMILY = OF_PLACE
MEANINGS = {
    T2: (
        "mean T2 in ms of the voxels of a place, or of the deep or superficial half of "
        "its cartilage, from the two echoes of an image set (one exponential; none "
        "above 100 ms), each thickened and brought back by itself"
    ),
    REFERENCE: "the same, as the records know it or the ground truth's echoes tell it",
}
# Noise of images that were brought back is none that can be told from their air.
_FIT = maps.Fit(skip_first=False, noise=0.0)


def has_echoes(subject: Subject) -> bool:
    """Whether T2 can be measured."""
    return SECOND_ECHO in subject.arrays


def second_echo(subject: Subject) -> Volume:
    """The echo that comes after the image.

    Raises:
      ValueError: it has no place, is on another grid than the image, or nothing tells
        how much later it comes.
    """
    spacing_ms = subject.scalars.get(ECHO_SPACING)
    if not isinstance(spacing_ms, float) or spacing_ms <= 0:
        raise ValueError(
            f"{SECOND_ECHO}: expected the scalar {ECHO_SPACING}, how many ms it comes "
            f"after the image; got {spacing_ms!r}. Convert the scans with it."
        )
    return _on_grid(subject, SECOND_ECHO)


def true_t2(subject: Subject) -> Volume | None:
    """T2 in ms on the image's grid, 0 where there is none; None: nobody knows it.

    Raises:
      ValueError: it is on another grid.
    """
    return _on_grid(subject, TRUE_T2) if TRUE_T2 in subject.arrays else None


def _on_grid(subject: Subject, name: str) -> Volume:
    volume = subject.arrays[name]
    if (
        not isinstance(volume, Volume)
        or volume.shape != subject.image.shape
        or not np.array_equal(volume.affine, subject.image.affine)
    ):
        raise ValueError(
            f"{name} is not on the image's grid, as what is measured of one scan must "
            "be. Convert the scans with it on that grid."
        )
    return volume


def of_subject(
    subject: Subject,
    label: Volume,
    echoes: Mapping[str, tuple[Volume, Volume]],
    true: Volume | None,
    plan: Plan,
) -> Found:
    """T2 of one subject's cartilage, in its reference and in each image set.

    Args:
      subject: whose they are.
      label: its labels as the records have them, over the measured slices.
      echoes: by image set, the ground truth among them, both echoes on the grid of the
        labels.
      true: T2 in ms on that grid, 0 where there is none; None: nobody knows it.
      plan: knows what the labels mean.
    """
    try:
        measured = knee.measure(label, plan.label_names)
        where = layers.of_knee(measured, label, plan.label_names, label)
    except ValueError as error:
        left = LeftOut(subject.subject, "", "", str(error), T2)
        return Found([], [left])
    spacing_ms = float(subject.scalars[ECHO_SPACING])
    times_ms = {
        image_set: maps.of_echoes(Echoes(pair, (0.0, spacing_ms)), "t2", _FIT).time_ms
        for image_set, pair in echoes.items()
    }
    known = times_ms["ground_truth"].array
    if true is not None:
        known = np.where(true.array > 0, true.array, np.nan)
    found = []
    for place, voxels in _places(where):
        reference = _mean(known, voxels)
        for image_set, of_set in times_ms.items():
            mean = _mean(of_set.array, voxels)
            if np.isfinite([mean, reference]).all():
                whose = subject.subject, subject.person, SOURCE, image_set
                found.append(Measurement(*whose, T2, place, mean))
                found.append(Measurement(*whose, REFERENCE, place, reference))
    return Found(found, [])


def _places(where: layers.Layers) -> Iterator[tuple[str, np.ndarray]]:
    """By name, "MT" and "MT, deep", flat indices of voxels."""
    for place, layer, plate, within in layers.places(where):
        name = place if layer == "all" else f"{place}, {layer}"
        yield name, where.plates[plate][within]


def _mean(array: np.ndarray, voxels: np.ndarray) -> float:
    """Of the voxels that have a time; NaN where none has."""
    held = array.reshape(-1)[voxels]
    held = held[np.isfinite(held)]
    return float(held.mean(dtype=np.float64)) if held.size else np.nan


def agreement(results: Results) -> list[dict[str, Any]]:
    """Agreement of each image set's T2 with the reference, in ms.

    Returns:
      Rows of `by_place.agreement`.
    """
    return by_place.agreement(results, OF_PLACE, {SOURCE: results.plan.image_sets})


def tests(results: Results) -> list[dict[str, Any]]:
    """Whether the T2 of a plate errs less on super-resolution than on TCI.

    Returns:
      Rows of `by_place.tests`, in ms, over plates.
    """
    return by_place.tests(results, OF_PLACE, SOURCE, tuple(knee.PLATES.values()))
