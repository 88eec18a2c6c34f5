"""What is measured of one label map, as lines of a table."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import pathlib
from collections.abc import Mapping

from deepresolve import __version__
from deepresolve.imaging import formats
from deepresolve.quantification.knee import COLUMNS, measure
from deepresolve.quantification.regions import WEIGHT_BEARING
from deepresolve.tasks.prediction import Row, TableKind

_FINGERPRINT_DIGITS = 16

TABLE = TableKind(
    "cartilage",
    {
        "place": str,
        **dict.fromkeys(COLUMNS, float),
        "weight_bearing": float,
        "fingerprint": str,
    },
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How label maps are measured. It pickles.

    Attributes:
      label_names: what their values mean.
      weight_bearing: share of a condyle that its centre has, above 0 and below 1.
    """

    label_names: Mapping[int, str]
    weight_bearing: float = WEIGHT_BEARING

    def fingerprint(self, path: pathlib.Path) -> str:
        """What the numbers follow from: the file's bytes, settings, our version.

        Returns:
          16 hexadecimal digits; two label maps of the same have the same numbers.

        Raises:
          ValueError, OSError: the file cannot be read.
        """
        told = [__version__, formats.sha256(path), dataclasses.asdict(self)]
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What became of one label map.

    Attributes:
      rows: of `TABLE`, without the name of the scan.
      summary: one line for the screen.
      notes: what makes the numbers worse than they look.
    """

    rows: tuple[Row, ...]
    summary: str
    notes: tuple[str, ...]


def measure_map(path: pathlib.Path, settings: Settings) -> Measured:
    """Reads and measures one label map.

    Raises:
      ValueError: it cannot be read, or there is nothing to measure.
      OSError: it cannot be read.
    """
    fingerprint = settings.fingerprint(path)
    image = formats.read_image(path)
    label_map = formats.read_label_map(path, image=image)
    knee = measure(label_map, settings.label_names, settings.weight_bearing)
    rows: tuple[Row, ...] = tuple(
        (
            place,
            *(of_place.get(column, math.nan) for column in COLUMNS),
            knee.weight_bearing,
            fingerprint,
        )
        for place, of_place in knee.quantities.items()
    )
    return Measured(rows, knee.summary, knee.notes)
