"""Images from label maps: a segmentation learns from them without a patient's scan.

    painted = paint(labels, {1: "femoral cartilage", 6: "tibia"}, seed=7)
    painted.image, painted.label    # one grid

After SynthSeg (Billot, MedIA 2023;86:102789), for knees: the anatomy is bent, cartilage
grows thicker and thinner on its bone, what the label map leaves out is filled with
other tissues, and all of it is as bright as a sequence makes it, or as chance has it. A
network that has seen this much relies on shape and place. What varies is in `Priors`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from deepresolve.imaging import regridding
from deepresolve.imaging.anatomy import PLANES
from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.simulation.painting import (
    acquisition,
    anatomy,
    contrast,
    surroundings,
)
from deepresolve.simulation.painting.priors import Priors

# Signal of the brightest tissue in the image's units.
_UNITS = 2000.0
# Words in names of labels, the first that fits, and the tissue that is painted.
_WORDS = (
    ("cartilage", "cartilage"),
    ("menisc", "meniscus"),
    ("femur", "marrow"),
    ("tibia", "marrow"),
    ("patella", "marrow"),
    ("fibula", "marrow"),
    ("bone", "marrow"),
    ("tendon", "tendon"),
    ("ligament", "tendon"),
    ("muscle", "muscle"),
    ("fat", "fat"),
    ("fluid", "fluid"),
    ("effusion", "fluid"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Painted:
    """An image that nobody acquired, and what is where in it.

    Attributes:
      image: int16, canonical.
      label: uint8, the values of the label map that it was painted from; same grid.
      mirrored: whether it shows the other knee.
    """

    image: Volume
    label: Volume
    mirrored: bool


def paint(
    labels: Volume,
    label_names: Mapping[int, str],
    *,
    seed: int,
    priors: Priors | None = None,
    grid_mm: tuple[float, float] | None = None,
) -> Painted:
    """An image of a knee like that of a label map.

    Args:
      labels: of one knee, in any orientation; fine voxels make fine images.
      label_names: by value: "femoral cartilage", "tibia", "medial meniscus", ...
      seed: 0 or above; another one, another image.
      priors: what varies; None: all of it, as `Priors` says.
      grid_mm: distance of pixels and of slices, in the plane of the label map, to which
        what was acquired is resampled, as a network that knows but one grid is given
        it. None: as it was acquired.

    Returns:
      A `Painted`. As it was acquired it may be in another plane than the label map, in
      voxels that are no finer.

    Raises:
      ValueError: a value without a name, a name that tells no tissue, or no cartilage.
    """
    priors = priors or Priors()
    random = np.random.default_rng(seed)
    canonical = labels.canonical()
    tissue_of = _tissues_of(canonical, label_names)
    mirrored = bool(random.random() < priors.mirrored)
    if mirrored:
        canonical = _mirrored(canonical)
    canonical = _with_field(canonical, random, priors)
    grid = canonical.in_plane(_plane(canonical.plane, random, priors))
    spacing_mm = grid.spacing_mm
    cartilages = surroundings.values_of(tissue_of, "cartilage")
    bones = surroundings.values_of(tissue_of, "marrow")
    moved = anatomy.bent(grid.array, spacing_mm, random, priors)
    moved = anatomy.thickened(moved, spacing_mm, cartilages, bones, random, priors)
    leg_axis = _leg_axis(grid)
    tissues = surroundings.tissues(
        moved, tissue_of, spacing_mm, leg_axis, random, priors
    )
    signal = contrast.draw(random, priors)
    image = acquisition.painted(tissues, signal, spacing_mm, random, priors)
    shape = _shape(grid, random, priors)
    acquired = acquisition.acquired(image, spacing_mm, shape, random, priors)
    scan, label = grid.resampled(acquired), grid.with_array(moved)
    if grid_mm:
        scan, label = (volume.in_plane(canonical.plane) for volume in (scan, label))
        shape = _num_voxels(label, (grid_mm[0], *grid_mm))
    scan = dataclasses.replace(scan, slice_thickness_mm=scan.slice_spacing_mm)
    scan = scan.resampled(regridding.resample_image(scan.array, shape))
    found = regridding.resample_labels(label.array, shape)
    counts = np.clip(np.rint(scan.array * _UNITS), 0, np.iinfo(np.int16).max)
    scan = dataclasses.replace(
        scan, array=counts.astype(np.int16), to_source=None, other_form=None
    )
    return Painted(scan, scan.with_array(found), mirrored)


def tissue(name: str) -> str:
    """The tissue that a label is painted as; ValueError of a name that tells none."""
    for word, found in _WORDS:
        if word in name.lower():
            return found
    raise ValueError(
        f"The label {name!r} tells no tissue. Known words: "
        f"{', '.join(word for word, _ in _WORDS)}."
    )


def _tissues_of(labels: Volume, label_names: Mapping[int, str]) -> dict[int, str]:
    """By the values that occur; ValueError of what cannot be painted."""
    values = [int(value) for value in np.unique(labels.array) if value]
    if unnamed := [value for value in values if value not in label_names]:
        raise ValueError(f"The label map holds {unnamed}, which have no name.")
    found = {value: tissue(label_names[value]) for value in values}
    if "cartilage" not in found.values():
        raise ValueError(
            f"No cartilage in the label map; it holds "
            f"{[label_names[value] for value in values]}."
        )
    return found


def _mirrored(labels: Volume) -> Volume:
    """The other knee: left for right, on the same grid."""
    return labels.with_array(np.flip(labels.array, left_right_axis(labels)))


def _plane(own: str, random: np.random.Generator, priors: Priors) -> str:
    """That of the slices."""
    if random.random() >= priors.other_plane:
        return own
    return str(random.choice([plane for plane in PLANES if plane != own]))


def _with_field(labels: Volume, random: np.random.Generator, priors: Priors) -> Volume:
    """Another field of view within slices: what is beyond goes on as it ends."""
    starts, stops, margins = [], [], []
    for axis, (num, mm) in enumerate(zip(labels.shape, labels.spacing_mm, strict=True)):
        ends_mm = random.uniform(*priors.field_mm, 2) if axis != 2 else (0.0, 0.0)
        # Of a small label map three quarters stay.
        before, after = (max(int(end / mm), -num // 8) for end in ends_mm)
        starts.append(max(0, -before))
        stops.append(num - max(0, -after))
        margins.append((max(0, before), max(0, after)))
    part = labels.crop(tuple(map(slice, starts, stops)))
    to_old = np.eye(4)
    to_old[:3, 3] = [-before for before, _ in margins]
    return dataclasses.replace(
        part,
        array=np.pad(part.array, margins, mode="edge"),
        affine=part.affine @ to_old,
        other_form=None,
    )


def _leg_axis(volume: Volume) -> int:
    """The axis of the array that lies nearest to the patient's head-foot."""
    return next(a for a, code in enumerate(volume.orientation) if code in "IS")


def _shape(
    grid: Volume, random: np.random.Generator, priors: Priors
) -> tuple[int, int, int]:
    """Voxels of the scan: square pixels, none finer than those of the label map."""
    pixel_mm = random.uniform(*priors.pixel_mm)
    slice_mm = np.exp(random.uniform(*np.log(priors.slice_mm)))
    wanted_mm = (pixel_mm, pixel_mm, slice_mm)
    return _num_voxels(grid, np.maximum(grid.spacing_mm, wanted_mm))


def _num_voxels(grid: Volume, wanted_mm: Iterable[float]) -> tuple[int, int, int]:
    """How many voxels of about another spacing fill the field of view of a grid."""
    rows, columns, slices = map(
        regridding.num_voxels, grid.shape, grid.spacing_mm, wanted_mm
    )
    return rows, columns, slices
