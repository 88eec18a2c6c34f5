"""A scan beside what was made of it, slice by slice in three planes.

Both are shown on the grid of the result, from the first acquired slice to the last: of
a thick slice every thin one shows the acquired slice that lies nearest to it.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.labels import count_values
from deepresolve.imaging.volume import PLANES, Volume
from deepresolve.reports.cuts import cut
from deepresolve.reports.planes import fullest_slice
from deepresolve.reports.preview.packing import eight_bit

_LONGEST_NAME = 72


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """One slice of one plane: of the scan, and of the result.

    Attributes:
      plane: "sagittal", "coronal" or "axial".
      index: of the slice, from 0, on the grid of the result.
      before: (rows, columns) pixels of the scan.
      after: (rows, columns) pixels of the result; of the scan where the result is a
        label map.
      labels: (rows, columns) class numbers; None where the result is an image.
      pixel_mm: distance between rows and between columns, in mm.
      edges: anatomical letters of the top, right, bottom and left edge.
      acquired: where positions that were acquired cross this one: ("rows", their
        indices) or ("columns", their indices); None where all were, or none crosses.
    """

    plane: str
    index: int
    before: np.ndarray
    after: np.ndarray
    labels: np.ndarray | None
    pixel_mm: tuple[float, float]
    edges: tuple[str, str, str, str]
    acquired: tuple[str, np.ndarray] | None

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width in mm."""
        rows, columns = self.before.shape
        return rows * self.pixel_mm[0], columns * self.pixel_mm[1]


class Preview(abc.ABC):
    """What a reader is shown; `ImagePreview` and `LabelMapPreview` are the kinds.

    Args:
      scan: what was acquired.
      result: on the scan's grid, or of slices that divide those of the scan, from its
        first to its last; in the same axes as the scan.
      scan_name: of the scan's file, without folders.
      result_name: of the result's.

    Attributes:
      kind: of the result: "result", an image beside the scan, or "labels", over it.
      title: what was done to the scan.
      output: what is seen of the result, in a few words, on a page.
      figure_output: the same in a figure, which has more room.
      caption: what a figure shows, in a sentence or two.
      classes: name and volume in mm³ of what the result's labels are; () of an image.

    Raises:
      ValueError: the result does not lie on such a grid.
    """

    kind: ClassVar[Literal["result", "labels"]]
    title: str
    output: str
    figure_output: str
    caption: ClassVar[str]
    classes: Sequence[tuple[str, float]] = ()

    def __init__(self, scan: Volume, result: Volume, scan_name: str, result_name: str):
        self.scan, self.result = scan.canonical(), result.canonical()
        self.scan_name, self.result_name = printable(scan_name), printable(result_name)
        spacings_mm = self.scan.slice_spacing_mm, self.result.slice_spacing_mm
        self.factor = round(spacings_mm[0] / spacings_mm[1])
        rows, columns, num_slices = self.scan.shape
        expected = rows, columns, (num_slices - 1) * self.factor + 1
        if self.result.shape != expected or not self._suits(self.factor):
            raise ValueError(
                f"{result_name} cannot be shown beside {scan_name}: expected slices "
                f"that divide those of the scan, {expected}; got {self.result.shape}."
            )
        of_result = self.result.orientation, self.result.spacing_mm
        self.cuts = {plane: cut(*of_result, plane) for plane in PLANES}

    def _suits(self, factor: int) -> bool:
        """Whether the result may have so many slices for each of the scan."""
        return True

    @property
    @abc.abstractmethod
    def first_shown(self) -> dict[str, int]:
        """For each plane the index of the slice to begin with."""

    @abc.abstractmethod
    def _after(
        self, before: np.ndarray, made: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """What a `Pair` has after and as labels, of pixels of scan and result."""

    @abc.abstractmethod
    def packed(self, scale: IntensityScale) -> Iterator[np.ndarray]:
        """The result's slices as uint8, for a page; `scale` takes the scan to 0..1."""

    @property
    def acquired_slices(self) -> np.ndarray:
        """For every slice of the result the scan's nearest one, from 0."""
        return (np.arange(self.result.num_slices) + self.factor // 2) // self.factor

    def num_slices(self, plane: str) -> int:
        """Slices of a plane."""
        return self.result.shape[self.cuts[plane].axes[2]]

    def own_index(self, plane: str, index: int) -> int:
        """The index along the volume's own axis of a plane's slice."""
        last = self.num_slices(plane) - 1
        return last - index if self.cuts[plane].flipped[2] else index

    def pair(self, plane: str, index: int) -> Pair:
        """A slice of a plane; `index` counts from 0 on the grid of the result."""
        chosen = self.cuts[plane]
        all_slices = np.arange(self.result.num_slices)
        before = self._pixels(self.scan, self.acquired_slices, plane, index)
        made = self._pixels(self.result, all_slices, plane, index)
        after, labels = self._after(before, made)
        return Pair(
            plane=plane,
            index=index,
            before=before,
            after=after,
            labels=labels,
            pixel_mm=chosen.pixel_mm,
            edges=chosen.edges,
            acquired=self.acquired(plane),
        )

    def _pixels(
        self, volume: Volume, slices: np.ndarray, plane: str, index: int
    ) -> np.ndarray:
        """(rows, columns) of a volume whose slices are looked up by the result's."""
        chosen = self.cuts[plane]
        own = [np.arange(n) for n in volume.shape[:2]] + [slices]
        own[chosen.axes[2]] = own[chosen.axes[2]][[self.own_index(plane, index)]]
        pixels = volume.array[np.ix_(*own)].transpose(chosen.axes)[:, :, 0]
        down, right = (-1 if flipped else 1 for flipped in chosen.flipped[:2])
        return pixels[::down, ::right]

    def acquired(self, plane: str) -> tuple[str, np.ndarray] | None:
        """Where positions that were acquired cross a plane's slices.

        Returns:
          "rows" or "columns" of the plane, and which of them; None where all were
          acquired, or the plane is the acquired one.
        """
        chosen = self.cuts[plane]
        if self.factor == 1 or chosen.axes[2] == 2:
            return None
        # From the first slice to the last: the same from either end.
        indices = np.arange(0, self.result.num_slices, self.factor)
        return ("rows" if chosen.axes[0] == 2 else "columns"), indices


class ImagePreview(Preview):
    """An image beside the scan: thin slices of it, from its first to its last.

    The arguments are those of `Preview`.
    """

    kind = "result"
    caption = (
        "The middle slices. Every output slice is computed, at acquired positions, "
        "too. Ticks outside the panels: positions that were acquired."
    )

    def __init__(self, scan: Volume, result: Volume, scan_name: str, result_name: str):
        super().__init__(scan, result, scan_name, result_name)
        self.title = f"Computed super-resolution x{self.factor}"
        self.output = self.figure_output = f"{in_words(self.result)}, all computed"

    @functools.cached_property
    def first_shown(self) -> dict[str, int]:
        """The middle one, and of the acquired plane the acquired one nearest to it."""
        middle = {plane: self.num_slices(plane) // 2 for plane in PLANES}
        acquired = self.acquired_slices[middle[self.result.plane]]
        return middle | {self.result.plane: int(acquired) * self.factor}

    def _after(
        self, before: np.ndarray, made: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return made, None

    def packed(self, scale: IntensityScale) -> Iterator[np.ndarray]:
        """Grey levels, as those of the scan."""
        return (eight_bit(pixels, scale) for pixels in slices_of(self.result))


class LabelMapPreview(Preview):
    """A label map over the scan, on its grid.

    Args:
      scan: what was acquired.
      result: uint8, in the same axes as the scan.
      scan_name: of the scan's file, without folders.
      result_name: of the result's.
      class_names: of the label map's values from 1 on.
    """

    kind = "labels"
    title = "Computed segmentation"
    output = "contours"
    figure_output = "contours of its classes"
    caption = "The slices with most tissue. Volumes: of the whole scan."

    def __init__(
        self,
        scan: Volume,
        result: Volume,
        scan_name: str,
        result_name: str,
        class_names: Sequence[str],
    ):
        super().__init__(scan, result, scan_name, result_name)
        counts = count_values(self.result.restore().array)
        self.classes = tuple(
            (name, float(counts[label] * self.result.voxel_mm3))
            for label, name in enumerate(class_names, start=1)
        )

    def _suits(self, factor: int) -> bool:
        return factor == 1

    @functools.cached_property
    def first_shown(self) -> dict[str, int]:
        """The one with most tissue."""
        tissue = self.result.with_array(self.result.array > 0)
        return {plane: fullest_slice(tissue, plane) for plane in PLANES}

    def _after(
        self, before: np.ndarray, made: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return before, made

    def packed(self, scale: IntensityScale) -> Iterator[np.ndarray]:
        """The labels as they are."""
        return slices_of(self.result)


def slices_of(volume: Volume) -> Iterator[np.ndarray]:
    """(rows, columns) of a canonical volume, slice by slice."""
    return (volume.array[:, :, k] for k in range(volume.num_slices))


def printable(name: str) -> str:
    """A file's name on one line: nothing that cannot be shown, the middle left out."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    if len(shown) <= _LONGEST_NAME:
        return shown
    half = _LONGEST_NAME // 2 - 1
    return f"{shown[:half]} … {shown[-half:]}"


def in_words(volume: Volume) -> str:
    """How many slices, how far apart and how thick."""
    text = (
        f"{volume.num_slices} {volume.plane} slices, one every "
        f"{volume.slice_spacing_mm:.4g} mm"
    )
    if volume.has_gaps:
        text += f", each {volume.slice_thickness_mm:.4g} mm thick"
    return text


def slice_in_words(preview: Preview, plane: str, index: int) -> str:
    """Which slice of a plane, and which one the input shows there."""
    text = f"{index + 1} of {preview.num_slices(plane)}"
    if preview.factor == 1 or plane != preview.result.plane:
        return text
    nearest = preview.acquired_slices[index]
    where = "where" if nearest * preview.factor == index else "nearest to where"
    slices = preview.scan.num_slices
    return f"{text}, {where} slice {nearest + 1} of {slices} was acquired"
