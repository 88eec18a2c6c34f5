"""How sure the numbers of a knee are: an interval around each.

A number is measured again from other readings of the same knee, and its interval
reaches as far as they do. Readings are of several kinds: where cartilage begins at a
probability of 0.3 and of 0.7 instead of one half; label maps that were made otherwise,
of the mirror image, of the same scan super-resolved at 0 and 90 degrees, by another
reader; beside these, plates that end half a voxel further in, and as much further out.
What kinds say apart adds up as independent errors do, by their squares.

An interval holds what these readings can know. A mistake that all of them share is in
none; how often intervals hold the truth benchmarks/intervals.py measures.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import anatomy, rims
from deepresolve.quantification import probabilities as beside
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.probabilities import Probabilities
from deepresolve.quantification.regions import WEIGHT_BEARING
from deepresolve.system import wording

THRESHOLDS = (0.3, 0.7)
# By which the middle of a plate moves from one reading to another, at most.
_SAME_PLACE_MM = 15.0

Interval = tuple[float, float]
Quantities = Mapping[str, Mapping[str, float]]
_Reading = tuple[Volume, Probabilities | None]


def measure_with_intervals(
    label_map: Volume,
    label_names: Mapping[int, str],
    *,
    probabilities: Mapping[int, Volume] | None = None,
    readings: Sequence[Volume] = (),
    weight_bearing: float = WEIGHT_BEARING,
    known_side: str = "",
    baseline: KneeMeasures | None = None,
) -> KneeMeasures:
    """A knee in numbers, each with an interval.

    Args:
      label_map: as `measure` takes it.
      label_names: what its values mean.
      probabilities: of each value that is cartilage or bone, 0 to 1, on the label map's
        grid: surfaces lie where they cross one half; None where there are none.
      readings: the same knee in other label maps, each on its own grid.
      weight_bearing: as `measure` takes it.
      known_side: as `measure` takes it.
      baseline: as `measure` takes it; readings get its regions, too.

    Returns:
      What `measure` gives of the label map and its probabilities, with `intervals`,
      where there is anything to make them of. Where a reading cannot be measured they
      are NaN, and a note says why.

    Raises:
      ValueError: as of `measure`; a probability is missing, lies on another grid or is
        beyond 0 and 1.
    """
    known = beside.checked(probabilities, label_map, label_names)
    told = weight_bearing, known_side
    knee = measure(label_map, label_names, *told, known, baseline)
    kinds: list[Sequence[_Reading]] = []
    sources = []
    if readings:
        sources.append(wording.counted(len(readings), "other label map"))
        kinds.append([(reading, None) for reading in readings])
    if known is not None:
        sources.append("probabilities from {} to {}".format(*THRESHOLDS))
        others = [known._replace(threshold=threshold) for threshold in THRESHOLDS]
        kinds.append([(beside.at_threshold(label_map, of), of) for of in others])
    notes: list[str] = []

    def read(other: Volume, of_other: Probabilities | None) -> Quantities:
        """The numbers of a reading; none, and a note, where it does not do."""
        try:
            again = measure(other, label_names, *told, of_other, baseline)
            _check_same_knee(knee, again)
        except ValueError as error:
            notes.append(f"No intervals: a reading does not do. {error}")
            return {}
        return again.quantities

    tables = [[read(*reading) for reading in kind] for kind in kinds]
    if readings and known is not None:
        # Readings are label maps, and so is what they differ from.
        tables[0] = _differing(knee.quantities, read(label_map, None), tables[0])
    if tables:
        spacing_mm = label_map.in_plane("sagittal").spacing_mm
        tables.append(_of_rims(knee, spacing_mm))
        sources.append("half a voxel of each plate's rim")
    return dataclasses.replace(
        knee,
        notes=(*knee.notes, *dict.fromkeys(notes)),
        intervals=intervals(knee.quantities, tables),
        intervals_from=wording.either(sources, " and ") if sources else "",
    )


def _differing(
    measured: Quantities, own: Quantities, readings: Sequence[Quantities]
) -> list[Quantities]:
    """Numbers that differ from those measured as readings do from their own."""
    return [
        {
            place: {
                name: measured[place][name] + (number - own[place][name])
                for name, number in of_place.items()
                if place in measured and place in own
            }
            for place, of_place in reading.items()
        }
        for reading in readings
    ]


def _of_rims(knee: KneeMeasures, spacing_mm: tuple[float, ...]) -> list[Quantities]:
    """The numbers of plates without their rims, and of plates with as much more."""
    cut = {n: rims.without_rim(plate, spacing_mm) for n, plate in knee.plates.items()}
    places = {
        region: (name, mask[cut[name][1]])
        for region, (name, mask) in knee.regions.items()
    }
    plates = {name: smaller for name, (smaller, _) in cut.items()}
    found = anatomy.quantities_of(plates, places, knee.without_bone)
    # Of menisci, which have no rim on a bone, nothing else is said.
    without: Quantities = {**knee.quantities, **found}
    wider = {
        place: {name: 2 * number - without[place][name] for name, number in of.items()}
        for place, of in knee.quantities.items()
    }
    return [without, wider]


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
