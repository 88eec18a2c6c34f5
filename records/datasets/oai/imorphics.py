"""Label maps out of the contours that iMorphics drew for the OAI (MATLAB files).

Such a file holds a 1 x N struct array `datastruct`, an element a slice. Its fields are
tissues, each a cell of contours: column 0 is x, column 1 is y from the bottom of the
image (row = number of rows - y), further columns are ignored. Any field may be missing.
Pixels are filled by the rule of half their area (`deepresolve.imaging.contours`).
"""

from __future__ import annotations

import pathlib

import numpy as np

from deepresolve.imaging import contours
from deepresolve.imaging.volume import Volume
from records.datasets.oai import matlab
from records.datasets.oai.tissues import FIELDS

_VARIABLE = "datastruct"
# Contours of a knee take about a megabyte.
_MAX_BYTES = 2**28


def read_label_map(
    path: pathlib.Path, *, image: Volume, slice_order: str = "left_to_right"
) -> Volume:
    """Fills the contours of a file on the grid of its image.

    Args:
      path: the MATLAB file.
      image: the sagittal scan as DICOM gives it: array[column, row, slice].
      slice_order: which slice the first element is: the leftmost of the patient
        ("left_to_right") or the rightmost.

    Returns:
      A Volume of uint8 labels, named in `tissues.LABEL_NAMES`.

    Raises:
      ValueError: the file is damaged, holds something else, has another number of
        slices than the image, or contours off the image.
    """
    slices = _read_slices(path)
    if image.plane != "sagittal" or image.slice_axis != 2:
        raise ValueError(
            f"{path}: contours belong to a sagittal scan; the image is {image.plane}."
        )
    if len(slices) != image.num_slices:
        raise ValueError(
            f"{path}: contours of {len(slices)} slices; the image has "
            f"{image.num_slices}. They belong to another scan."
        )
    grows_right = image.orientation[2] == "R"
    if grows_right != (slice_order == "left_to_right"):
        slices = slices[::-1]
    label = np.zeros(image.shape, np.uint8)
    num_columns, num_rows, _ = image.shape
    for index, element in enumerate(slices):
        try:
            in_slice = fill_slice(element, (num_rows, num_columns))
        except ValueError as error:
            raise ValueError(
                f"{path}: slice {index + 1} of the image: {error}"
            ) from error
        label[:, :, index] = in_slice.T  # (row, column) -> (column, row)
    return image.with_array(label)


def fill_slice(
    contours_of: dict[str, list[np.ndarray]], shape: tuple[int, int]
) -> np.ndarray:
    """The labels of one slice.

    Args:
      contours_of: contours by field, (n, 2) with y from the bottom.
      shape: rows and columns.

    Returns:
      (rows, columns) uint8.

    Raises:
      ValueError: a contour lies off the image; the message names the tissue.
    """
    label = np.zeros(shape, np.uint8)
    largest = np.zeros(shape)
    for field, drawn in contours_of.items():
        # y counts from the bottom: row = number of rows - y.
        from_top = [contour * (1, -1) + (0, shape[0]) for contour in drawn]
        try:
            share = contours.coverage(from_top, shape)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from error
        covered = contours.at_least_half(share) & (share > largest)
        label[covered] = FIELDS[field]
        largest = np.maximum(largest, share)
    return label


def _read_slices(path: pathlib.Path) -> list[dict[str, list[np.ndarray]]]:
    """The contours of each slice by field, in the order of the file."""
    try:
        elements = matlab.read_variable(path, _VARIABLE, max_bytes=_MAX_BYTES)
        if elements is None or elements.dtype != object:
            raise ValueError(f"{_VARIABLE!r} is no struct array")
        return [_fields(element) for element in elements.flat]
    except ValueError as error:
        raise ValueError(
            f"{path}: cannot be read as iMorphics contours ({error}). Expected a "
            f"struct array {_VARIABLE!r}, an element a slice, with fields such as "
            f"{next(iter(FIELDS))}; copy the file again."
        ) from error


def _fields(element: object) -> dict[str, list[np.ndarray]]:
    if not isinstance(element, dict):
        raise ValueError(f"{_VARIABLE!r} is no struct array")
    if not element.keys() & FIELDS.keys():
        raise ValueError(
            f"a slice has the fields {list(element)}, none of them a known tissue"
        )
    return {
        field: _contours(element[field], field) for field in FIELDS if field in element
    }


def _contours(cell: object, field: str) -> list[np.ndarray]:
    """(n, 2) arrays out of a cell, which may be empty or a single bare contour."""
    if isinstance(cell, np.ndarray) and cell.dtype == object:
        return [drawn for each in cell.flat for drawn in _contours_of_one(each, field)]
    return _contours_of_one(cell, field)


def _contours_of_one(contour: object, field: str) -> list[np.ndarray]:
    """(n, 2) of one contour; none of an empty one."""
    if isinstance(contour, np.ndarray) and contour.dtype.kind in "iuf":
        if contour.size == 0:
            return []
        if contour.ndim == 2 and contour.shape[1] >= 2:
            return [contour[:, :2].astype(np.float64)]
    raise ValueError(f"{field} holds something else than contours of x and y")
