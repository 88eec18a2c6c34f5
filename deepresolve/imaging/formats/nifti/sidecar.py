"""What a JSON file beside a NIfTI scan tells (dcm2niix, BIDS), and NIfTI cannot.

Without the slice thickness nobody knows of gaps between slices; without the kind of
acquisition, what profile slices have; without identifiers, whose scan it is. The file
is named as the scan, `knee.json` beside `knee.nii.gz`, and holds all under the names of
DICOM's elements, lengths in mm. It is a help and never a hindrance: what is wrong with
it is told, and counts as unknown.
"""

from __future__ import annotations

import json
import logging
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from deepresolve.imaging.formats.dicom.slice_header import IDENTITY
from deepresolve.imaging.formats.nifti import file_set
from deepresolve.imaging.volume import SLICE_ENCODINGS

_LOGGER = logging.getLogger(__name__)
_MAX_BYTES = 2**24
# Two lengths closer than this share are one: what is written is rounded.
_TOLERANCE = 0.05
# Scanners interpolate slices to half their spacing; more overlap is another grid's.
_OWN_OVERLAP = 2


class Slices(NamedTuple):
    """What is told of a scan's slices; None where it is unknown.

    Attributes:
      thickness_mm: of one slice.
      encoding: "2D" or "3D", as `Volume.slice_encoding`.
    """

    thickness_mm: float | None = None
    encoding: str | None = None


def path_of(path: pathlib.Path) -> pathlib.Path:
    """Where the JSON file of a scan would lie."""
    return path.with_name(f"{file_set.stem(path)}.json")


def slices(path: pathlib.Path, slice_spacing_mm: float) -> Slices:
    """The thickness of the scan's slices, and how they were told apart.

    Args:
      path: the scan.
      slice_spacing_mm: distance between its slices, by its header.

    Returns:
      `Slices`, with None for what no JSON file tells, and for all where it tells of
      slices at another distance: then it was made for the scan before somebody
      resampled it.
    """
    told = _content(path_of(path))
    thickness = _length(told, "SliceThickness", path)
    spacing = _length(told, "SpacingBetweenSlices", path)
    if spacing and abs(spacing - slice_spacing_mm) > _TOLERANCE * slice_spacing_mm:
        wrong = f"SpacingBetweenSlices is {spacing:g} mm"
    elif thickness and thickness > (_OWN_OVERLAP + _TOLERANCE) * slice_spacing_mm:
        wrong = f"SliceThickness is {thickness:g} mm"
    else:
        return Slices(thickness, _encoding(told, path))
    _LOGGER.warning(
        "%s: %s in %s, and by the header slices are %.4g mm apart; the slice thickness "
        "and how slices were encoded are taken as unknown.",
        path,
        wrong,
        path_of(path).name,
        slice_spacing_mm,
    )
    return Slices()


def identity(path: pathlib.Path) -> frozenset[tuple[str, str]]:
    """Whose scan it is: of `formats.Contents`; dcm2niix tells with -ba n alone.

    Args:
      path: the scan.
    """
    told = _content(path_of(path))
    return frozenset(
        (keyword, value.strip())
        for keyword in IDENTITY
        if isinstance(value := told.get(keyword), str) and value.strip()
    )


def echo_time_ms(path: pathlib.Path) -> float | None:
    """EchoTime of the scan, which these files tell in seconds; None where unknown.

    Args:
      path: the scan.
    """
    found = times_ms(path, "EchoTime")
    return found[0] if len(found) == 1 and found[0] > 0 else None


def times_ms(path: pathlib.Path, key: str) -> tuple[float, ...]:
    """What is told in seconds: one time, or one for each volume of a 4D scan.

    Args:
      path: the scan.
      key: "EchoTime", "SpinLockTime", "RepetitionTime".

    Returns:
      0 or more each; () where nothing is told, or something else.
    """
    told = _content(path_of(path)).get(key)
    values = [_number(value) for value in (told if isinstance(told, list) else [told])]
    # Not 35.199999999999996 of 0.0352.
    times = [round(1000 * s, 6) for s in values if s is not None and s >= 0]
    return tuple(times) if len(times) == len(values) else ()


def number(path: pathlib.Path, key: str) -> float | None:
    """What is told as it is, such as FlipAngle and EchoNumber; None where unknown.

    Args:
      path: the scan.
      key: name of the element.
    """
    return _number(_content(path_of(path)).get(key))


def _number(value: Any) -> float | None:
    """A JSON value as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _content(path: pathlib.Path) -> Mapping[str, Any]:
    """The file's object; empty where there is none that can be read."""
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, got {type(found).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        _LOGGER.warning(
            "%s: no slice thickness is taken from it, nor anything else, for it is no "
            "JSON file of a scan (%s).",
            path,
            error,
        )
        return {}
    return found


def _encoding(told: Mapping[str, Any], path: pathlib.Path) -> str | None:
    value = told.get("MRAcquisitionType")
    if value is None or value in SLICE_ENCODINGS:
        return value
    _LOGGER.warning(
        "%s: MRAcquisitionType is %.60r in %s; expected %s. It is left out.",
        path,
        value,
        path_of(path).name,
        " or ".join(SLICE_ENCODINGS),
    )
    return None


def _length(told: Mapping[str, Any], key: str, path: pathlib.Path) -> float | None:
    value = told.get(key)
    if value is None:
        return None
    found = _number(value)
    if found is not None and found > 0:
        return found
    _LOGGER.warning(
        "%s: %s is %.60r in %s; expected a length in mm. It is left out.",
        path,
        key,
        value,
        path_of(path).name,
    )
    return None
