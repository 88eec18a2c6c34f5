"""Which of the slices found belong together, and which of them the user chose."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Sequence

import numpy as np

from deepresolve.imaging.formats.choice import ALL, ONLY, Choice
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.stacking import geometry
from deepresolve.imaging.formats.dicom.stacking import volumes as dicom_volumes
from deepresolve.imaging.formats.dicom.stacking.volumes import SliceVolume
from deepresolve.system import wording

_SHOWN_UID_DIGITS = 8
# A shorter end of a UID is more likely a SeriesNumber that is not there.
_FEWEST_UID_DIGITS = 4
# So many images with a series UID each, side by side, are no accident.
_FEWEST_JOINED = 3


def choose(
    slices: Sequence[SliceHeader], source: str, choice: Choice = ONLY
) -> list[SliceHeader]:
    """The slices of one volume.

    Args:
      slices: all that were found; at least one.
      source: the folder or zip, for messages.
      choice: series, echo and volume; each needed where there are several.

    Raises:
      ValueError: the choice is missing, or none or several fit; the message lists all.
    """
    every = group_by_series(slices)
    series = _fitting(every, choice)
    if len(series) != 1:
        asked = f"{len(series)} fit {choice.series!r}"
        if choice.series is None:
            asked = "none was chosen"
        raise ValueError(
            f"{source}: {len(every)} series, and {asked}. Choose one by its number or "
            f"the end of its UID with --series:\n{_listing(every)}"
        )
    return list(_chosen_volume(series[0], source, choice).slices)


def resolve(slices: Sequence[SliceHeader], asked: Choice) -> list[Choice]:
    """What `choose` is to be asked for, one choice for each volume.

    What the slices leave no choice about is not asked for: one series, echo or volume
    is taken as it is. `ALL` becomes every series, echo or volume. A choice that does
    not fit, or that is missing, stays as it is, for `choose` to tell.

    Args:
      slices: all that were found; at least one.
      asked: what the user chose, for this scan and perhaps for others.
    """
    every = group_by_series(slices)
    takes_every = len(every) == 1 or asked.series == ALL
    chosen = every if takes_every else _fitting(every, asked)
    if not chosen or (len(chosen) > 1 and asked.series != ALL):
        return [asked]
    return [
        dataclasses.replace(
            found, series=_series_asked_for(group[0], every, asked.series)
        )
        for group in chosen
        for found in _volumes_asked_for(dicom_volumes.split(group), asked)
    ]


def _volumes_asked_for(volumes: Sequence[SliceVolume], asked: Choice) -> list[Choice]:
    """Echo and volume, one choice for each volume of a series."""
    echoes = sorted({volume.echo for volume in volumes})
    echo = None if len(echoes) == 1 else asked.echo
    if asked.volume == ALL:
        return [
            Choice(volume=number if len(volumes) > 1 else None)
            for number, volume in enumerate(volumes, start=1)
            if echo in (None, ALL, volume.echo)
        ]
    wanted = [*echoes] if echo == ALL else [echo]
    # A number chooses among several; a name is to be that of a single one, too.
    is_number = str(asked.volume).isdecimal()
    volume = None if len(volumes) == 1 and is_number else asked.volume
    return [Choice(echo=echo, volume=volume) for echo in wanted]


def _series_asked_for(
    header: SliceHeader,
    every: Sequence[Sequence[SliceHeader]],
    series: int | str | None,
) -> int | str | None:
    """As the user named it; else SeriesNumber, or the UID where two share that."""
    if len(every) == 1 or series not in (None, ALL):
        return None if len(every) == 1 else series
    number = header.series_number
    alike = sum(group[0].series_number == number for group in every)
    return number if number is not None and alike == 1 else header.series_uid


def group_by_series(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """The series, in the order of their numbers and UIDs.

    Images that have a series UID each, and are alike in all that tells series apart,
    are one series: an anonymiser has replaced one UID by many.
    """
    numbers: dict[str, set[int]] = {}
    for header in slices:
        own = numbers.setdefault(header.series_uid, set())
        if header.series_number is not None:
            own.add(header.series_number)
    groups: dict[tuple[Hashable, ...], list[SliceHeader]] = {}
    for header in slices:
        # A slice without number is of the series that has its UID.
        own = numbers[header.series_uid]
        number = next(iter(own)) if len(own) == 1 else header.series_number
        groups.setdefault((number, header.series_uid), []).append(header)
    ordered = [groups[key] for key in sorted(groups, key=lambda k: (k[0] or 0, k[1]))]
    return _joined(ordered)


def notes(slices: Sequence[SliceHeader]) -> list[str]:
    """What is to be told of slices that were taken as one volume."""
    found = []
    num_uids = len({header.series_uid for header in slices})
    if num_uids > 1:
        found.append(
            f"{len(slices)} slices have {num_uids} SeriesInstanceUIDs; they are alike "
            "in all else, lie side by side and are taken as one series."
        )
    return found


def _joined(every: Sequence[list[SliceHeader]]) -> list[list[SliceHeader]]:
    """Series of one image each that are one, joined."""
    single = [group for group in every if len({h.file for h in group}) == 1]
    candidates: dict[tuple[Hashable, ...], list[list[SliceHeader]]] = {}
    for group in single:
        first = group[0]
        person = dict(first.identity).get("PatientID")
        alike = (person, first.series_number, first.description)
        candidates.setdefault(alike, []).append(group)
    for key, groups in list(candidates.items()):
        studies = {group[0].study_uid for group in groups}
        if 1 < len(studies) < len(groups):  # Not one, nor one each as well.
            del candidates[key]
            for group in groups:
                candidates.setdefault((*key, group[0].study_uid), []).append(group)
    result = [group for group in every if group not in single]
    for groups in candidates.values():
        headers = list(itertools.chain(*groups))
        result += [headers] if _is_one_stack(groups, headers) else groups
    return sorted(result, key=lambda g: (g[0].series_number or 0, g[0].series_uid))


def _is_one_stack(
    groups: Sequence[list[SliceHeader]], headers: Sequence[SliceHeader]
) -> bool:
    """Whether images lie side by side, even if a few are missing."""
    if len(groups) < _FEWEST_JOINED or any(map(geometry.problem, headers)):
        return False
    if any(geometry.grid_difference(h, headers[0]) for h in headers):
        return False
    steps = np.diff(sorted(header.along_normal_mm for header in headers))
    moves = steps[steps >= geometry.SAME_POSITION_MM]
    if len(moves) < _FEWEST_JOINED - 1:
        return False
    spacing = np.median(moves)
    return np.mean(np.abs(moves - spacing) < 0.3 * spacing) > 0.5


def _fitting(
    every: Sequence[Sequence[SliceHeader]], choice: Choice
) -> Sequence[Sequence[SliceHeader]]:
    """The series that a choice fits; an echo that one series alone has is enough."""
    if choice.series is None and choice.echo is not None:
        having = [
            group
            for group in every
            if choice.echo in {volume.echo for volume in dicom_volumes.split(group)}
        ]
        if len(having) == 1:
            return having
    return _matching(every, choice.series)


def _matching(
    every: Sequence[Sequence[SliceHeader]], series: int | str | None
) -> Sequence[Sequence[SliceHeader]]:
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


def _chosen_volume(
    series: Sequence[SliceHeader], source: str, choice: Choice
) -> SliceVolume:
    volumes = dicom_volumes.split(series)
    echoes = sorted({volume.echo for volume in volumes})
    if choice.echo is not None and choice.echo not in echoes:
        raise ValueError(
            f"{source}: the series holds {len(echoes)} echo(es), and not echo "
            f"{choice.echo}. Choose one with --echo:\n{_listing([series])}"
        )
    fitting = [
        volume
        for number, volume in enumerate(volumes, start=1)
        if choice.echo in (None, volume.echo) and _fits(volume, number, choice, volumes)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if choice.volume is None and len(echoes) == len(volumes):
        raise ValueError(
            f"{source}: the series holds {len(echoes)} echo(es), and none was chosen. "
            f"Choose one with --echo:\n{_listing([series])}"
        )
    asked = f"{len(fitting)} of them fit {choice}" if str(choice) else "none was chosen"
    raise ValueError(
        f"{source}: the series holds {len(volumes)} volumes, and {asked}. Choose one "
        "by its number, --volume=1, or by what tells it from the others, "
        f"--volume={_example(volumes)}:\n{_listing([series])}"
    )


def _fits(
    volume: SliceVolume, number: int, choice: Choice, volumes: Sequence[SliceVolume]
) -> bool:
    if choice.volume is None:
        return True
    text = str(choice.volume)
    if text.isdecimal() and 1 <= int(text) <= len(volumes):
        return number == int(text)
    return volume.is_called(text)


def _example(volumes: Sequence[SliceVolume]) -> str:
    labels = volumes[0].labels
    value = labels[-1][1] if labels else "1"
    return f"'{value}'" if " " in value or "\\" in value else value


def _listing(every: Sequence[Sequence[SliceHeader]]) -> str:
    return "\n".join(_describe(group) for group in every)


def _describe(slices: Sequence[SliceHeader]) -> str:
    first = slices[0]
    shapes = sorted({" x ".join(map(str, header.shape)) for header in slices})
    lines = [
        f"  series {first.series_number} "
        f"(UID ...{first.series_uid[-_SHOWN_UID_DIGITS:]}) "
        f"{first.description or '(no description)'}: {len(slices)} images of "
        f"{', '.join(shapes)}"
    ]
    volumes = dicom_volumes.split(slices)
    only_echoes = len({volume.echo for volume in volumes}) == len(volumes)
    for number, volume in enumerate(volumes, start=1):
        count = wording.counted(len(volume.slices), "slice")
        if only_echoes:
            times = sorted({s.echo_time_ms for s in volume.slices if s.echo_time_ms})
            text = ", ".join(f"{time:g}" for time in times) or "?"
            lines.append(f"    echo {volume.echo}: {count}, TE {text} ms")
        else:
            first_name = volume.slices[0].name
            lines.append(
                f"    volume {number}: {volume}, {count}, the first {first_name}"
            )
    return "\n".join(lines)
