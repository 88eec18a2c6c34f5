"""Pieces of a scan around the sites of a knee, all of one kind alike in size.

A network that learned from pieces of one size is to be given no other ones: a kind's
size never changes, and another size is another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from deepresolve.imaging.anatomy import CANONICAL_ORIENTATION
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import sites
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.sites import Site

# Of a piece that is thought to have the size of its kind; affines are stored exactly.
_SAME_MM = 1e-3


class CropKind(NamedTuple):
    """Pieces of one kind.

    Attributes:
      shape: voxels along rows, columns and slices.
      spacing_mm: between them.
      outwards_mm: how far along the rows the middle of a piece lies beyond its site.
      find: the sites of a knee that was measured, its label map and the label names.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    outwards_mm: float
    find: Callable[[KneeMeasures, Volume, Mapping[int, str]], list[Site]]

    @property
    def size_mm(self) -> tuple[float, ...]:
        """Along rows, columns and slices."""
        return tuple(n * mm for n, mm in zip(self.shape, self.spacing_mm, strict=True))

    def volume(self, array: np.ndarray) -> Volume:
        """A piece of these voxels, of `shape`, sagittal in millimetres of its own."""
        own = affine_along_axes(CANONICAL_ORIENTATION["sagittal"], self.spacing_mm)
        return Volume(array, own, space="unknown")

    def check(self, piece: Volume) -> None:
        """Sees that a scan is a piece of this kind, and no whole knee.

        Raises:
          ValueError: it has another shape or spacing.
        """
        if piece.shape != self.shape or not np.allclose(
            piece.spacing_mm, self.spacing_mm, rtol=0, atol=_SAME_MM
        ):
            raise ValueError(
                f"This network grades pieces of {_told(self.shape, self.spacing_mm)}, "
                f"and this scan has {_told(piece.shape, piece.spacing_mm)}. A whole "
                "scan is cut and graded by `deepresolve lesions`."
            )


def _told(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> str:
    voxels, mm = (
        " x ".join(f"{n:.4g}" for n in numbers) for numbers in (shape, spacing_mm)
    )
    return f"{voxels} voxels of {mm} mm"


# From 6 mm below the bone's surface to 10 mm above it, 10 mm along it and 7.5 mm
# across: about as far as `sites.REACH_MM` from the site, for a network that pools a
# piece cannot tell a lesion at its middle from one at its end. Around a meniscus 24 mm
# down, 56 mm to the back and 42 mm across. Menisci are some 9 mm high, 45 mm long and
# 32 mm wide. All of it is ours.
KINDS = {
    "cartilage": CropKind(
        (32, 20, 5),
        (0.5, 0.5, 1.5),
        2.0,
        lambda knee, label_map, names: sites.along_cartilage(knee),
    ),
    "menisci": CropKind((40, 94, 28), (0.6, 0.6, 1.5), 0.0, sites.of_menisci),
}


def cut(scan: Volume, site: Site, kind: CropKind) -> Volume:
    """A piece of a scan, linear between voxels; 0 beyond the scan.

    Args:
      scan: in any orientation, in the world of the site.
      site: where, and how it lies.
      kind: how large it is.

    Returns:
      A Volume of `kind.shape` and the scan's dtype, whole numbers rounded; sagittal, in
      millimetres of its own (space "unknown"), for its rows run wherever the site's do.
    """
    middle = (np.array(kind.shape) - 1) / 2
    steps = np.indices(kind.shape).reshape(3, -1).T - middle
    centre_mm = site.centre_mm + kind.outwards_mm * site.axes[0]
    points_mm = centre_mm + (steps * kind.spacing_mm) @ site.axes
    at = apply_affine(np.linalg.inv(scan.affine), points_mm)
    values = ndimage.map_coordinates(
        scan.array, at.T, np.float32, order=1, mode="constant"
    )
    if scan.array.dtype.kind in "iu":
        values = np.rint(values)
    return kind.volume(values.reshape(kind.shape).astype(scan.array.dtype))
