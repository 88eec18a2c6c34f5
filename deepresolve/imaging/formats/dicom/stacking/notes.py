"""What a user should know of slices that were read as one volume all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deepresolve.imaging.formats.dicom import traits
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.stacking import geometry
from deepresolve.imaging.formats.dicom.stacking import series as dicom_series
from deepresolve.imaging.volume import SLICE_ENCODINGS
from deepresolve.system import wording

# A slice of more than so many spacings is no overlap, but a mistake.
_MOST_SPACINGS = 5
# Times, angles and other numbers that differ by a smaller share are one.
_SAME_NUMBER = 0.01
_MAX_SHOWN = 3


def of(slices: Sequence[SliceHeader]) -> list[str]:
    """Contradictions and roundings among the slices of one volume.

    Args:
      slices: in order.
    """
    return [
        *dicom_series.notes(slices),
        *geometry.rounding_notes(slices),
        *_mixed(slices),
        *_of_instances(slices),
        *_of_persons(slices),
        *_left_out(slices),
    ]


def of_echoes(
    slices: Sequence[SliceHeader], headers: Sequence[SliceHeader]
) -> list[str]:
    """Echo numbers and times that contradict each other.

    Args:
      slices: of one volume.
      headers: of all files; those of other series are no matter.
    """
    series = {header.series_uid for header in slices}
    times: dict[int, set[float]] = {}
    for header in headers:
        if header.series_uid in series and header.echo_time_ms is not None:
            times.setdefault(header.echo_number or 0, set()).add(header.echo_time_ms)
    own = {header.echo_time_ms for header in slices}
    notes = []
    for number, found in sorted(times.items()):
        if number and len(found) > len(own) == 1 and own <= found:
            shown = ", ".join(f"{time:g}" for time in sorted(found))
            notes.append(
                f"EchoNumbers is {number} for the echo times {shown} ms: echoes are "
                "numbered by their times."
            )
    alike = [number for number, found in sorted(times.items()) if found == own]
    if len(alike) > 1:
        notes.append(
            f"EchoTime is {own.pop():g} ms for the echoes "
            f"{' and '.join(map(str, alike))}."
        )
    return notes


def of_copies(copies: Sequence[str], num_files: int) -> list[str]:
    """That some files hold the images of others."""
    if not copies:
        return []
    return [
        f"{len(copies)} of {num_files} files are copies of others, of one "
        f"SOPInstanceUID and content, and each image is taken once: "
        f"{wording.listed(copies, _MAX_SHOWN)}."
    ]


def thickness_mm(
    slices: Sequence[SliceHeader], spacing_mm: float
) -> tuple[float | None, list[str]]:
    """SliceThickness where all slices agree on one that can be; and what is wrong.

    More than the spacing is an overlap, which there is; several times as much is not.
    """
    found = {header.slice_thickness_mm for header in slices}
    shown = " and ".join("none" if t is None else f"{t:g} mm" for t in _sorted(found))
    if len(found) > 1:
        return None, [f"SliceThickness differs, {shown}: it is taken as unknown."]
    (thickness,) = found
    if thickness is None:
        return None, []
    if 0 < thickness <= _MOST_SPACINGS * spacing_mm:
        return thickness, []
    return None, [
        f"SliceThickness is {shown}, where slices are {spacing_mm:.4g} mm apart: it is "
        "taken as unknown."
    ]


def slice_encoding(slices: Sequence[SliceHeader]) -> tuple[str | None, list[str]]:
    """MRAcquisitionType where all slices agree on 2D or 3D; and what is wrong."""
    found = sorted({header.acquisition_type.upper() for header in slices})
    shown = " and ".join(value or "none" for value in found)
    if len(found) > 1:
        return None, [f"MRAcquisitionType differs, {shown}: it is taken as unknown."]
    (encoding,) = found
    if encoding in SLICE_ENCODINGS:
        return encoding, []
    if not encoding:
        return None, []
    return None, [
        f"MRAcquisitionType is {shown}, neither {' nor '.join(SLICE_ENCODINGS)}: it is "
        "taken as unknown."
    ]


def _mixed(slices: Sequence[SliceHeader]) -> list[str]:
    """Slices of one volume that are not of one contrast."""
    notes = []
    for trait in traits.TRAITS:
        values = {header.traits.get(trait.keyword, ()) for header in slices}
        if trait.is_contrast and len(values) > 1 and not _alike(values):
            shown = ["\\".join(value) or "none" for value in sorted(values)]
            text = wording.listed(shown, _MAX_SHOWN)
            notes.append(
                f"slices of one volume differ in {trait.keyword} ({text}); no two lie "
                "at one place, so that they are taken together."
            )
    return notes


def _of_instances(slices: Sequence[SliceHeader]) -> list[str]:
    """Files that share a UID and are no copies."""
    uid_of = {header.file: header.instance_uid for header in slices}
    uids = [uid for uid in uid_of.values() if uid]
    if len(set(uids)) == len(uids):
        return []
    return [
        f"{len(uids)} images have {len(set(uids))} SOPInstanceUIDs; they lie at "
        "different places, and each is taken."
    ]


def _of_persons(slices: Sequence[SliceHeader]) -> list[str]:
    """Slices of one volume that say that they are of several persons."""
    persons = {dict(header.identity).get("PatientID") for header in slices} - {None}
    if len(persons) < 2:
        return []
    return [
        f"slices of one volume have {len(persons)} PatientIDs, and are taken together: "
        "see that none is another person's."
    ]


def _alike(values: Iterable[Sequence[str]]) -> bool:
    """Whether values are single numbers that are nearly the same."""
    try:
        numbers = [float(value) for (value,) in values]
    except ValueError:
        return False
    return max(numbers) - min(numbers) <= _SAME_NUMBER * max(map(abs, numbers))


def _left_out(slices: Sequence[SliceHeader]) -> list[str]:
    counts: dict[str, int] = {}
    for header in slices:
        for text in header.left_out:
            counts[text] = counts.get(text, 0) + 1
    return [
        f"{text}, no number that it can be, in {count} of {len(slices)} slices: it is "
        "left out."
        for text, count in counts.items()
    ]


def _sorted(values: Iterable[float | None]) -> list[float | None]:
    return sorted(values, key=lambda value: -1.0 if value is None else value)
