"""Label maps that the package's segmentation learns from: those that may be shipped.

One real knee with all its tissues labelled (MIT), the cartilages of another (MIT) and
of an atlas of 60 (Apache-2.0), and phantoms. Cartilages alone leave a network to guess
where bones end, so those maps are completed: the whole knee is warped until its
cartilages lie where theirs do, and what they lack is taken from it.
"""

from __future__ import annotations

import pathlib

import numpy as np
from scipy import ndimage
from skimage.registration import optical_flow_ilk

from deepresolve.imaging import formats, regridding
from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.simulation import phantom

NAMES = phantom.LABEL_NAMES
_FEMORAL, _MEDIAL, _LATERAL, _FEMUR, _TIBIA = 1, 2, 3, 5, 6
_TIBIAL = 2  # in maps of cartilages alone
# Distances of more than this do not count; voxels that the warp is worked out on; how
# far around a voxel it looks.
_FAR_MM, _WARP_MM, _LOOK_MM = 12.0, 1.5, 15.0
# Between a cartilage and its bone, no further apart than this in all, is bone.
_GAP_MM = 4.0
# Of a bone that is bent to fit, what is deeper than this below its surface is bone; so
# far beyond cartilage, away from it, there is none.
_DEEP_MM, _BEYOND_MM = 6.0, 6.0
_SMOOTH_MM = 0.7


def completed(cartilages: Volume, whole: Volume) -> Volume:
    """All tissues of a knee of which femoral (1) and tibial (2) cartilage are known.

    Args:
      cartilages: of a knee of either side.
      whole: another knee, labelled as `NAMES` says.

    Returns:
      uint8 labels as `NAMES` says, on the grid of `cartilages`.
    """
    known, model = cartilages.canonical(), whole.canonical()
    sides = (model.array, np.flip(model.array, left_right_axis(model)))
    warped = [_warped(known, model.with_array(side)) for side in sides]
    best = max(warped, key=lambda found: _alike(found, known.array))
    return known.with_array(_joined(best, known))


def _alike(found: np.ndarray, known: np.ndarray) -> float:
    """Overlap of the cartilages."""
    both = np.sum((found == _FEMORAL) & (known == _FEMORAL))
    both += np.sum(np.isin(found, (_MEDIAL, _LATERAL)) & (known == _TIBIAL))
    return 2 * both / (np.sum(known > 0) + np.sum(np.isin(found, (1, 2, 3))))


def _warped(known: Volume, model: Volume) -> np.ndarray:
    """Labels of the model, moved and bent to where the known cartilages are."""
    spacing = np.array(known.spacing_mm)
    shape = [
        regridding.num_voxels(n, mm, _WARP_MM)
        for n, mm in zip(known.shape, spacing, strict=True)
    ]
    there, here = (
        np.argwhere(np.isin(array, (1, 2, 3))) * volume.spacing_mm
        for volume, array in ((known, known.array), (model, model.array))
    )
    scale = here.std(0) / there.std(0)
    offset = here.mean(0) - scale * there.mean(0)
    of_known = _image(known.array == _FEMORAL, known.array == _TIBIAL, spacing)
    tibial = np.isin(model.array, (_MEDIAL, _LATERAL))
    of_model = _image(model.array == _FEMORAL, tibial, model.spacing_mm)
    matrix = scale * spacing / model.spacing_mm
    shift = offset / model.spacing_mm
    placed = ndimage.affine_transform(
        of_model, matrix, shift, known.shape, order=1, mode="nearest"
    )
    reference, moving = (
        regridding.resample_image(image, shape) for image in (of_known, placed)
    )
    radius = round(_LOOK_MM / _WARP_MM)
    flow = optical_flow_ilk(
        reference, moving, radius=radius, num_warp=20, gaussian=True
    )
    steps = np.divide(known.shape, shape)
    places = np.indices(known.shape, np.float32)
    for a in range(3):
        fine = regridding.resample_probabilities(flow[a], known.shape)
        places[a] = (places[a] + fine * steps[a]) * matrix[a] + shift[a]
    return ndimage.map_coordinates(model.array, places, order=0, mode="nearest")


def _image(femoral: np.ndarray, tibial: np.ndarray, spacing_mm) -> np.ndarray:
    """High on femoral cartilage, low on tibial, level far from both."""
    away_mm = (
        ndimage.distance_transform_edt(~mask, spacing_mm) for mask in (femoral, tibial)
    )
    near = [1 - np.minimum(mm, _FAR_MM) / _FAR_MM for mm in away_mm]
    return (near[0] - near[1]).astype(np.float32)


def _smoothed(labels: np.ndarray, spacing_mm) -> np.ndarray:
    """Without the holes and the ragged edges that a warp makes."""
    result = np.zeros_like(labels)
    deviation = np.divide(_SMOOTH_MM, spacing_mm)
    highest = ndimage.gaussian_filter((labels == 0).astype(np.float32), deviation)
    for value in np.unique(labels[labels > 0]):
        share = ndimage.gaussian_filter((labels == value).astype(np.float32), deviation)
        result[share > highest] = value
        np.maximum(highest, share, out=highest)
    return result


def _joined(found: np.ndarray, known: Volume) -> np.ndarray:
    """The known cartilages, and of the warped knee all else."""
    spacing = known.spacing_mm
    result = np.where(np.isin(found, (_FEMORAL, _MEDIAL, _LATERAL)), 0, found)
    result = _smoothed(result, spacing)
    of_side = ndimage.distance_transform_edt(
        ~np.isin(found, (_MEDIAL, _LATERAL)), spacing, False, True
    )
    side = found[tuple(of_side)]
    for value, bone in ((_FEMORAL, _FEMUR), (_TIBIAL, _TIBIA)):
        cartilage = known.array == value
        gap_mm, nearest = ndimage.distance_transform_edt(
            ~cartilage, spacing, return_indices=True
        )
        inside_mm = ndimage.distance_transform_edt(result == bone, spacing)
        to_deep_mm = ndimage.distance_transform_edt(inside_mm < _DEEP_MM, spacing)
        # What lies deeper than the cartilage next to it lies on the side of the bone.
        within = to_deep_mm < to_deep_mm[tuple(nearest)]
        beyond = (gap_mm < _BEYOND_MM) & ~within
        result[(result == bone) & beyond] = 0
        gap_mm += ndimage.distance_transform_edt(result != bone, spacing)
        result[(result == 0) & (gap_mm < _GAP_MM) & within] = bone
    result[known.array == _FEMORAL] = _FEMORAL
    tibial = known.array == _TIBIAL
    result[tibial] = side[tibial]
    return result.astype(np.uint8)


# How often each map is among those that take turns, and how many phantoms there are.
_SHARES = {"knee_dess_labels": 4, "oai_labels_a": 2, "oai_atlas": 2}
_PHANTOMS = {"train": 5, "validation": 2}
_PHANTOM_MM, _PHANTOM_SHAPE = (0.4, 0.4, 0.7), (350, 350, 150)
SEED = 20211130


def write(folder: pathlib.Path, data: pathlib.Path) -> None:
    """Writes train/ and validation/ into a folder, leaving what is there already.

    Args:
      folder: where to.
      data: folder of the real label maps.
    """
    whole = read(data / "knee_dess_labels.nii.gz")
    for name, copies in _SHARES.items():
        paths = [folder / "train" / f"{name}-{n}.nii.gz" for n in range(copies)]
        if all(path.exists() for path in paths):
            continue
        labels = _real(name, data, whole)
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            formats.write(path, labels)
    number = 0
    for split, count in _PHANTOMS.items():
        for _ in range(count):
            path = folder / split / f"phantom-{number}.nii.gz"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                formats.write(path, phantom_labels(number))
            number += 1


def _real(name: str, data: pathlib.Path, whole: Volume) -> Volume:
    if name == "knee_dess_labels":
        return whole
    if name == "oai_labels_a":
        return completed(read(data / "oai_labels_a.nii.gz"), whole)
    femoral, tibial = (read(data / f"oai_atlas_{part}.nii.gz") for part in ("fc", "tc"))
    both = np.where(femoral.array > 0, _FEMORAL, _TIBIAL * (tibial.array > 0))
    return completed(femoral.with_array(both.astype(np.uint8)), whole)


def phantom_labels(number: int) -> Volume:
    """Those of a synthetic knee, fine enough to be painted."""
    drawn = phantom.knee(
        seed=SEED + number,
        side=("right", "left")[number % 2],
        shape=_PHANTOM_SHAPE,
        spacing_mm=_PHANTOM_MM,
    )
    return drawn.label


def read(path: pathlib.Path) -> Volume:
    """A label map."""
    return formats.read_label_map(path, image=formats.read_image(path))
