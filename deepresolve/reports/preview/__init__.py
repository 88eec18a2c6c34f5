"""A scan beside what was made of it, slice by slice in three planes.

Both are shown on the grid of the result: of a thick scan every thin slice shows the
acquired one that lies nearest to it.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from deepresolve.imaging import slice_grid
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.labels import count_values
from deepresolve.imaging.volume import PLANES, Volume
from deepresolve.reports.cuts import cut
from deepresolve.reports.planes import fullest_slice
from deepresolve.reports.preview.packing import eight_bit

_LONGEST_NAME = 72
# Less, in slices, is the rounding of affines.
_OFF_GRID = 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """One slice of one plane: of the scan, and of the result.

    Attributes:
      plane: "sagittal", "coronal" or "axial".
      index: of the slice, from 0, on the grid of the result.
      before: (rows, columns) pixels of the scan.
      after: (rows, columns) pixels of the result; of the scan where the result lies
        over it.
      labels: (rows, columns) class numbers; None where the result is no label map.
      heat: (rows, columns) uint8 probabilities, 255 for 1; None where there are none.
      pixel_mm: distance between rows and between columns, in mm.
      edges: anatomical letters of the top, right, bottom and left edge.
      acquired: where positions that were acquired cross this one: ("rows", their
        places) or ("columns", their places), n in the middle of number n; None where
        all were, or none crosses.
    """

    plane: str
    index: int
    before: np.ndarray
    after: np.ndarray
    labels: np.ndarray | None
    heat: np.ndarray | None
    pixel_mm: tuple[float, float]
    edges: tuple[str, str, str, str]
    acquired: tuple[str, np.ndarray] | None

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width in mm."""
        rows, columns = self.before.shape
        return rows * self.pixel_mm[0], columns * self.pixel_mm[1]


class Overlaid(NamedTuple):
    """What a `Pair` has after.

    Attributes:
      pixels: (rows, columns) grey levels.
      labels: (rows, columns) class numbers over them; None without.
      heat: (rows, columns) uint8 probabilities over them, 255 for 1; None without.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    heat: np.ndarray | None = None


class Preview(abc.ABC):
    """What a reader is shown.

    The kinds are `ImagePreview`, `LabelMapPreview` and `graded.GradePreview`.

    Args:
      scan: what was acquired.
      result: on the scan's grid, or other slices of the same rows and columns, any
        distance apart; in the same axes as the scan.
      scan_name: of the scan's file, without folders.
      result_name: of the result's.

    Attributes:
      positions: of the result's slices, in numbers of the scan's.
      is_on_scan: whether these are the scan's own.
      kind: of the result: "result", an image beside the scan, or "labels" or "heat",
        over it.
      ids: of what a page holds of the result, each a volume on its grid.
      title: what was done to the scan.
      output: what is seen of the result, in a few words, on a page.
      figure_output: the same in a figure, which has more room.
      panel: what panels of the result are called.
      caption: what a figure shows, in a sentence or two.
      classes: name and volume in mm³ of what the result's labels are; () of an image.

    Raises:
      ValueError: the result does not lie on such a grid.
    """

    kind: ClassVar[Literal["result", "labels", "heat"]]
    ids: Sequence[str]
    title: str
    output: str
    figure_output: str
    panel: ClassVar[str] = "Output"
    caption: ClassVar[str]
    classes: Sequence[tuple[str, float]] = ()

    def __init__(self, scan: Volume, result: Volume, scan_name: str, result_name: str):
        self.scan, self.result = scan.canonical(), result.canonical()
        self.scan_name, self.result_name = printable(scan_name), printable(result_name)
        try:
            self.positions = slice_grid.positions(self.scan, self.result)
        except ValueError as error:
            raise ValueError(
                f"{result_name} cannot be shown beside {scan_name}: {error}"
            ) from error
        self.is_on_scan = _are_one(self.positions, np.arange(self.scan.num_slices))
        of_result = self.result.orientation, self.result.spacing_mm
        self.cuts = {plane: cut(*of_result, plane) for plane in PLANES}
        self.ids = (self.kind,)

    @property
    @abc.abstractmethod
    def first_shown(self) -> dict[str, int]:
        """For each plane the index of the slice to begin with."""

    @abc.abstractmethod
    def _after(self, before: np.ndarray, made: np.ndarray) -> Overlaid:
        """What a `Pair` has after, of pixels of scan and result."""

    @abc.abstractmethod
    def packed(self, layer: str, scale: IntensityScale) -> Iterator[np.ndarray]:
        """Slices as uint8, for a page.

        Args:
          layer: one of `ids`.
          scale: takes the scan to 0..1.
        """

    def captions(self, plane: str) -> list[str] | None:
        """What a page says of each slice of a plane; None where there is nothing.

        In the acquired plane, how far away one was acquired.
        """
        if self.is_on_scan or plane != self.result.plane:
            return None
        captions = []
        for nearest, away_mm in zip(self.acquired_slices, self.away_mm, strict=True):
            where = f"where slice {nearest + 1} was acquired"
            captions.append(f"{away_mm:.3g} mm from {where}" if away_mm else where)
        return captions

    @functools.cached_property
    def acquired_slices(self) -> np.ndarray:
        """For every slice of the result the scan's nearest one, from 0."""
        # Halfway between two the later one, whatever the rounding of affines.
        nearest = np.floor(self.positions + 0.5 + _OFF_GRID / 2).astype(int)
        return np.clip(nearest, 0, self.scan.num_slices - 1)

    @functools.cached_property
    def away_mm(self) -> np.ndarray:
        """How far each slice of the result lies from `acquired_slices`: 0 where on it.

        In mm.
        """
        away = np.abs(self.positions - self.acquired_slices)
        away[away < _OFF_GRID] = 0
        return away * self.scan.slice_spacing_mm

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
        after = self._after(before, made)
        return Pair(
            plane=plane,
            index=index,
            before=before,
            after=after.pixels,
            labels=after.labels,
            heat=after.heat,
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
          "rows" or "columns" of the plane, and their places within the result, which
          may lie between two of them; None where all were acquired, or the plane is
          the acquired one.
        """
        chosen = self.cuts[plane]
        if self.is_on_scan or chosen.axes[2] == 2:
            return None
        last = self.result.num_slices - 1
        step = self.scan.slice_spacing_mm / self.result.slice_spacing_mm
        places = (np.arange(self.scan.num_slices) - self.positions[0]) * step
        places = places[(places > -0.5) & (places < last + 0.5)]
        side = chosen.axes.index(2)
        if chosen.flipped[side]:
            places = last - places[::-1]
        return ("rows", "columns")[side], places


class ImagePreview(Preview):
    """An image beside the scan: thin slices of it.

    The arguments are those of `Preview`.
    """

    kind = "result"
    caption = (
        "The middle slices. Every output slice is computed, at acquired positions, "
        "too. Ticks outside the panels: positions that were acquired."
    )

    def __init__(self, scan: Volume, result: Volume, scan_name: str, result_name: str):
        super().__init__(scan, result, scan_name, result_name)
        factor = self.scan.slice_spacing_mm / self.result.slice_spacing_mm
        self.title = f"Computed super-resolution x{factor:.4g}"
        self.output = self.figure_output = f"{in_words(self.result)}, all computed"

    @functools.cached_property
    def first_shown(self) -> dict[str, int]:
        """The middle one, and of the acquired plane where one near it was acquired."""
        middle = {plane: self.num_slices(plane) // 2 for plane in PLANES}
        acquired = self.acquired_slices[middle[self.result.plane]]
        nearest = np.argmin(np.abs(self.positions - acquired))
        return middle | {self.result.plane: int(nearest)}

    def _after(self, before: np.ndarray, made: np.ndarray) -> Overlaid:
        return Overlaid(made)

    def packed(self, layer: str, scale: IntensityScale) -> Iterator[np.ndarray]:
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
        if not self.is_on_scan:
            raise ValueError(
                f"{result_name} cannot be shown beside {scan_name}: expected labels of "
                f"the scan's own {scan.num_slices} slices; got {result.num_slices} "
                "slices elsewhere."
            )
        counts = count_values(self.result.restore().array)
        self.classes = tuple(
            (name, float(counts[label] * self.result.voxel_mm3))
            for label, name in enumerate(class_names, start=1)
        )

    @functools.cached_property
    def first_shown(self) -> dict[str, int]:
        """The one with most tissue."""
        tissue = self.result.with_array(self.result.array > 0)
        return {plane: fullest_slice(tissue, plane) for plane in PLANES}

    def _after(self, before: np.ndarray, made: np.ndarray) -> Overlaid:
        return Overlaid(before, labels=made)

    def packed(self, layer: str, scale: IntensityScale) -> Iterator[np.ndarray]:
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
    if preview.is_on_scan or plane != preview.result.plane:
        return text
    nearest = preview.acquired_slices[index]
    where = "nearest to where" if preview.away_mm[index] else "where"
    slices = preview.scan.num_slices
    return f"{text}, {where} slice {nearest + 1} of {slices} was acquired"


def _are_one(positions: np.ndarray, others: np.ndarray) -> bool:
    """Whether two grids of slices have the same places, but for rounding."""
    return positions.shape == others.shape and np.allclose(
        positions, others, rtol=0, atol=_OFF_GRID
    )
