"""Where slices lie: their order along the normal, and whether none is missing.

DICOM's patient axes are LPS+ and in mm (PS3.3 C.7.6.2.1.1). Instance numbers, frame
numbers and file names say nothing of place and are not used, nor is
SpacingBetweenSlices, which `completeness` compares with it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from deepresolve.imaging.formats.dicom import elements, slice_header

SPACING_TOLERANCE = 0.01  # of the slice spacing
SAME_POSITION_MM = 1e-3
# Rounding may move a step by this share of the spacing: a missing slice moves it by 1.
_MOST_ROUNDING = 0.25
# Of direction cosines, and relative of pixel spacings: 0.03 mm across a whole image.
_SAME_GRID = 1e-4
_ORTHONORMAL = 1e-3
# Of cosines: what two decimals leave.
_MOST_COSINE_ROUNDING = 0.005
_MAX_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Line:
    """The even line of slices, by least squares: what rounding adds averages out.

    Attributes:
      first_mm: (3,) place of the first slice, LPS+.
      step_mm: (3,) from one slice to the next; not always along the normal, for slices
        may step sideways.
      off_mm: (slices,) how far each slice lies off the line.
    """

    first_mm: np.ndarray
    step_mm: np.ndarray
    off_mm: np.ndarray

    @classmethod
    def through(cls, ordered: Sequence[slice_header.SliceHeader]) -> Line:
        """The line through two slices or more."""
        places = np.array([header.position_mm for header in ordered], float)
        index = np.arange(len(places)) - (len(places) - 1) / 2
        middle = places.mean(axis=0)
        step = index @ (places - middle) / (index @ index)
        off = np.linalg.norm(places - middle - index[:, None] * step, axis=1)
        return cls(middle + index[0] * step, step, off)


def order(
    slices: Sequence[slice_header.SliceHeader], source: str
) -> list[slice_header.SliceHeader]:
    """Sorts slices along their normal: the row's cosines x the column's.

    Args:
      slices: of one volume, at least one.
      source: the folder or zip, for messages.

    Raises:
      ValueError: there is one slice only, one lacks its geometry or lies on another
        grid than the rest, two lie at one place, or they are unevenly spaced or one is
        missing; the message names the files and places.
    """
    if len(slices) < 2:
        raise ValueError(
            f"{source}: expected a 3D scan of several slices; got one, "
            f"{slices[0].name}. Give the folder that holds the others."
        )
    for header in slices:
        check(header, source)
        if keyword := grid_difference(header, slices[0]):
            raise ValueError(
                f"{source}: {header.name} and {slices[0].name} are of one series and "
                f"differ in {keyword}. Put each stack of slices into a folder of its "
                "own."
            )
    ordered = sorted(slices, key=lambda header: header.along_normal_mm)
    if found := faults(ordered):
        more = len(found) - _MAX_SHOWN
        raise ValueError(
            f"{source}: slices are missing, duplicate or unevenly spaced; export the "
            "whole series again, and only it. Places are mm along the normal.\n  "
            + "\n  ".join(found[:_MAX_SHOWN])
            + (f"\n  and {more} more such faults" if more > 0 else "")
        )
    return ordered


def spacing_mm(ordered: Sequence[slice_header.SliceHeader]) -> float:
    """From one slice to the next along the normal."""
    ends = [ordered[n].along_normal_mm for n in (0, -1)]
    return (ends[1] - ends[0]) / (len(ordered) - 1)


def orthonormal(orientation: Sequence[float]) -> np.ndarray:
    """The two unit vectors at a right angle that are nearest to written ones, (6,)."""
    cosines = np.reshape(orientation, (2, 3)).astype(float)
    if _skewness(cosines) <= _ORTHONORMAL:
        return cosines.ravel()
    left, _, right = np.linalg.svd(cosines, full_matrices=False)
    return (left @ right).ravel()


def rounding_notes(ordered: Sequence[slice_header.SliceHeader]) -> list[str]:
    """What is to be told of places and directions that were written with few digits."""
    notes = []
    line = Line.through(ordered)
    spacing, worst = np.linalg.norm(line.step_mm), line.off_mm.max()
    steps = np.diff([header.along_normal_mm for header in ordered])
    uneven = np.abs(steps - steps.mean()).max()
    if max(worst, uneven) > SPACING_TOLERANCE * spacing:
        notes.append(
            f"ImagePositionPatient is rounded to {2 * rounding_mm(ordered):g} mm: "
            f"slices lie up to {worst:.2g} mm off the even line that is taken."
        )
    skewness = _skewness(np.reshape(ordered[0].orientation, (2, 3)))
    if skewness > _ORTHONORMAL:
        notes.append(
            "ImageOrientationPatient is rounded: its vectors are taken as unit vectors "
            f"at a right angle, which they miss by {skewness:.2g}."
        )
    return notes


def check(header: slice_header.SliceHeader, source: str) -> None:
    """ValueError where a slice does not say where it lies, or says what cannot be."""
    if found := problem(header):
        raise ValueError(f"{source}: {header.name} {found}")


def problem(header: slice_header.SliceHeader) -> str:
    """What is wrong with a slice's own geometry and values; "" if nothing."""
    if missing := slice_header.missing(header):
        return missing
    if min(header.pixel_spacing_mm) <= 0:
        return (
            f"has {elements.title('PixelSpacing')} {header.pixel_spacing_mm}; "
            "both must be above 0 mm."
        )
    cosines = np.reshape(header.orientation, (2, 3))
    # A vector's length is off by up to the square root of 3 times a cosine's rounding.
    skewness = _skewness(cosines)
    if skewness > _ORTHONORMAL and skewness > 4 * _cosine_rounding([header]):
        return (
            f"has {elements.title('ImageOrientationPatient')} "
            f"{header.orientation}; expected two unit vectors at a right angle."
        )
    return ""


def grid_difference(
    header: slice_header.SliceHeader, first: slice_header.SliceHeader
) -> str:
    """The elements in which two slices cannot be of one grid; "" where they can."""
    if header.shape != first.shape:
        return "Rows and Columns"
    turned = np.abs(np.subtract(header.orientation, first.orientation)).max()
    if turned > _SAME_GRID and turned > 2 * _cosine_rounding([header, first]):
        return "ImageOrientationPatient"
    ratio = np.divide(header.pixel_spacing_mm, first.pixel_spacing_mm)
    return "PixelSpacing" if np.abs(ratio - 1).max() > _SAME_GRID else ""


def rounding_mm(slices: Sequence[slice_header.SliceHeader]) -> float:
    """Half of the last digit that positions are written with: how far each may be off.

    A digit that is 0 in one slice may be left out there: the longest counts.
    """
    return _rounding(slices, "ImagePositionPatient")


def faults(ordered: Sequence[slice_header.SliceHeader]) -> list[str]:
    """What is wrong with a stack of slices on one grid, two at least; [] if nothing."""
    distance_mm = np.array([header.along_normal_mm for header in ordered])
    steps = np.diff(distance_mm)
    line = Line.through(ordered)
    allowed = _allowed_mm(ordered, steps.mean())
    sideways = _sideways(ordered, line)
    if steps.min() >= SAME_POSITION_MM and np.all(
        np.abs(steps - steps.mean()) <= allowed
    ):
        return sideways
    moves = np.sort(steps[steps >= SAME_POSITION_MM])
    # The lower median: where slices are missing steps grow, never shrink.
    spacing = moves[(len(moves) - 1) // 2] if len(moves) else 0.0
    allowed = _allowed_mm(ordered, spacing)
    pairs = itertools.pairwise(header.name for header in ordered)
    found = [
        f"{fault}: {before} and {after}"
        for (before, after), start, step in zip(
            pairs, distance_mm[:-1], steps, strict=True
        )
        if (fault := _fault(start, step, spacing, allowed))
    ]
    return found or sideways


def _allowed_mm(slices: Sequence[slice_header.SliceHeader], spacing: float) -> float:
    """How far a step may be from the spacing."""
    row, column = np.reshape(slices[0].orientation, (2, 3))
    normal = np.cross(row, column)
    rounded = 2 * rounding_mm(slices) * np.abs(normal).sum()
    if rounded > _MOST_ROUNDING * spacing:
        rounded = 0.0
    return SPACING_TOLERANCE * spacing + rounded


def _fault(start: float, step: float, spacing: float, allowed: float) -> str:
    """What is wrong with a step of that many mm from `start`; empty where nothing."""
    if step < SAME_POSITION_MM:
        return f"two slices at {start:.2f}"
    num_steps = max(1, round(step / spacing))
    if abs(step - num_steps * spacing) > allowed:
        return f"a step of {step:.4f} mm at {start:.2f}, where others are {spacing:.4f}"
    if num_steps == 1:
        return ""
    places = ", ".join(f"{start + n * spacing:.2f}" for n in range(1, num_steps))
    return f"{num_steps - 1} missing, at {places}, between"


def _sideways(ordered: Sequence[slice_header.SliceHeader], line: Line) -> list[str]:
    """Slices off the straight, even line."""
    worst = int(np.argmax(line.off_mm))
    spacing = np.linalg.norm(line.step_mm)
    rounded = 2 * np.sqrt(3) * rounding_mm(ordered)
    if rounded > np.sqrt(3) * _MOST_ROUNDING * spacing:
        rounded = 0.0
    if line.off_mm[worst] <= max(SPACING_TOLERANCE * spacing, rounded):
        return []
    return [
        f"{ordered[worst].name} lies {line.off_mm[worst]:.4f} mm off the even line of "
        f"slices from {ordered[0].name} to {ordered[-1].name}"
    ]


def _skewness(cosines: np.ndarray) -> float:
    """How far two vectors are from unit vectors at a right angle."""
    return np.abs(cosines @ np.transpose(cosines) - np.eye(2)).max()


def _cosine_rounding(slices: Sequence[slice_header.SliceHeader]) -> float:
    half = _rounding(slices, "ImageOrientationPatient")
    return half if half <= _MOST_COSINE_ROUNDING else 0.0


def _rounding(slices: Sequence[slice_header.SliceHeader], keyword: str) -> float:
    """Half of the last digit that an element is written with in any of the slices."""
    written = [header.written[keyword] for header in slices]
    return 0.5 * 10.0 ** -max(map(elements.num_decimals, written))
