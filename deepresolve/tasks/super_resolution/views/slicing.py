"""The matrices of views: in-plane axes made thick, thick slices cut into parts.

All lengths are in pixels of the axis that is made thick, or in thick slices; nothing
here knows of millimetres.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from deepresolve.imaging.degradation import cubic_matrix
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.networks.sr_views import NUM_PARTS

# An axis holds this much less than a slice more, for spacings are rounded.
_ROUNDING = 1e-6


def num_slices_in(length: float, spacing: float) -> int:
    """How many slices have room in an axis; both in pixels, or both in mm."""
    return int(length / spacing + _ROUNDING)


@dataclasses.dataclass(frozen=True)
class ThinGrid:
    """Where thin slices lie, in units of the thick slices' spacing.

    Attributes:
      num_slices: of the thin ones.
      step: their spacing.
      first: centre of the first one; 0 is the centre of the first thick slice.
    """

    num_slices: int
    step: float
    first: float

    @classmethod
    def of_faces(cls, num_thick: int, factor: float) -> ThinGrid:
        """Slices that fill the same field of view, `factor` to a thick one or nearly.

        The outer faces stay where they are; so where `num_thick * factor` is no whole
        number, the spacing gives way.
        """
        num_slices = max(1, round(num_thick * factor))
        step = num_thick / num_slices
        return cls(num_slices, step, (step - 1) / 2)

    @classmethod
    def of_centres(cls, num_thick: int, factor: int) -> ThinGrid:
        """Slices from the centre of the first thick one to that of the last one."""
        return cls((num_thick - 1) * factor + 1, 1 / factor, 0.0)

    @property
    def centres(self) -> np.ndarray:
        """(num_slices,) in thick slices."""
        return self.first + self.step * np.arange(self.num_slices)


def part_centres(num_thick: int) -> np.ndarray:
    """(num_thick * NUM_PARTS,) in thick slices."""
    return (np.arange(num_thick * NUM_PARTS) + 0.5) / NUM_PARTS - 0.5


def parts_to_thin(num_thick: int, grid: ThinGrid) -> np.ndarray:
    """Thin slices as averages of parts: (grid.num_slices, num_thick * NUM_PARTS).

    Slices thinner than a part are interpolated linearly between two.
    """
    width = max(grid.step * NUM_PARTS, 1.0)
    centres = (grid.centres + 0.5) * NUM_PARTS - 0.5
    profile = SliceProfile("rect", width)
    return profile.matrix(centres, num_thick * NUM_PARTS, 1.0)


def example_matrices(
    num_pixels: int,
    spacing: float,
    profile: SliceProfile,
    offset: float,
) -> tuple[np.ndarray, np.ndarray]:
    """An in-plane axis to the slices that it would give, and to what their parts add.

    Args:
      num_pixels: along the axis.
      spacing: of the slices, in pixels; at most `num_pixels`.
      profile: of the slices, its thickness in pixels.
      offset: 0 to 1: where the first slice begins, as a share of the room there is.

    Returns:
      (slices, num_pixels) and (slices * NUM_PARTS, num_pixels) float32. The second one
      gives what is to be added to the slices' cubic spline at `part_centres`.
    """
    num_slices = num_slices_in(num_pixels, spacing)
    face = offset * (num_pixels - num_slices * spacing) - 0.5
    centres = face + spacing * (np.arange(num_slices) + 0.5)
    thick = profile.matrix(centres, num_pixels, 1.0)
    parts = face + spacing * (np.arange(num_slices * NUM_PARTS) + 0.5) / NUM_PARTS
    width = max(spacing / NUM_PARTS, 1.0)  # No detail is finer than a pixel.
    true = SliceProfile("rect", width).matrix(parts, num_pixels, 1.0)
    added = true - cubic_matrix(num_slices, part_centres(num_slices)) @ thick
    return thick.astype(np.float32), added.astype(np.float32)
