"""What a network said of a whole scan, and where it looked, laid over the scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from deepresolve.imaging import slice_grid
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.reports import heat_scale
from deepresolve.reports.preview import PLANES, Overlaid, Preview, slices_of


@dataclasses.dataclass(frozen=True, eq=False)
class Looked:
    """A question to a scan, what was answered, and where the network looked for it.

    Attributes:
      question: "acl above 0".
      grade: that it is of, and what was found: "acl: grade 1 of 0 to 1".
      probability: of yes, 0 to 1.
      of_slices: (slices,) the same of each slice alone, in the scan's own axes.
      look: computes where: 0 to 1, on the scan's own grid.
    """

    question: str
    grade: str
    probability: float
    of_slices: np.ndarray
    look: Callable[[], Volume]


class GradePreview(Preview):
    """Where a network looked, over the scan, for each question that it answered.

    A figure shows the most probable answer, and a page begins with it.

    Args:
      scan: what was acquired.
      scan_name: of the scan's file, without folders.
      result_name: of the result's.
      looked: one or more.
    """

    kind = "heat"
    title = "Graded scan"
    panel = "Where it looked"
    caption = (
        "The slice that says so most. Colour: the probability that the network would "
        "give a scan that looked everywhere as it does there; no outline of a lesion."
    )

    def __init__(
        self,
        scan: Volume,
        scan_name: str,
        result_name: str,
        looked: Sequence[Looked],
    ):
        self.looked = looked
        self.chosen = int(np.argmax([one.probability for one in looked]))
        self._heats = [_stored(one.look()) for one in looked]
        super().__init__(scan, self._heats[self.chosen], scan_name, result_name)
        # By slice of the canonical scan, which the acquired plane shows as it is, the
        # number in the scan's own axes.
        self._numbers = np.argsort(slice_grid.canonical_numbers(scan))
        self.ids = tuple(f"heat{n}" for n in range(len(looked)))
        one = looked[self.chosen]
        self.output = "grades, and where the network looked"
        self.figure_output = f"{one.question}: {one.probability:.2f} ({one.grade})"

    @property
    def first_shown(self) -> dict[str, int]:
        """The slice that decided, and the place in it that speaks most for it."""
        return self.starts(self.chosen)

    def starts(self, number: int) -> dict[str, int]:
        """For each plane the slice to begin with, of one of `looked`."""
        k = int(np.argmax(self.of_slices(number)))
        pixels = self._heats[number].array[:, :, k]
        place = (*_middle_of_highest(pixels), k)
        return {
            plane: self.own_index(plane, int(place[self.cuts[plane].axes[2]]))
            for plane in PLANES
        }

    def of_slices(self, number: int) -> np.ndarray:
        """(slices,) of one of `looked`, as the acquired plane shows its slices."""
        return self.looked[number].of_slices[self._numbers]

    def captions(self, plane: str) -> list[str] | None:
        """Of each slice in the acquired plane, its number in the tables."""
        if plane != self.result.plane:
            return None
        return [f"slice {number} in the tables" for number in self._numbers]

    def _after(self, before: np.ndarray, made: np.ndarray) -> Overlaid:
        return Overlaid(before, heat=made)

    def packed(self, layer: str, scale: IntensityScale) -> Iterator[np.ndarray]:
        """What is stored of one of `looked`; the scale is the scan's alone."""
        return slices_of(self._heats[self.ids.index(layer)])


def _stored(heat: Volume) -> Volume:
    """Canonical, in 8 bits."""
    canonical = heat.canonical()
    return canonical.with_array(heat_scale.eight_bit(canonical.array))


def _middle_of_highest(pixels: np.ndarray) -> np.ndarray:
    """(row, column) with the highest value; of several the one nearest to their mean.

    A network that is sure says the same of many places.
    """
    found = np.argwhere(pixels == pixels.max())
    away = np.linalg.norm(found - found.mean(axis=0), axis=1)
    return found[np.argmin(away)]
