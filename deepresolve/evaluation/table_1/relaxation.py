"""T2 of cartilage, from the echoes of each image set, by place and layer.

A subject of two spin echoes has the array `second_echo` and the scalar
`echo_spacing_ms`, how much later it comes than the image; both echoes of a DESS are
none such, for they do not differ by one exponential. The second echo is thickened and
brought back as the image is, each by itself, and T2 is fitted to both. Places and
layers are those of the subject's own labels, whatever the image set: what differs is
where the echoes put the signal. There are two references: the T2 that is known (the
array `t2_ms`, 0 where there is none), and that of the thin slices' own echoes. A voxel
without a T2 is in neither mean, and counted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.table_1 import by_place, lost_thickness
from deepresolve.evaluation.table_1.by_place import Quantity
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Found, LeftOut, Results
from deepresolve.imaging.echoes import check_one_grid
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import knee
from deepresolve.quantification.parts import CARTILAGE, parts_of
from deepresolve.quantification.relaxation import layers
from deepresolve.quantification.relaxation.decay import fit_decay
from deepresolve.quantification.relaxation.maps import KINDS
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.super_resolution.measuring import SOURCE
from deepresolve.tasks.super_resolution.restoration import acquired_span

SECOND_ECHO, ECHO_SPACING, KNOWN_T2 = "second_echo", "echo_spacing_ms", "t2_ms"
T2 = "t2_ms"
_GROUND_TRUTH = "ground_truth"


class Beside(NamedTuple):
    """T2 beside one of its references.

    Attributes:
      title: the reference, as tables name it.
      means: of a place.
      voxel_error: name of the mean absolute error of its voxels.
      without: name of the share of voxels that have no T2.
    """

    title: str
    means: Quantity
    voxel_error: str
    without: str


def _beside(title: str, name: str) -> Beside:
    names = (f"t2_beside_{name}_ms", f"{name}_t2_ms")
    voxel_error, without = f"t2_error_beside_{name}_ms", f"t2_beside_{name}_without"
    return Beside(title, Quantity(*names), voxel_error, without)


KNOWN = _beside("the T2 that is known", "known")
THIN = _beside("T2 of the thin slices", "thin")
REFERENCES = (KNOWN, THIN)
_MEAN = (
    "mean in ms over the voxels of a place, or of the deep or superficial half of its "
    "cartilage, of T2 from the two echoes of an image set (one exponential; none above "
    "100 ms), each thickened and brought back by itself"
)
MEANINGS = {
    meaning: text.format(beside.title)
    for beside in REFERENCES
    for meaning, text in (
        (beside.means.metric, _MEAN + ", where {} has a value, too"),
        (beside.means.reference, "mean in ms over the same voxels of {}"),
        (beside.voxel_error, "mean absolute difference in ms, voxel by voxel, from {}"),
        (beside.without, "share of the voxels with {} that have no T2 themselves"),
    )
}


def of_subject(
    subject: Subject,
    images: Mapping[str, Volume],
    bring_back: Callable[[Volume], Mapping[str, Volume]],
    plan: Plan,
) -> Found:
    """T2 of one subject's cartilage in each image set, beside its references.

    Args:
      subject: whose it is; nothing is measured where it has no second echo.
      images: by image set, the ground truth among them, over the measured slices.
      bring_back: makes the same image sets of another volume of the scan.
      plan: knows what the labels mean, and how much scans are thickened.
    """
    if SECOND_ECHO not in subject.arrays or plan.downsample_factor is None:
        return Found([], [])
    cut = functools.partial(acquired_span, downsample_factor=plan.downsample_factor)
    try:
        return _measured(subject, images, bring_back, cut, plan)
    except ValueError as error:
        return Found([], [LeftOut(subject.subject, "", "", str(error), T2)])


def _measured(
    subject: Subject,
    images: Mapping[str, Volume],
    bring_back: Callable[[Volume], Mapping[str, Volume]],
    cut: Callable[[Volume], Volume],
    plan: Plan,
) -> Found:
    """As `of_subject`, of the slices that `cut` leaves.

    Raises:
      ValueError: nothing can be measured.
    """
    second, spacing_ms = _second_echo(subject)
    if subject.label is None or not plan.label_names:
        raise ValueError("no label says where cartilage is: convert it with its labels")
    label = cut(subject.label)
    of_knee = knee.measure(label, plan.label_names)
    where = layers.of_knee(of_knee, label, plan.label_names, label)
    found, lost = [], _lost(of_knee, plan)
    times_ms = _times_ms(images, _brought_back(second, bring_back), spacing_ms, where)
    references = {THIN: times_ms[_GROUND_TRUTH]}
    if KNOWN_T2 in subject.arrays:
        references[KNOWN] = _known(cut(_on_grid(subject, KNOWN_T2)), where)
    for beside, reference in references.items():
        for image_set, of_set in times_ms.items():
            if beside is THIN and image_set == _GROUND_TRUTH:
                continue
            whose = subject.subject, subject.person, SOURCE, image_set
            for place, plate, within in _places(where, of_knee.without_bone):
                pair = of_set[plate][within], reference[plate][within]
                numbers = _numbers(beside, *pair)
                found += [Measurement(*whose, n, place, v) for n, v in numbers.items()]
                if not numbers and within.any():
                    lost.append(f"{place} of {plan.titles[image_set]}: no voxel has T2")
    reasons = dict.fromkeys(lost)
    return Found(found, [LeftOut(subject.subject, "", "", r, T2) for r in reasons])


def _second_echo(subject: Subject) -> tuple[Volume, float]:
    """The echo that comes after the image, and by how many ms."""
    spacing_ms = subject.scalars.get(ECHO_SPACING)
    if not isinstance(spacing_ms, int | float) or not 0 < spacing_ms < math.inf:
        raise ValueError(
            f"{SECOND_ECHO}: expected the scalar {ECHO_SPACING}, the ms above 0 by "
            f"which it comes after the image; got {spacing_ms!r}. Convert the scans "
            "with it"
        )
    return _on_grid(subject, SECOND_ECHO), float(spacing_ms)


def _on_grid(subject: Subject, name: str) -> Volume:
    """An array of the subject that lies on its image."""
    volume = subject.arrays[name]
    if not isinstance(volume, Volume):
        raise ValueError(
            f"{name}: expected a volume on the image's grid; got an array of shape "
            f"{np.shape(volume)} that has no place. Convert the scans with one"
        )
    check_one_grid(subject.image, volume, name)
    return subject.image.with_array(volume.array)


def _brought_back(
    second: Volume, bring_back: Callable[[Volume], Mapping[str, Volume]]
) -> Mapping[str, Volume]:
    try:
        return bring_back(second)
    except ValueError as error:
        raise ValueError(f"{SECOND_ECHO}: {error}") from error


def _lost(of_knee: knee.KneeMeasures, plan: Plan) -> list[str]:
    """Why plates that the labels name are not measured."""
    named = [of for of in parts_of(plan.label_names).values() if of.kind == CARTILAGE]
    plates = dict.fromkeys(lost_thickness.plate_of(of) for of in named)
    lost = lost_thickness.plates(lost_thickness.parted(plates, of_knee), of_knee)
    return lost + [
        f"{plate}: the labels hold no bone of it, from which depth is measured"
        for plate in of_knee.without_bone
    ]


def _times_ms(
    images: Mapping[str, Volume],
    later: Mapping[str, Volume],
    spacing_ms: float,
    where: layers.Layers,
) -> dict[str, dict[str, np.ndarray]]:
    """T2 by image set and plate, of its voxels; NaN where there is none."""
    return {
        image_set: {
            plate: fit_decay(
                np.stack([e.array.reshape(-1)[voxels] for e in (image, second)]),
                (0.0, spacing_ms),
                most_ms=KINDS["t2"].most_ms,
            ).time_ms
            for plate, voxels in where.plates.items()
        }
        for image_set, image in images.items()
        for second in (later[image_set],)
    }


def _known(t2_ms: Volume, where: layers.Layers) -> dict[str, np.ndarray]:
    """By plate, of its voxels; NaN where nobody knows it."""
    flat = np.where(t2_ms.array > 0, t2_ms.array, np.nan).reshape(-1)
    return {plate: flat[voxels] for plate, voxels in where.plates.items()}


def _places(
    where: layers.Layers, without_bone: tuple[str, ...]
) -> Iterator[tuple[str, str, np.ndarray]]:
    """By name, "MT" and "MT, deep", the plate and which of its voxels lie there."""
    for place, layer, plate, within in layers.places(where):
        if plate not in without_bone:
            yield place if layer == "all" else f"{place}, {layer}", plate, within


def _numbers(
    beside: Beside, found_ms: np.ndarray, reference_ms: np.ndarray
) -> dict[str, float]:
    """By name, of the voxels that have both; none where none has."""
    is_known = np.isfinite(reference_ms)
    both = is_known & np.isfinite(found_ms)
    if not both.any():
        return {}
    found, reference = (x[both].astype(np.float64) for x in (found_ms, reference_ms))
    return {
        beside.means.metric: float(found.mean()),
        beside.means.reference: float(reference.mean()),
        beside.voxel_error: float(np.abs(found - reference).mean()),
        beside.without: float(1 - both.sum() / is_known.sum()),
    }


def agreement(results: Results) -> list[dict[str, Any]]:
    """Agreement of each image set's T2 with each reference, in ms.

    Returns:
      Rows of `by_place.agreement`, with voxel_error, the mean over subjects of that in
      ms, and without, the mean share of voxels that have no T2.
    """
    image_sets = {SOURCE: results.plan.image_sets}
    rows = []
    for beside in REFERENCES:
        for row in by_place.agreement(results, beside.means, image_sets):
            of_subjects = (
                by_place.by_subject(
                    *(results, metric, SOURCE, row["image_set"], row["place"])
                ).values()
                for metric in (beside.voxel_error, beside.without)
            )
            voxel_error, without = (float(np.mean([*v])) for v in of_subjects)
            rows.append(row | {"voxel_error": voxel_error, "without": without})
    return rows


def tests(results: Results) -> list[dict[str, Any]]:
    """Whether the voxels of a plate err less on super-resolution than on TCI.

    Not its mean, in which errors cancel.

    Returns:
      Rows of `by_place.tests`, in ms, over plates, a family for each reference.
    """
    rows = []
    for beside in REFERENCES:
        metric, plates = beside.voxel_error, knee.PLATES.values()
        errors = [
            (
                place,
                by_place.by_subject(results, metric, SOURCE, "sr", place),
                by_place.by_subject(results, metric, SOURCE, "tci", place),
            )
            for place in by_place.places(results, beside.means)
            if place in plates
        ]
        rows += by_place.tests(errors, metric, metric, SOURCE)
    return rows
