"""Echoes in: from one series or several, one 4D file or several 3D ones.

What tells the time of a volume is its header: EchoTime of a DICOM slice,
EffectiveEchoTime of an enhanced one, EchoTime or SpinLockTime of a JSON file beside a
NIfTI scan (BIDS). DICOM has no element for the time of a spin lock, and an anonymiser
may have taken EchoTime away: the times are then given, in the order in which the
volumes are found.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging.echoes import ECHO_TIME, SPIN_LOCK_TIME, Echoes
from deepresolve.imaging.formats import nifti
from deepresolve.imaging.formats.choice import ALL, ONLY, Choice
from deepresolve.imaging.formats.nifti import sidecar
from deepresolve.imaging.volume import Volume
from deepresolve.system import wording

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
# Two steps between times that differ by a smaller share are one.
_SAME_STEP = 0.02


class Part(NamedTuple):
    """One volume of a scan of several, and what its header tells of it.

    Attributes:
      path: where it is.
      choice: of several volumes of a DICOM scan.
      name: in messages.
      volume: its voxels.
      times_ms: by `ECHO_TIME` and `SPIN_LOCK_TIME`, where they are told.
      number: of the echo, from 1; None where it is not told.
    """

    path: pathlib.Path
    choice: Choice
    name: str
    volume: Volume
    times_ms: dict[str, float]
    number: int | None = None


def read_echoes(
    path: Paths,
    times_ms: Sequence[float] | None = None,
    *,
    times: str = ECHO_TIME,
    series: Sequence[int | str] = (),
) -> Echoes:
    """Reads the echoes of one scan, from the shortest time on.

    Args:
      path: a DICOM folder or zip with the echoes in one series or several; a 4D NIfTI
        file; a folder of scans with an echo each; or a list of any of these.
      times_ms: of each volume, in the order of its path, series and number; None: as
        headers tell them.
      times: what they count from, `ECHO_TIME` or `SPIN_LOCK_TIME`.
      series: DICOM: those that hold the echoes, as `Choice.series`; (): all.

    Raises:
      FileNotFoundError: there is nothing at a path.
      ValueError: volumes on different grids, an echo that is missing or there twice, or
        times that no header tells; the message says how to mend it.
    """
    found = list(parts(path, series))
    where = _where(path)
    if times_ms is not None:
        return _with_times(found, times_ms, times, where)
    _check_told(found, times, where)
    told = [part.times_ms[times] for part in found]
    notes = [f"{times} {_listed(sorted(told))} ms, as the headers tell."]
    if told != sorted(told):
        notes.append("The echoes were not in the order of their times, and are now.")
    _check_missing(found, sorted(told), times, where)
    return _named(where, found, told, times, notes)


def parts(path: Paths, series: Sequence[int | str] = ()) -> Iterator[Part]:
    """Every volume at one path or several, in order.

    Args:
      path: as `read_echoes` takes it.
      series: DICOM: which; (): all.

    Raises:
      FileNotFoundError: there is nothing at a path.
      ValueError: what cannot be read; or series are chosen, and there are several
        scans to choose from.
    """
    scans = [scan for each in _every(path) for scan in formats.search(each).scans]
    if series and len(scans) > 1:
        raise ValueError(
            f"{_where(path)}: series are chosen in one folder of DICOM files, and "
            f"there are {len(scans)} scans. Name those that hold the echoes one by one."
        )
    for scan in scans:
        found = nifti.find(scan.path)
        if found is None:
            yield from _of_choices(scan, series)
        else:
            yield from _of_nifti(scan.path)


def _of_nifti(path: pathlib.Path) -> Iterator[Part]:
    volumes = nifti.read_series(path)
    echo, lock = (sidecar.times_ms(path, k) for k in ("EchoTime", "SpinLockTime"))
    number = sidecar.number(path, "EchoNumber") if len(volumes) == 1 else None
    for at, volume in enumerate(volumes):
        name = f"{path}" if len(volumes) == 1 else f"{path}, volume {at + 1}"
        formats.check_image(volume, pathlib.Path(name))
        told = ((ECHO_TIME, echo), (SPIN_LOCK_TIME, lock))
        times = {name: of[at] for name, of in told if len(of) == len(volumes)}
        yield Part(
            *(path, ONLY, name, volume, times), None if number is None else int(number)
        )


def _of_choices(scan: os.PathLike[str], series: Sequence[int | str]) -> Iterator[Part]:
    path = pathlib.Path(scan)
    for one in series or (ALL,):
        contents = formats.contents(scan, Choice(series=one, volume=ALL))
        for choice, acquired in zip(contents.choices, contents.acquired, strict=True):
            volume = formats.read_image(scan, choice=choice)
            time = acquired.echo_time_ms
            times = {} if time is None else {ECHO_TIME: time}
            name = f"{path} {choice}".strip()
            yield Part(path, choice, name, volume, times, acquired.echo_number)


def _with_times(
    found: Sequence[Part], times_ms: Sequence[float], times: str, where: str
) -> Echoes:
    if len(times_ms) != len(found):
        raise ValueError(
            f"{where}: {wording.counted(len(times_ms), 'time')} for "
            f"{wording.counted(len(found), 'volume')}; give one for each of:\n"
            f"{_lines(found)}"
        )
    notes = [f"{times} {_listed(times_ms)} ms, as given, in the order of the volumes."]
    told = [part.times_ms.get(times) for part in found]
    known = [time for time in told if time is not None]
    if len(known) == len(told) and not np.allclose(known, times_ms, rtol=1e-3):
        notes.append(f"The headers tell other times: {_listed(told)} ms.")
    return _named(where, found, times_ms, times, notes)


def _named(
    where: str,
    found: Sequence[Part],
    times_ms: Sequence[float],
    times: str,
    notes: Sequence[str],
) -> Echoes:
    """The echoes; what is wrong with them is told with where they are."""
    volumes = [part.volume for part in found]
    try:
        origins = [(part.path, part.choice) for part in found]
        return Echoes.by_time(volumes, times_ms, times, tuple(notes), origins)
    except ValueError as error:
        raise ValueError(f"{where}: {error}\n{_lines(found)}") from error


def _check_told(found: Sequence[Part], times: str, where: str) -> None:
    """ValueError where a volume's header does not tell its time."""
    if all(times in part.times_ms for part in found):
        return
    why = "an anonymiser may have taken EchoTime (0018,0081) away"
    if times == SPIN_LOCK_TIME:
        why = "DICOM has no element for it, and NIfTI none but SpinLockTime of a JSON"
    raise ValueError(
        f"{where}: not every volume tells its {times} ({why}). Give the times with "
        f"--times_ms, one for each, in this order:\n{_lines(found)}"
    )


def _check_missing(
    found: Sequence[Part], times_ms: Sequence[float], times: str, where: str
) -> None:
    """ValueError where numbers of echoes, or else even times, leave one out."""
    mend = (
        "Export the whole scan; if the scanner made no such echo, give the times with "
        f"--times_ms:\n{_lines(found)}"
    )
    numbers = {part.number for part in found}
    if None not in numbers and len(numbers) == len(found):
        missing = set(range(1, max(n or 0 for n in numbers) + 1)) - numbers
        if missing:
            raise ValueError(
                f"{where}: echo {_listed(sorted(filter(None, missing)))} is missing. "
                f"{mend}"
            )
        return
    steps = np.diff(times_ms)
    if times != ECHO_TIME or len(steps) < 3 or steps.min() <= 0:
        return
    ratio = steps / steps.min()
    is_whole = np.abs(ratio - np.rint(ratio)) <= _SAME_STEP * ratio
    is_wide = np.rint(ratio) > 1
    if is_whole.all() and is_wide.any() and is_wide.sum() < len(steps) / 2:
        at = times_ms[int(np.flatnonzero(is_wide)[0])] + steps.min()
        raise ValueError(
            f"{where}: times grow by {steps.min():g} ms, and the echo at {at:g} ms is "
            f"missing. {mend}"
        )


def _lines(found: Sequence[Part]) -> str:
    """A line for each volume: what it is, and the times that it tells."""
    return "\n".join(
        "  " + ", ".join([p.name, *(f"{k} {t:g} ms" for k, t in p.times_ms.items())])
        for p in found
    )


def _listed(times: Sequence[float | None]) -> str:
    return ", ".join("?" if time is None else f"{time:g}" for time in times)


def _where(path: Paths) -> str:
    return ", ".join(str(pathlib.Path(each)) for each in _every(path))


def _every(path: Paths) -> list[str | os.PathLike[str]]:
    return [path] if isinstance(path, str | os.PathLike) else list(path)
