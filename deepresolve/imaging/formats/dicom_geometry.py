"""Where slices lie: their order along the normal, and whether none is missing.

DICOM's patient axes are LPS+ and in mm (PS3.3 C.7.6.2.1.1). Instance numbers and file
names say nothing of place and are not used, nor is SpacingBetweenSlices.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from deepresolve.imaging.formats import dicom_series

SPACING_TOLERANCE = 0.01  # of the slice spacing
_SAME_POSITION_MM = 1e-3
# Of direction cosines, and relative of pixel spacings: 0.03 mm across a whole image.
_SAME_GRID = 1e-4
_ORTHONORMAL = 1e-3
_MAX_SHOWN = 10


def order(
    slices: Sequence[dicom_series.SliceHeader], source: str
) -> list[dicom_series.SliceHeader]:
    """Sorts slices along their normal: the row's cosines x the column's.

    Args:
      slices: of one series and echo, at least one.
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
        _check_header(header, source)
        _check_same_grid(header, slices[0], source)
    distance_mm = {header.name: _along_normal(header) for header in slices}
    ordered = sorted(slices, key=lambda header: distance_mm[header.name])
    _check_steps(ordered, [distance_mm[header.name] for header in ordered], source)
    _check_line(ordered, source)
    return ordered


def slice_step_mm(ordered: Sequence[dicom_series.SliceHeader]) -> np.ndarray:
    """Mean vector from one slice to the next, (3,), LPS+ mm.

    Not always along the normal: slices may step sideways.
    """
    first, last = (np.array(ordered[n].position_mm) for n in (0, -1))
    return (last - first) / (len(ordered) - 1)


def _along_normal(header):
    row, column = np.reshape(header.orientation, (2, 3))
    return float(np.cross(row, column) @ header.position_mm)


def _check_header(header, source):
    lengths = {"position_mm": 3, "orientation": 6, "pixel_spacing_mm": 2}
    keywords = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    for (field, length), keyword in zip(lengths.items(), keywords, strict=True):
        value = getattr(header, field)
        if len(value) != length or not np.all(np.isfinite(value)):
            raise ValueError(
                f"{source}: {header.name} needs {length} numbers in {keyword}; got "
                f"{value or 'none'}. Export the series again with its geometry, or "
                "convert it to NIfTI."
            )
    if min(header.pixel_spacing_mm) <= 0:
        raise ValueError(
            f"{source}: {header.name} has PixelSpacing {header.pixel_spacing_mm}; both "
            "must be above 0 mm."
        )
    cosines = np.reshape(header.orientation, (2, 3))
    if np.abs(cosines @ cosines.T - np.eye(2)).max() > _ORTHONORMAL:
        raise ValueError(
            f"{source}: {header.name} has ImageOrientationPatient "
            f"{header.orientation}; expected two unit vectors at a right angle."
        )


def _check_same_grid(header, first, source):
    facts = {
        "Rows and Columns": (header.shape, first.shape, 0),
        "ImageOrientationPatient": (header.orientation, first.orientation, _SAME_GRID),
        "PixelSpacing": (
            np.divide(header.pixel_spacing_mm, first.pixel_spacing_mm),
            (1, 1),
            _SAME_GRID,
        ),
    }
    for keyword, (value, expected, tolerance) in facts.items():
        if np.abs(np.subtract(value, expected)).max() > tolerance:
            raise ValueError(
                f"{source}: {header.name} and {first.name} are of one series and "
                f"differ in {keyword}. Put each stack of slices into a folder of its "
                "own."
            )


def _check_steps(ordered, distance_mm, source):
    steps = np.diff(distance_mm)
    moves = np.sort(steps[steps >= _SAME_POSITION_MM])
    # The lower median: where slices are missing steps grow, never shrink.
    spacing = moves[(len(moves) - 1) // 2] if len(moves) else 0.0
    pairs = itertools.pairwise(header.name for header in ordered)
    faults = [
        f"{fault}: {before} and {after}"
        for (before, after), start, step in zip(
            pairs, distance_mm[:-1], steps, strict=True
        )
        if (fault := _fault(start, step, spacing))
    ]
    if faults:
        more = len(faults) - _MAX_SHOWN
        raise ValueError(
            f"{source}: slices are missing, duplicate or unevenly spaced; export the "
            "whole series again, and only it. Places are mm along the normal.\n  "
            + "\n  ".join(faults[:_MAX_SHOWN])
            + (f"\n  and {more} more such pairs" if more > 0 else "")
        )


def _fault(start, step, spacing):
    """What is wrong with a step of that many mm from `start`; empty where nothing."""
    if step < _SAME_POSITION_MM:
        return f"two slices at {start:.2f}"
    num_steps = max(1, round(step / spacing))
    if abs(step - num_steps * spacing) > SPACING_TOLERANCE * spacing:
        return f"a step of {step:.4f} mm at {start:.2f}, where others are {spacing:.4f}"
    if num_steps == 1:
        return ""
    places = ", ".join(f"{start + n * spacing:.2f}" for n in range(1, num_steps))
    return f"{num_steps - 1} missing, at {places}, between"


def _check_line(ordered, source):
    """Refuses slices off the straight, even line from the first to the last."""
    step = slice_step_mm(ordered)
    positions = np.array([header.position_mm for header in ordered])
    expected = positions[0] + np.arange(len(ordered))[:, None] * step
    apart_mm = np.linalg.norm(positions - expected, axis=1)
    worst = int(np.argmax(apart_mm))
    if apart_mm[worst] > SPACING_TOLERANCE * np.linalg.norm(step):
        raise ValueError(
            f"{source}: {ordered[worst].name} lies {apart_mm[worst]:.4f} mm off the "
            f"even line of slices from {ordered[0].name} to {ordered[-1].name}; "
            f"at most {SPACING_TOLERANCE:.0%} of the spacing is allowed."
        )
