"""What a run of super-resolution has beside what all runs have."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deepresolve.config import Config
from deepresolve.config.fields import Shape, option
from deepresolve.imaging.factor import check_factor
from deepresolve.imaging.profile_shapes import SHAPES, is_file

MAX_THICKNESS = 3.0  # slice spacings; ours: three slices see every place


@dataclasses.dataclass(frozen=True, kw_only=True)
class SuperResolutionConfig(Config):
    """A run of super-resolution; defaults are the published SR-CNN's.

    Raises:
      ValueError: a value is out of range, or two fields contradict each other.
    """

    task: Literal["super_resolution"] = option(
        "super_resolution", "What the network learns."
    )
    model: str = option("sr_cnn", "Name in tasks.super_resolution.models.MODELS.")
    loss: str = option(
        "mean_squared_error", "Name in tasks.super_resolution.models.LOSSES."
    )

    num_layers: int = option(20, "Convolutions, the last one linear (abstract).", 2)
    fold: Shape = option(
        (1, 1, 1),
        "Convolve on a grid coarser by these factors, whose channels hold the voxels "
        "folded together (Shi, CVPR 2016); sr_cnn and seg_cnn. 1,1,1 is the published "
        "network.",
        1,
    )
    downsample_factors: tuple[int, ...] = option(
        (3,), "Thick slices are this many thin ones apart; several train together."
    )
    slice_profiles: tuple[str, ...] = option(
        ("fir",),
        f"How thick slices weigh thin ones: {', '.join(SHAPES)}; of several each "
        "volume draws one for each factor in each epoch. rect: an ideal pulse; "
        "gaussian: a short one; fir: the published low-pass, which is also what phase "
        "encoding along the slices gives. sr_views also takes files of offsets in mm "
        "and weights, whose names have a suffix or a folder.",
    )
    thickness_range: tuple[float, float] = option(
        (1.0, 1.0),
        "Lowest and highest thickness of thick slices, in slice spacings, drawn as the "
        "profile is: below 1 slices leave gaps, above they overlap, fir 2 is "
        "zero-filling to twice as many. fir of 1,1 alone is the published filter.",
        0,
        MAX_THICKNESS,
    )
    spacing_range_mm: tuple[float, float] = option(
        (2.0, 7.0),
        "sr_views: lowest and highest distance of the slices that in-plane axes are "
        "made into, in mm; each pass of a volume draws one.",
        0,
    )
    random_flips: bool = option(
        False, "Flip patches in-plane at random, the same for input and target (ours)."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.downsample_factors:
            raise ValueError("downsample_factors must name at least one factor.")
        for factor in self.downsample_factors:
            check_factor(factor)
        self._check_profiles()
        self._check_fold()

    @property
    def usual_profile(self) -> tuple[str, float]:
        """The first profile, and the middle of the thickness range."""
        return self.slice_profiles[0], sum(self.thickness_range) / 2

    def _check_profiles(self) -> None:
        names = self.slice_profiles
        known = all(name in SHAPES or is_file(name) for name in names)
        if not names or not known or len(set(names)) < len(names):
            raise ValueError(
                "slice_profiles must name at least one, each once, of "
                f"{', '.join(SHAPES)}; got {names}. The name of a file with a measured "
                "profile has a suffix or a folder: ./profile.txt."
            )
        for name in ("thickness_range", "spacing_range_mm"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(
                    f"{name} must be two numbers above 0, the lower first; got "
                    f"{(low, high)}."
                )

    def _check_fold(self) -> None:
        if any(p % f for p, f in zip(self.patch_shape, self.fold, strict=True)):
            raise ValueError(
                f"patch_shape {self.patch_shape} must be a multiple of fold "
                f"{self.fold} along each axis."
            )
        slice_fold = self.fold[2]
        if slice_fold > 1 and self.downsample_factors != (slice_fold,):
            raise ValueError(
                f"A network folded by {slice_fold} along the slice axis works for "
                f"downsample_factors={slice_fold} alone; got "
                f"{self.downsample_factors}. Use fold=1,1,1 for several factors."
            )


SETTINGS = SuperResolutionConfig
