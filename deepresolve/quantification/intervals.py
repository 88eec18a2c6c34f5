"""How sure the numbers of a knee are: an interval around each.

A number is measured again from other readings of the same knee, and its interval
reaches as far as they do. Readings are of several kinds: where cartilage begins at a
probability of 0.3 and of 0.7 instead of one half; label maps that were made otherwise,
of the mirror image, of the same scan super-resolved at 0 and 90 degrees, by another
reader. What kinds say apart adds up as independent errors do, by their squares.

An interval holds what these readings can know. A mistake that all of them share is in
none; how often intervals hold the truth benchmarks/intervals.py measures.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, parts_of
from deepresolve.quantification.regions import WEIGHT_BEARING
from deepresolve.system import wording

THRESHOLDS = (0.3, 0.7)
# Millimetres by which two grids may differ and be one.
_SAME_GRID_MM = 0.01
# By which the middle of a plate moves from one reading to another, at most.
_SAME_PLACE_MM = 15.0

Interval = tuple[float, float]
Quantities = Mapping[str, Mapping[str, float]]


def measure_with_intervals(
    label_map: Volume,
    label_names: Mapping[int, str],
    *,
    probabilities: Mapping[int, Volume] | None = None,
    readings: Sequence[Volume] = (),
    weight_bearing: float = WEIGHT_BEARING,
    known_side: str = "",
) -> KneeMeasures:
    """A knee in numbers, each with an interval.

    Args:
      label_map: as `measure` takes it.
      label_names: what its values mean.
      probabilities: of each value that is cartilage or bone, 0 to 1, on the label map's
        grid; None where there are none.
      readings: the same knee in other label maps, each on its own grid.
      weight_bearing: as `measure` takes it.
      known_side: as `measure` takes it.

    Returns:
      What `measure` gives of the label map, with `intervals`, where there is anything
      to make them of. Where a reading cannot be measured they are NaN, and a note says
      why.

    Raises:
      ValueError: as of `measure`; a probability is missing, lies on another grid or is
        beyond 0 and 1.
    """
    knee = measure(label_map, label_names, weight_bearing, known_side)
    kinds: list[Sequence[Volume]] = [readings] if readings else []
    sources = [wording.counted(len(readings), "other label map")] if readings else []
    if probabilities is not None:
        _check(probabilities, label_map, label_names)
        sources.append("probabilities from {} to {}".format(*THRESHOLDS))
        kinds.append(
            [
                at_threshold(label_map, label_names, probabilities, threshold)
                for threshold in THRESHOLDS
            ]
        )
    notes: list[str] = []

    def read(other: Volume) -> Quantities:
        """The numbers of a reading; none, and a note, where it does not do."""
        try:
            again = measure(other, label_names, weight_bearing, known_side)
            _check_same_knee(knee, again)
        except ValueError as error:
            notes.append(f"No intervals: a reading does not do. {error}")
            return {}
        return again.quantities

    tables = [[read(other) for other in others] for others in kinds]
    return dataclasses.replace(
        knee,
        notes=(*knee.notes, *dict.fromkeys(notes)),
        intervals=intervals(knee.quantities, tables),
        intervals_from=" and ".join(sources),
    )


def _check_same_knee(knee: KneeMeasures, again: KneeMeasures) -> None:
    """ValueError of a reading that is of another knee."""
    if knee.side and again.side and knee.side != again.side:
        raise ValueError(f"It is a {again.side} knee, and this is a {knee.side} one.")
    for name in set(knee.plates) & set(again.plates):
        middles = (
            of.in_world(of.plates[name].bone.vertices).mean(axis=0)
            for of in (knee, again)
        )
        apart_mm = float(np.linalg.norm(np.subtract(*middles)))
        if apart_mm > _SAME_PLACE_MM:
            raise ValueError(
                f"Its {name} lies {apart_mm:.0f} mm away from that of this knee: is it "
                "another one?"
            )


def intervals(
    measured: Quantities, kinds: Sequence[Sequence[Quantities]]
) -> dict[str, dict[str, Interval]]:
    """How far each number reaches, down and up.

    Args:
      measured: numbers by place and quantity.
      kinds: of each kind of reading the same numbers, once for each reading.

    Returns:
      By place and quantity the lower and the upper end; NaN where a reading has no such
      number. Empty without readings.
    """
    if not kinds:
        return {}
    return {
        place: {
            quantity: _interval(number, _again(place, quantity, kinds))
            for quantity, number in of_place.items()
        }
        for place, of_place in measured.items()
    }


def _again(
    place: str, quantity: str, kinds: Sequence[Sequence[Quantities]]
) -> list[list[float]]:
    """One number in each reading of each kind; NaN where a reading has none."""
    return [
        [reading.get(place, {}).get(quantity, math.nan) for reading in kind]
        for kind in kinds
    ]


def _interval(number: float, kinds: Sequence[Sequence[float]]) -> Interval:
    apart = [np.subtract(kind, number) for kind in kinds]
    # np.minimum keeps NaN, which makes an interval of NaN.
    down = [np.minimum.reduce(kind, initial=0.0) for kind in apart]
    up = [np.maximum.reduce(kind, initial=0.0) for kind in apart]
    return number - float(np.hypot.reduce(down)), number + float(np.hypot.reduce(up))


def at_threshold(
    label_map: Volume,
    label_names: Mapping[int, str],
    probabilities: Mapping[int, Volume],
    threshold: float,
) -> Volume:
    """The label map, had cartilage begun at another probability than one half.

    Below one half cartilage grows, as far as what is probable enough is joined to it.
    Above, what is less probable becomes bone where that is likelier than neither.

    Args:
      label_map: uint8.
      label_names: what its values mean.
      probabilities: of each value that is cartilage or bone.
      threshold: above 0 and below 1.
    """
    known = parts_of(label_names)
    shares = {value: volume.array for value, volume in probabilities.items()}
    array = label_map.array
    cartilage = [v for v, part in known.items() if part.kind == CARTILAGE]
    of_all = np.isin(array, cartilage)
    result = array.copy()
    highest = np.zeros(array.shape, np.float32)
    for value in set(cartilage) & set(shares):
        share, own = shares[value], array == value
        if threshold < 0.5:
            grown = ndimage.binary_propagation(
                own, mask=own | (~of_all & (share >= threshold))
            )
            taken = grown & ~own & (share > highest)
            result[taken] = value
            highest[taken] = share[taken]
        else:
            result[own & (share < threshold)] = 0
    if threshold >= 0.5:
        _fill_with_bone(result, of_all & (result == 0), known, shares)
    return label_map.with_array(result)


def _fill_with_bone(
    result: np.ndarray,
    lost: np.ndarray,
    known: Mapping[int, Part],
    shares: Mapping[int, np.ndarray],
) -> None:
    """Gives lost voxels to the bone that is likelier than nothing there."""
    nothing = 1 - sum(share[lost] for share in shares.values())
    values = result[lost]
    bones = [value for value, part in known.items() if part.kind == BONE]
    for value in bones:
        if value in shares:
            share = shares[value][lost]
            is_likelier = share > nothing
            values[is_likelier] = value
            nothing = np.maximum(nothing, share)
    result[lost] = values


def _check(
    probabilities: Mapping[int, Volume],
    label_map: Volume,
    label_names: Mapping[int, str],
) -> None:
    """ValueError of what is no set of probabilities of the label map's values."""
    held = set(np.unique(label_map.array).astype(int).tolist())
    for value, part in parts_of(label_names).items():
        if part.kind in (CARTILAGE, BONE) and value in held - set(probabilities):
            raise ValueError(f"There is no probability of {label_names[value]!r}.")
    for value, volume in probabilities.items():
        name = label_names.get(value, str(value))
        apart_mm = np.abs(volume.affine - label_map.affine).max()
        if volume.shape != label_map.shape or apart_mm > _SAME_GRID_MM:
            raise ValueError(
                f"The probability of {name!r} has another grid than the label map: "
                f"{volume.shape} and {label_map.shape} voxels, or another place."
            )
        lowest, highest = float(volume.array.min()), float(volume.array.max())
        if not -1e-3 <= lowest <= highest <= 1 + 1e-3:
            raise ValueError(
                f"Probabilities lie between 0 and 1; those of {name!r} reach from "
                f"{lowest:.3g} to {highest:.3g}."
            )
