"""From contours to masks: how much of each pixel lies inside, to the last digit.

Cartilage is a few pixels thick, so the rule by which its edge is filled matters: to
fill every pixel that a contour touches makes it a fifth thicker. Here a pixel belongs
to the tissue if at least half of its area does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Areas are sums of products of coordinates: an exact half may come out this far off.
_ROUNDING = 1e-6


def coverage(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The share of each pixel's area that closed contours enclose.

    A contour that lies inside another one is a hole of it, one inside a hole is an
    island, and so on. Contours beside each other add up.

    Args:
      contours: each (points, 2): x along the columns, y along the rows, where pixel
        (row, column) is the unit square around (y, x) = (row, column). The last point
        is joined to the first. Fewer than three points enclose nothing.
      shape: rows and columns.

    Returns:
      (rows, columns) float64 in 0..1.

    Raises:
      ValueError: a contour has other axes, a coordinate that is not finite, or a point
        beyond the image's edge by more than half a pixel.
    """
    parts = [_enclosed(_checked(contour, shape), shape) for contour in contours]
    total = np.zeros(shape)
    for part in parts:
        depth = sum(_holds(other, part) for other in parts if other is not part)
        total += -part if depth % 2 else part
    return np.clip(total, 0, 1)


def fill(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The pixels of which contours enclose half or more.

    Args:
      contours: each (points, 2): x along the columns, y along the rows, where pixel
        (row, column) is the unit square around (y, x) = (row, column).
      shape: rows and columns.

    Returns:
      (rows, columns) bool.

    Raises:
      ValueError: a contour has other axes, a coordinate that is not finite, or a point
        beyond the image's edge by more than half a pixel.
    """
    return at_least_half(coverage(contours, shape))


def at_least_half(share: np.ndarray) -> np.ndarray:
    """Whether a coverage is half or more, an exact half in spite of rounding."""
    return share >= 0.5 - _ROUNDING


def _checked(contour: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    contour = np.asarray(contour, np.float64)
    if contour.ndim != 2 or contour.shape[1] != 2:
        raise ValueError(
            f"A contour is an array of points, (n, 2); got shape {contour.shape}."
        )
    if not np.all(np.isfinite(contour)):
        raise ValueError("A contour has points that are NaN or infinite.")
    rows, columns = shape
    if contour.size and (
        contour.min() < -1
        or contour[:, 0].max() > columns
        or contour[:, 1].max() > rows
    ):
        x, y = (
            f"{low:g} to {high:g}" for low, high in zip(*_bounds(contour), strict=True)
        )
        raise ValueError(
            f"A contour lies off the image: it spans columns {x} and rows {y}, the "
            f"image has {columns} columns and {rows} rows."
        )
    return contour


def _bounds(contour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return contour.min(axis=0), contour.max(axis=0)


def _holds(outer: np.ndarray, inner: np.ndarray) -> bool:
    """Whether the contour of the one coverage lies inside that of the other.

    Of two alike neither does, so that a contour given twice is no hole.
    """
    return bool(
        np.all(inner <= outer + _ROUNDING) and inner.sum() < outer.sum() - _ROUNDING
    )


def _enclosed(contour: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns) share of each pixel that one contour encloses.

    Green's theorem, pixel by pixel: every piece of the contour adds, with the sign of
    its direction, the area between itself and the right edge of the image. A margin of
    a pixel takes up what lies just off the image.
    """
    rows, columns = shape
    total = np.zeros((rows + 2, columns + 3))
    points = contour + 1.5  # Pixel (0, 0) with its margin begins at (1, 1).
    starts, ends = _cut(points, np.roll(points, -1, axis=0), axis=0)
    starts, ends = _cut(starts, ends, axis=1)
    middle = (starts + ends) / 2
    column, row = np.floor(middle).astype(np.intp).T
    height = ends[:, 1] - starts[:, 1]
    share = column + 1 - middle[:, 0]  # Of its own pixel to the right of a piece.
    np.add.at(total, (row, column), height * share)
    np.add.at(total, (row, column + 1), height * (1 - share))
    area = np.abs(np.cumsum(total, axis=1)[1 : rows + 1, 1 : columns + 1])
    return np.minimum(area, 1)


def _cut(
    starts: np.ndarray, ends: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts segments where they cross from one column (axis 0) or row (1) to the next.

    Args:
      starts: (n, 2) points.
      ends: (n, 2) points.
      axis: the coordinate whose whole numbers are the borders.

    Returns:
      Starts and ends of the pieces, in order, each within one column or row.
    """
    low = np.minimum(starts[:, axis], ends[:, axis])
    high = np.maximum(starts[:, axis], ends[:, axis])
    first = np.floor(low).astype(np.intp) + 1  # The first border above the lower end.
    crossings = np.maximum(np.ceil(high).astype(np.intp) - first, 0)
    whole = np.repeat(np.arange(len(starts)), crossings + 1)
    begins = np.cumsum(crossings + 1) - (crossings + 1)
    number = np.arange(len(whole)) - begins[whole]  # Of the piece in its segment.
    start, end, crossings, first = (
        starts[whole],
        ends[whole],
        crossings[whole],
        first[whole],
    )
    downward = start[:, axis] > end[:, axis]

    def border(index: np.ndarray) -> np.ndarray:
        """Where each segment crosses its border of that number, from 1."""
        at = np.where(downward, first + crossings - index, first + index - 1)
        length = end[:, axis] - start[:, axis]
        along = (at - start[:, axis]) / np.where(length == 0, 1, length)
        points = start + along[:, None] * (end - start)
        points[:, axis] = at
        return points

    is_first, is_last = number == 0, number == crossings
    return (
        np.where(is_first[:, None], start, border(number)),
        np.where(is_last[:, None], end, border(number + 1)),
    )
