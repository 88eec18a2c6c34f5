"""Double echoes in: both volumes, and the numbers of the sequence that T2 needs.

TR, TE and the flip angle are standard. The spoiler between the echoes stands in private
elements of GE alone (0019,10B6: its area in us gauss/cm; 0019,10B7: its duration in
us), which anonymisers take away: it is then given, or diffusion is left out.
"""

from __future__ import annotations

import dataclasses

import pydicom

from deepresolve.imaging.echoes import ECHO_TIME, DoubleEcho
from deepresolve.imaging.formats import dicom, echo_files, nifti
from deepresolve.imaging.formats.dicom import elements
from deepresolve.imaging.formats.echo_files import Part, Paths
from deepresolve.imaging.formats.nifti import sidecar

_GE, _GROUP, _AREA, _DURATION = "GEMS_ACQU_01", 0x0019, 0xB6, 0xB7


@dataclasses.dataclass(frozen=True)
class Sequence:
    """Numbers of a double echo; None where they are not known.

    Attributes:
      tr_ms: repetition time.
      te_ms: echo time of the first echo.
      flip_degrees: flip angle.
      spoiler_area: of the spoiler gradient, in us gauss/cm, as GE has it.
      spoiler_us: its duration.
    """

    tr_ms: float | None = None
    te_ms: float | None = None
    flip_degrees: float | None = None
    spoiler_area: float | None = None
    spoiler_us: float | None = None


def read_double_echo(
    path: Paths, given: Sequence = Sequence(), *, series: tuple[int | str, ...] = ()
) -> DoubleEcho:
    """Reads the two echoes of a double echo in steady state.

    Args:
      path: as `echo_files.read_echoes` takes it; the first echo is that of the smaller
        EchoNumbers, else of the shorter EchoTime, else the one that is found first.
      given: numbers that take the place of what headers tell.
      series: DICOM: those that hold the echoes; (): all.

    Raises:
      FileNotFoundError: there is nothing at a path.
      ValueError: there are not two volumes, as in a series that holds their sum; they
        lie on different grids; or TR, TE or the flip angle are not told.
    """
    found = list(echo_files.parts(path, series))
    where = found[0].path
    if len(found) != 2:
        raise ValueError(
            f"{where}: expected the two echoes of a double echo; got {len(found)} "
            "volume(s). Their sum, which is all that some scanners and archives keep, "
            "tells no T2."
        )
    found = _in_order(found)
    told = _told(found[0])
    values, notes = {}, []
    for field in dataclasses.fields(Sequence):
        own, from_header = getattr(given, field.name), getattr(told, field.name)
        values[field.name] = from_header if own is None else own
        if values[field.name] is not None:
            source = "the header" if own is None else "as given"
            notes.append(f"{field.name} {values[field.name]:g} ({source})")
    missing = [n for n in ("tr_ms", "te_ms", "flip_degrees") if values[n] is None]
    if missing:
        raise ValueError(
            f"{where}: the header does not tell {' and '.join(missing)}. Give "
            f"{' '.join(f'--{name}' for name in missing)}."
        )
    return _made(found, values, notes)


def _in_order(found: list[Part]) -> list[Part]:
    """By EchoNumbers, else by EchoTime, else as they were found."""
    one, two = found
    numbers = one.number, two.number
    times = one.times_ms.get(ECHO_TIME), two.times_ms.get(ECHO_TIME)
    for first, second in (numbers, times):
        if first is not None and second is not None and first != second:
            return [one, two] if first < second else [two, one]
    return [one, two]


def _made(
    found: list[Part], values: dict[str, float | None], notes: list[str]
) -> DoubleEcho:
    area, duration_us = values.pop("spoiler_area"), values.pop("spoiler_us")
    text = ", ".join(notes)
    if not area or not duration_us:
        area, duration_us = 0.0, 1.0
        text += "; the spoiler is not known: diffusion is left out, T2 told too short"
    one, two = (part.volume for part in found)
    numbers = {name: float(value or 0) for name, value in values.items()}
    spoiler = area / duration_us, duration_us / 1000 if area else 0.0
    return DoubleEcho(
        *(one, two, numbers["tr_ms"], numbers["te_ms"], numbers["flip_degrees"]),
        *(*spoiler, (f"{text}.",)),
        origins=tuple((part.path, part.choice) for part in found),
    )


def _told(part: Part) -> Sequence:
    """What the header of the first echo tells."""
    if nifti.find(part.path) is not None:
        times = (sidecar.times_ms(part.path, "RepetitionTime") or (None,))[0]
        flip = sidecar.number(part.path, "FlipAngle")
        return Sequence(times, part.times_ms.get(ECHO_TIME), flip)
    files = dicom.find(part.path)
    if files is None:
        return Sequence()
    header = dicom.read_headers(files, part.choice)[0]
    numbers = elements.OptionalNumbers(header)
    return Sequence(
        numbers.number("RepetitionTime"),
        part.times_ms.get(ECHO_TIME),
        numbers.number("FlipAngle"),
        _private(header, _AREA),
        _private(header, _DURATION),
    )


def _private(header: pydicom.Dataset, element: int) -> float | None:
    """A number of GE's; None where it is not there, or none."""
    try:
        value = header.private_block(_GROUP, _GE)[element].value
    except elements.UNREADABLE:
        return None
    if isinstance(value, bytes):  # Of an element whose kind is not told.
        value = value.decode("latin-1").strip(" \0")
    found = elements.numbers([str(value)])
    return found[0] if found and found[0] > 0 else None
