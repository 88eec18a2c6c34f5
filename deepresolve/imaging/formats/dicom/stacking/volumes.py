"""The volumes that the slices of one series make.

A series may hold several: echoes, the water and fat of Dixon, b-values, time points,
stacks. Only where two slices would lie at one place, or lie on other grids, is there
something to tell apart; what then tells them apart is found among `traits`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from deepresolve.imaging.formats.dicom import traits
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.stacking import geometry
from deepresolve.imaging.formats.dicom.stacking import stacks as dicom_stacks

# What tells a volume from others, titles and values; what a slice has of one of them;
# slices by that.
_Labels = tuple[tuple[str, str], ...]
_Key = Callable[[SliceHeader], tuple[str, ...]]
_Parts = Mapping[tuple[str, ...], Sequence[SliceHeader]]

_PLANES = ("sagittal", "coronal", "axial")


@dataclasses.dataclass(frozen=True)
class SliceVolume:
    """Slices of one series that may make a volume.

    Attributes:
      slices: in no order.
      labels: what tells it from the others of its series: titles and values.
      echo: its number.
    """

    slices: tuple[SliceHeader, ...]
    labels: tuple[tuple[str, str], ...] = ()
    echo: int = 1

    def __str__(self) -> str:
        """As "echo 2, ImageType W"."""
        return ", ".join(f"{title} {value}" for title, value in self.labels)

    def is_called(self, text: str) -> bool:
        """Whether a text names this volume: all its labels, one, or a value of one."""
        names = {str(self)}
        for title, value in self.labels:
            names |= {value, f"{title} {value}"}
        for keyword in ("ImageType", "ComplexImageComponent"):
            values = {header.traits.get(keyword, ()) for header in self.slices}
            names |= set(values.pop()) if len(values) == 1 else set()
        return text.strip().lower() in {name.lower() for name in names}


def split(slices: Sequence[SliceHeader]) -> list[SliceVolume]:
    """The volumes of a series, in an order that does not depend on names of files.

    Slices whose geometry cannot be read stay with all others: whoever puts them in
    order refuses them by name.
    """
    if any(map(geometry.problem, slices)):
        return [SliceVolume(tuple(slices))]
    grids = _grids(slices)
    return [
        dataclasses.replace(volume, labels=(*label, *volume.labels))
        for group, label in zip(grids, _grid_labels(grids), strict=True)
        for volume in _numbered(_split(group, ()))
    ]


# ------------------------------------------------------------------------- grids


def _grids(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    groups: list[list[SliceHeader]] = []
    for header in slices:
        for group in groups:
            if not geometry.grid_difference(header, group[0]):
                group.append(header)
                break
        else:
            groups.append([header])
    return sorted(groups, key=_first_number)


def _grid_labels(groups: Sequence[Sequence[SliceHeader]]) -> list[_Labels]:
    """What tells grids apart: plane, size and pixels, as far as they differ."""
    facts = [
        {
            "grid": " x ".join(map(str, first.shape)),
            "plane": _plane(first.orientation),
            "pixels": " x ".join(f"{s:g}" for s in first.pixel_spacing_mm) + " mm",
        }
        for first in (group[0] for group in groups)
    ]
    if len(groups) == 1:
        return [()]
    differ = [title for title in facts[0] if len({f[title] for f in facts}) > 1]
    labels = [tuple((title, each[title]) for title in differ) for each in facts]
    if len(set(labels)) < len(groups):  # Such as planes that are little turned.
        labels = [
            (
                *label,
                ("orientation", ", ".join(f"{x:.3g}" for x in group[0].orientation)),
            )
            for label, group in zip(labels, groups, strict=True)
        ]
    return labels


def _plane(orientation: Sequence[float]) -> str:
    row, column = np.reshape(orientation, (2, 3))
    return _PLANES[int(np.argmax(np.abs(np.cross(row, column))))]


# ------------------------------------------------------------------------ traits


def _split(slices: Sequence[SliceHeader], labels: _Labels) -> list[SliceVolume]:
    """The volumes on one grid."""
    most = dicom_stacks.most_at_one_place(slices)
    if most == 1:
        return [
            SliceVolume(tuple(part), (*labels, *label))
            for part, label in _uneven_parts(slices)
        ]
    for title, key, is_contrast in _keys(slices):
        parts = _partition(slices, key)
        if len(parts) > 1 and _tells_volumes_apart(parts, most, is_contrast):
            names = _values(list(parts))
            return [
                volume
                for part, name in zip(parts.values(), names, strict=True)
                for volume in _split(part, (*labels, (title, name)))
            ]
    return [SliceVolume(tuple(slices), labels)]


def _keys(slices: Sequence[SliceHeader]) -> Iterator[tuple[str, _Key, bool]]:
    """Title, function of a slice, and kind of whatever may tell slices apart."""
    for trait in traits.TRAITS:
        yield trait.title, _trait_of(trait.keyword), trait.is_contrast
    yield "corner", _corner, False
    for title, key in _by_number(slices):
        yield title, key, False
    yield "file", lambda header: (header.file,), False  # Of a volume's frames each.


def _trait_of(keyword: str) -> Callable[[SliceHeader], tuple[str, ...]]:
    return lambda header: header.traits.get(keyword, ())


def _corner(header: SliceHeader) -> tuple[str, ...]:
    """Where the first voxel lies in the slice's plane, to 0.1 mm."""
    cosines = np.reshape(header.orientation, (2, 3))
    return tuple(f"{x:.1f}" for x in cosines @ header.position_mm)


def _by_number(slices: Sequence[SliceHeader]) -> Iterator[tuple[str, _Key]]:
    """Titles and functions of a slice: volumes come one after another, or in turns.

    By InstanceNumber, or by the number of the frame where one file holds them all.
    """
    yield from _in_order(slices, "images", lambda header: header.instance_number)
    if len({header.file for header in slices}) == 1:
        yield from _in_order(slices, "frames", lambda header: header.frame)


def _in_order(
    slices: Sequence[SliceHeader],
    title: str,
    number_of: Callable[[SliceHeader], int | None],
) -> Iterator[tuple[str, _Key]]:
    numbers = sorted(n for n in map(number_of, slices) if n is not None)
    most = dicom_stacks.most_at_one_place(slices)
    length, rest = divmod(len(slices), most)
    if rest or len(set(numbers)) < len(slices):
        return
    rank: dict[int | None, int] = {number: n for n, number in enumerate(numbers)}

    def one_after_another(header: SliceHeader) -> tuple[str, ...]:
        return (f"from {numbers[rank[number_of(header)] // length * length]}",)

    def in_turns(header: SliceHeader) -> tuple[str, ...]:
        return (f"from {numbers[rank[number_of(header)] % most]}",)

    yield title, one_after_another
    yield title, in_turns


def _tells_volumes_apart(parts: _Parts, most: int, is_contrast: bool) -> bool:
    """Whether parts of slices are volumes rather than slices that differ a little."""
    if max(map(dicom_stacks.most_at_one_place, parts.values())) == most:
        return False
    whole = is_contrast and min(map(len, parts.values())) > 1
    return whole or len(parts) <= most


def _partition(
    slices: Sequence[SliceHeader], key: _Key
) -> dict[tuple[str, ...], list[SliceHeader]]:
    parts: dict[tuple[str, ...], list[SliceHeader]] = {}
    for header in slices:
        parts.setdefault(key(header), []).append(header)
    ordered = sorted(
        parts, key=lambda value: (*_rank(value), _first_number(parts[value]))
    )
    return {value: parts[value] for value in ordered}


def _rank(value: tuple[str, ...]) -> tuple[int, float]:
    """Numbers by size, what says nothing before them, others as they come."""
    if not value:
        return (-1, 0.0)
    try:
        return (0, float(value[0])) if len(value) == 1 else (1, 0.0)
    except ValueError:
        return (1, 0.0)


def _first_number(slices: Sequence[SliceHeader]) -> tuple[int, str, str, int]:
    return min(
        (h.instance_number or 0, h.series_uid, h.file, h.frame or 0) for h in slices
    )


def _values(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """Values of several components, each by those that tell it from the others."""
    length = max(map(len, parts))
    columns = zip(
        *((*part, *[""] * (length - len(part))) for part in parts), strict=True
    )
    differing = [column for column in columns if len(set(column)) > 1]
    rows = zip(*differing, strict=True)
    return ["\\".join(dict.fromkeys(filter(None, row))) or "none" for row in rows]


# ------------------------------------------------------------------------ stacks


def _uneven_parts(
    slices: Sequence[SliceHeader],
) -> list[tuple[Sequence[SliceHeader], _Labels]]:
    """One volume; or several where even stacks make no even one together."""
    if len(slices) < 2:
        return [(slices, ())]
    stacks = dicom_stacks.between_gaps(slices)
    if len(stacks) == 1:  # Even, or a few slices are missing.
        return [(slices, ())]
    for title, key, _ in _keys(slices):
        parts = _partition(slices, key)
        if len(parts) > 1 and all(map(dicom_stacks.is_even, parts.values())):
            names = _values(list(parts))
            return [
                (part, ((title, name),))
                for part, name in zip(parts.values(), names, strict=True)
            ]
    if all(map(dicom_stacks.is_even, stacks)):
        return [(stack, (("slices", dicom_stacks.extent(stack)),)) for stack in stacks]
    return [(slices, ())]


# ------------------------------------------------------------------------- echoes


def _numbered(found: list[SliceVolume]) -> list[SliceVolume]:
    """Gives each volume the number of its echo.

    EchoNumbers says it; where that is alike, EchoTime, the shortest being echo 1.
    """
    told = [dict(volume.labels) for volume in found]
    times = {labels["TE"] for labels in told if "TE" in labels}
    rank = {time: n for n, time in enumerate(sorted(times, key=_as_number), 1)}
    result = []
    for volume in found:
        labels = dict(volume.labels)
        numbers = {header.echo_number for header in volume.slices}
        if "TE" in labels and "echo" not in labels:
            echo = rank[labels["TE"]]
        else:
            echo = (numbers.pop() if len(numbers) == 1 else None) or 1
        result.append(dataclasses.replace(volume, echo=echo))
    return result


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
