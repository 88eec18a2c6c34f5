"""What tells that slices are missing where no gap between others does.

The last slices of a stack, or every second one, leave an even line behind. Other
volumes of the series, numbers that the header has, and the distance between slices that
it tells may know of them. All of these are hints: they make notes, and stop no scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.stacking import geometry, volumes
from deepresolve.imaging.formats.dicom.stacking import series as dicom_series
from deepresolve.system import wording

# Slices of two volumes this share of the spacing apart lie at one place.
_ONE_PLACE = 0.25
# Lengths that differ by less than this share are one: headers round them.
_SAME_LENGTH = 0.05
_MOST_SHOWN = 3


def notes(slices: Sequence[SliceHeader], headers: Sequence[SliceHeader]) -> list[str]:
    """All hints that a volume is not whole.

    Args:
      slices: of the volume, in order.
      headers: of all files; those of other series are no matter.
    """
    series = next(
        group
        for group in dicom_series.group_by_series(headers)
        if any(header is slices[0] for header in group)
    )
    parts = {header.file: header.part for header in slices if header.part}
    return [
        *_of_other_volumes(slices, series),
        *_of_numbers(series),
        *_of_spacing(slices),
        *_of_parts(parts),
    ]


def _of_other_volumes(
    slices: Sequence[SliceHeader], series: Sequence[SliceHeader]
) -> list[str]:
    """Places at which another volume of the series has slices, and this one none."""
    own = np.array([header.position_mm for header in slices])
    near = _ONE_PLACE * geometry.spacing_mm(slices)
    for volume in volumes.split(series):
        others = np.array([header.position_mm for header in volume.slices])
        if len(others) <= len(own) or geometry.grid_difference(
            volume.slices[0], slices[0]
        ):
            continue
        apart = np.linalg.norm(others[:, None] - own, axis=2) > near
        lacking = np.flatnonzero(apart.all(axis=1))
        if len(lacking) and not apart.all(axis=0).any():
            places = sorted(volume.slices[n].along_normal_mm for n in lacking)
            shown = [f"{place:.2f} mm" for place in places]
            return [
                f"{len(own)} slices, where another volume of the series"
                f"{f' ({volume})' if str(volume) else ''} has {len(others)}: none at "
                f"{wording.listed(shown, _MOST_SHOWN)} along the normal. Slices may be "
                "missing."
            ]
    return []


def _of_numbers(series: Sequence[SliceHeader]) -> list[str]:
    """Images that the header counts, and that are not here.

    Where those that are here go evenly into those that it counts, whole volumes were
    left out, which is a user's own choice.
    """
    num_files = len({header.file for header in series})
    counts = {
        "ImagesInAcquisition": len(series),
        "NumberOfSeriesRelatedInstances": num_files,
    }
    for keyword, here in counts.items():
        told = max(header.counts.get(keyword, 0) for header in series)
        if told > here and told % here:
            return [
                f"{keyword} is {told}, and {here} are here. Slices may be missing, "
                "at the ends of the scan too."
            ]
    return []


def _of_spacing(slices: Sequence[SliceHeader]) -> list[str]:
    """SpacingBetweenSlices, where slices are not so far apart.

    Some programs write the gap alone into it, which is let pass.
    """
    spacing = geometry.spacing_mm(slices)
    every = (header.slice_spacing_mm for header in slices)
    told = {spacing_mm for spacing_mm in every if spacing_mm is not None}
    if len(told) != 1 or (between := told.pop()) <= 0:
        return []
    thickness = slices[0].slice_thickness_mm or 0.0
    allowed = _SAME_LENGTH * spacing + 2 * geometry.rounding_mm(slices)
    is_gap = between < thickness and abs(thickness + between - spacing) <= allowed
    if is_gap or abs(spacing - between) <= allowed:
        return []
    ratio = spacing / between
    is_every = round(ratio) > 1 and abs(ratio - round(ratio)) <= _SAME_LENGTH * ratio
    return [
        f"SpacingBetweenSlices is {between:g} mm, and slices are {spacing:.4g} mm apart"
        + (
            f": {round(ratio) - 1} of every {round(ratio)} slices may be missing."
            if is_every
            else "; the places of the slices are taken."
        )
    ]


def _of_parts(
    parts: Mapping[str, tuple[str, int | None, int | None]],
) -> list[str]:
    """A concatenation that does not say how many parts it has."""
    if not parts or any(total for _, _, total in parts.values()):
        return []
    return [
        f"parts 1 to {len(parts)} of a concatenation are here, and the header does not "
        "say how many there are (InConcatenationTotalNumber): a last one would not be "
        "missed."
    ]
