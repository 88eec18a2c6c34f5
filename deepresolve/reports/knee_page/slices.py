"""The label map over the scan, slice by slice, for the viewer in a page.

A scan is cut to its cartilage and what lies around it, so that a page stays small; a
label map alone is shown whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from deepresolve.imaging import slice_grid
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.volume import PLANES, Volume
from deepresolve.quantification.parts import BONE, parts_of
from deepresolve.reports import cuts, drawing, palette
from deepresolve.reports.planes import fullest_slice
from deepresolve.reports.preview import packing, slices_of

# Around all that is no bone.
_MARGIN_MM = 8
# So many times as high as the highest label is white.
_DARK = 3
_LABELS, _SCAN = "labels", "scan"


@dataclasses.dataclass(frozen=True, eq=False)
class Slices:
    """What is shown in three planes.

    Attributes:
      facts: for the page, JSON values.
      volumes: (rows, columns) uint8 slice by slice, by the name of their place.
    """

    facts: dict[str, Any]
    volumes: dict[str, Iterator[np.ndarray]]


def slices(
    label_map: Volume, label_names: Mapping[int, str], scan: Volume | None
) -> Slices:
    """Slices of a label map, over a scan where there is one.

    Args:
      label_map: whole numbers up to 255.
      label_names: by value.
      scan: on the grid of the label map, in any order of the axes.

    Raises:
      ValueError: a value above 255, or a scan on another grid.
    """
    labels = _of_bytes(label_map.in_plane("sagittal"))
    bones = [v for v, part in parts_of(label_names).items() if part.kind == BONE]
    soft = labels.with_array((labels.array > 0) & ~np.isin(labels.array, bones))
    volumes: dict[str, Iterator[np.ndarray]] = {}
    # Where there is no scan, values of the label map in dark greys.
    white = _DARK * int(labels.array.max())
    facts: dict[str, Any] = {"grey": _LABELS, "range": (0, 255), "window": (0, white)}
    if scan is not None:
        scan = scan.in_plane("sagittal")
        _check_grid(scan, labels)
        box = _around(soft)
        labels, soft, scan = labels.crop(box), soft.crop(box), scan.crop(box)
        scale = estimate_scale(scan.array)
        shown = {plane: fullest_slice(soft, plane) for plane in PLANES}
        facts = {
            "grey": _SCAN,
            "range": (scale.low, scale.high),
            "window": _window(scan, shown),
        }
        volumes[_SCAN] = _in_bytes(scan, scale)
    volumes[_LABELS] = slices_of(labels)
    facts |= {
        "shape": labels.shape,
        "planes": [_plane(labels, soft, plane) for plane in PLANES],
        "images": [{"name": "Labels" if scan is None else "Scan"}],
        "classes": _classes(labels, label_names),
        "is_cut": scan is not None,
        "margin_mm": _MARGIN_MM,
    }
    return Slices(facts, volumes)


def _of_bytes(labels: Volume) -> Volume:
    most = labels.array.max()
    if most > np.iinfo(np.uint8).max:
        raise ValueError(
            f"Labels up to 255 can be shown; got {most}. Give these values others."
        )
    return labels.with_array(labels.array.astype(np.uint8))


def _check_grid(scan: Volume, labels: Volume) -> None:
    """ValueError of a scan whose voxels are not those of the label map."""
    where = slice_grid.positions(scan, labels)
    if scan.shape != labels.shape or np.abs(where - np.arange(where.size)).max() > 0.1:
        raise ValueError(
            f"The scan and its label map have different slices: {scan.num_slices} and "
            f"{labels.num_slices}. Resample the label map to the scan's grid."
        )


def _around(soft: Volume) -> list[slice]:
    """The box of all that is no bone, with a margin."""
    box = []
    for axis, mm in enumerate(soft.spacing_mm):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(soft.array.any(axis=others))
        margin = round(_MARGIN_MM / mm)
        first = max(int(held[0]) - margin, 0)
        box.append(slice(first, min(int(held[-1]) + margin + 1, soft.shape[axis])))
    return box


def _in_bytes(scan: Volume, scale: IntensityScale) -> Iterator[np.ndarray]:
    return (packing.eight_bit(pixels, scale) for pixels in slices_of(scan))


def _window(scan: Volume, shown: Mapping[str, int]) -> tuple[float, float]:
    """Black and white, of the slices that are shown at first."""
    low, high = drawing.window(
        [scan.in_plane(plane).array[:, :, index] for plane, index in shown.items()]
    )
    return low, max(high, low + 1e-6 * max(abs(low), 1))


def _plane(labels: Volume, soft: Volume, plane: str) -> dict[str, Any]:
    chosen = cuts.cut(labels.orientation, labels.spacing_mm, plane)
    start = fullest_slice(soft, plane)
    return cuts.for_viewer(plane, chosen, start=start) | {"captions": None}


def _classes(labels: Volume, label_names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Line and name of every value up to the highest; of one without a name itself."""
    classes = []
    for value in range(1, int(labels.array.max()) + 1):
        line = palette.line(value)
        name = label_names.get(value, f"value {value}")
        held = bool((labels.array == value).any())
        classes.append(
            {"name": name, "held": held, "colour": line.colour, "dashes": line.dashes}
        )
    return classes
