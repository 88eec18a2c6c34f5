"""What a run of super-resolution has beside what all runs have."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deepresolve.config import Config
from deepresolve.config.fields import Shape, option
from deepresolve.imaging.factor import check_factor


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
        "folded together (Shi, CVPR 2016). 1,1,1 is the published network.",
        1,
    )
    downsample_factors: tuple[int, ...] = option(
        (3,), "Thick slices are this many thin ones apart; several train together."
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
        self._check_fold()

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
