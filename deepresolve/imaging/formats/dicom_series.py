"""Which of the slices found belong together: series, and echoes within a series."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pydicom

from deepresolve.imaging.formats.choice import ALL, ONLY, Choice

# What two scans of one person share.
IDENTITY = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")
# The elements that `parse` needs; of the rest nothing is kept.
TAGS = (
    "SOPClassUID",
    "SeriesDescription",
    "SliceThickness",
    "EchoTime",
    "EchoNumbers",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "RescaleIntercept",
    "RescaleSlope",
    *IDENTITY,
)
_SHOWN_UID_DIGITS = 8
# A shorter end of a UID is more likely a SeriesNumber that is not there.
_FEWEST_UID_DIGITS = 4


@dataclasses.dataclass(frozen=True)
class SliceHeader:
    """What one DICOM image says of itself; None or () where it says nothing.

    Attributes:
      name: of the file, relative to the folder or zip.
      series_uid: SeriesInstanceUID.
      series_number: SeriesNumber.
      description: SeriesDescription.
      echo_number: EchoNumbers, from 1.
      echo_time_ms: EchoTime.
      shape: (Rows, Columns).
      num_frames: NumberOfFrames, 1 where absent.
      num_samples: SamplesPerPixel, 1 where absent; 3 is colour.
      photometric: PhotometricInterpretation; "" where absent.
      position_mm: ImagePositionPatient, LPS+.
      orientation: ImageOrientationPatient: six direction cosines, LPS+.
      pixel_spacing_mm: PixelSpacing: between rows, between columns.
      slice_thickness_mm: SliceThickness.
      rescale: RescaleSlope and RescaleIntercept; (1, 0) where absent.
      identity: pairs of a keyword out of `IDENTITY` and its value, where it has one.
    """

    name: str
    series_uid: str
    series_number: int | None
    description: str
    echo_number: int | None
    echo_time_ms: float | None
    shape: tuple[int, int]
    num_frames: int
    num_samples: int
    photometric: str
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, ...]
    slice_thickness_mm: float | None
    rescale: tuple[float, float]
    identity: frozenset[tuple[str, str]] = frozenset()


def parse(name: str, dataset: pydicom.Dataset) -> SliceHeader | None:
    """Reads the header of an image; None for what is no image (a report, an index).

    Args:
      name: of the file.
      dataset: with at least `TAGS` of it.

    Raises:
      ValueError: a number cannot be read as one, or an image has no size: a file that
        is cut short must not pass for one that is no image.
    """
    if not dataset.get("Rows") or not dataset.get("Columns"):
        kind = pydicom.uid.UID(dataset.get("SOPClassUID", ""))
        if kind and "Image Storage" not in kind.name:
            return None
        raise ValueError(
            f"{name}: an image without Rows and Columns; it is cut short or damaged. "
            "Export the series again, or move the file away."
        )
    return SliceHeader(
        name=name,
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        series_number=_first(dataset, "SeriesNumber", int),
        description=str(dataset.get("SeriesDescription", "")),
        echo_number=_first(dataset, "EchoNumbers", int),
        echo_time_ms=_first(dataset, "EchoTime", float),
        shape=(int(dataset.Rows), int(dataset.Columns)),
        num_frames=_first(dataset, "NumberOfFrames", int, absent=1),
        num_samples=_first(dataset, "SamplesPerPixel", int, absent=1),
        photometric=str(dataset.get("PhotometricInterpretation") or ""),
        position_mm=_numbers(dataset, "ImagePositionPatient"),
        orientation=_numbers(dataset, "ImageOrientationPatient"),
        pixel_spacing_mm=_numbers(dataset, "PixelSpacing"),
        slice_thickness_mm=_first(dataset, "SliceThickness", float),
        rescale=(
            _first(dataset, "RescaleSlope", float, absent=1.0),
            _first(dataset, "RescaleIntercept", float, absent=0.0),
        ),
        identity=frozenset(
            (keyword, value)
            for keyword in IDENTITY
            if (value := str(dataset.get(keyword) or "").strip())
        ),
    )


def choose(
    slices: Sequence[SliceHeader], source: str, choice: Choice = ONLY
) -> list[SliceHeader]:
    """The slices of one series, and of one echo of it.

    Args:
      slices: all that were found; at least one.
      source: the folder or zip, for messages.
      choice: series and echo; each needed where there are several.

    Raises:
      ValueError: the choice is missing, or none or several fit; the message lists all.
    """
    series, echo = choice.series, choice.echo
    every = _group_by_series(slices)
    chosen = _fitting(every, choice)
    if len(chosen) != 1:
        asked = "none was chosen" if series is None else f"{len(chosen)} fit {series!r}"
        raise ValueError(
            f"{source}: {len(every)} series, and {asked}. Choose one by its number or "
            f"the end of its UID with --series:\n{_listing(every)}"
        )
    echoes = group_by_echo(chosen[0])
    if echo is None and len(echoes) == 1:
        return next(iter(echoes.values()))
    if echo not in echoes:
        asked = "none was chosen" if echo is None else f"not echo {echo}"
        raise ValueError(
            f"{source}: the series holds {len(echoes)} echo(es), and {asked}. Choose "
            f"one with --echo:\n{_listing(chosen)}"
        )
    return echoes[echo]


def resolve(slices: Sequence[SliceHeader], asked: Choice) -> list[Choice]:
    """What `choose` is to be asked for, one choice for each volume.

    What the slices leave no choice about is not asked for: one series or echo is taken
    as it is. `ALL` becomes every series or echo. A choice that does not fit, or that is
    missing, stays as it is, for `choose` to tell.

    Args:
      slices: all that were found; at least one.
      asked: what the user chose, for this scan and perhaps for others.
    """
    every = _group_by_series(slices)
    takes_every = len(every) == 1 or asked.series == ALL
    chosen = every if takes_every else _fitting(every, asked)
    if not chosen or (len(chosen) > 1 and asked.series != ALL):
        return [asked]
    return [
        Choice(series, echo, asked.volume)
        for group in chosen
        for series in [_series_asked_for(group[0], every, asked.series)]
        for echo in _echoes_asked_for(group, asked.echo)
    ]


def _series_asked_for(header: SliceHeader, every, series) -> int | str | None:
    """As the user named it; else SeriesNumber, or the UID where two share that."""
    if len(every) == 1 or series not in (None, ALL):
        return None if len(every) == 1 else series
    number = header.series_number
    alike = sum(group[0].series_number == number for group in every)
    return number if number is not None and alike == 1 else header.series_uid


def _echoes_asked_for(slices, echo) -> list:
    echoes = group_by_echo(slices)
    if len(echoes) == 1:
        return [None]
    return list(echoes) if echo == ALL else [echo]


def group_by_echo(slices: Sequence[SliceHeader]) -> Mapping[int, list[SliceHeader]]:
    """The echoes of a series by number.

    Only where two slices lie at one position are there several echoes. They are told
    apart by EchoNumbers; where these are all alike, by EchoTime, the shortest being
    echo 1.
    """
    numbers = {header.echo_number for header in slices}
    times = sorted({header.echo_time_ms or 0.0 for header in slices})
    places = {tuple(round(x, 2) for x in header.position_mm) for header in slices}
    if len(places) == len(slices):
        key = {header.name: _only(numbers) or 1 for header in slices}
    elif len(numbers) > 1:
        key = {header.name: header.echo_number or 0 for header in slices}
    else:
        rank = {time: number for number, time in enumerate(times, start=1)}
        key = {header.name: rank[header.echo_time_ms or 0.0] for header in slices}
    groups = {}
    for header in slices:
        groups.setdefault(key[header.name], []).append(header)
    return dict(sorted(groups.items()))


def _only(values):
    return next(iter(values)) if len(values) == 1 else None


def _group_by_series(slices):
    groups = {}
    for header in slices:
        groups.setdefault((header.series_number, header.series_uid), []).append(header)
    return [groups[key] for key in sorted(groups, key=lambda k: (k[0] or 0, k[1]))]


def _fitting(every, choice):
    """The series that a choice fits; an echo that one series alone has is enough."""
    if choice.series is None and choice.echo is not None:
        having = [group for group in every if choice.echo in group_by_echo(group)]
        if len(having) == 1:
            return having
    return _matching(every, choice.series)


def _matching(every, series):
    """The series that a choice fits: by number, else by UID, else by its end."""
    if series is None:
        return every if len(every) == 1 else []
    wanted = str(series)
    tests = (
        lambda header: str(header.series_number) == wanted,
        lambda header: header.series_uid == wanted,
        lambda header: (
            len(wanted) >= _FEWEST_UID_DIGITS and header.series_uid.endswith(wanted)
        ),
    )
    found = ([group for group in every if test(group[0])] for test in tests)
    return next(filter(None, found), [])


def _listing(every):
    return "\n".join(_describe(group) for group in every)


def _describe(slices):
    first = slices[0]
    shapes = sorted(
        {f"{rows} x {columns}" for rows, columns in (s.shape for s in slices)}
    )
    lines = [
        f"  series {first.series_number} "
        f"(UID ...{first.series_uid[-_SHOWN_UID_DIGITS:]}) "
        f"{first.description or '(no description)'}: {len(slices)} images of "
        f"{', '.join(shapes)}"
    ]
    for number, group in group_by_echo(slices).items():
        times = sorted({f"{s.echo_time_ms:g}" for s in group if s.echo_time_ms})
        lines.append(
            f"    echo {number}: {len(group)} slices, TE {', '.join(times) or '?'} ms"
        )
    return "\n".join(lines)


def _first(dataset, keyword, kind, absent=None):
    """The (first) value of an element as a number, `absent` where it has none."""
    value = dataset.get(keyword)
    if isinstance(value, (pydicom.multival.MultiValue, list, tuple)):
        value = value[0] if value else None
    return absent if value is None or value == "" else kind(value)


def _numbers(dataset, keyword):
    return tuple(float(value) for value in dataset.get(keyword) or ())
