"""What kinds of slices a network of views learns to take apart."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

from deepresolve.imaging.slice_profile import SHAPES, SliceProfile, read_profile
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class SliceKinds:
    """Slices to draw from.

    Attributes:
      profiles: names of shapes, or measured ones, whose thickness is their own.
      spacing_mm: lowest and highest distance of slices.
      thickness: lowest and highest thickness, as a share of the distance.
    """

    profiles: tuple[str | SliceProfile, ...]
    spacing_mm: Range
    thickness: Range

    @classmethod
    def of(cls, config: SuperResolutionConfig) -> SliceKinds:
        """What a run asks for.

        Raises:
          ValueError, OSError: a measured profile cannot be read.
        """
        profiles = tuple(
            name if name in SHAPES else read_profile(pathlib.Path(name))
            for name in config.slice_profiles
        )
        return cls(profiles, config.spacing_range_mm, config.thickness_range)

    def draw(self, drawn: np.ndarray, highest_mm: float) -> tuple[float, SliceProfile]:
        """The spacing in mm and the profile of one kind of slices.

        Args:
          drawn: (3,) numbers from 0 to 1: profile, spacing, thickness.
          highest_mm: the spacing is no higher.
        """
        low, high = self.spacing_mm
        # Even in its logarithm: as likely to double as to halve.
        spacing_mm = min(low * (high / low) ** drawn[1], highest_mm)
        number = min(int(drawn[0] * len(self.profiles)), len(self.profiles) - 1)
        profile = self.profiles[number]
        if isinstance(profile, SliceProfile):
            return spacing_mm, profile
        low, high = self.thickness
        share = low + (high - low) * drawn[2]
        return spacing_mm, SliceProfile(profile, share * spacing_mm)


def facts(
    profile: SliceProfile, spacing_mm: float, pixel_mm: float
) -> tuple[float, float, float]:
    """What a network is told of slices beside their image (`networks.sr_views`).

    Args:
      profile: of the slices.
      spacing_mm: from slice to slice.
      pixel_mm: from pixel to pixel beside them.
    """
    is_encoded = float(profile.shape == "fir")
    return profile.thickness_mm / spacing_mm, pixel_mm / spacing_mm, is_encoded
