"""What a run of segmentation has beside what all runs have."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deepresolve.config import Config
from deepresolve.config.fields import Shape, option
from deepresolve.imaging.labels import class_sources


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentationConfig(Config):
    """A run of segmentation; defaults are the published Seg-CNN's where there are any.

    Raises:
      ValueError: a value is out of range, or two fields contradict each other.
    """

    task: Literal["segmentation"] = option("segmentation", "What the network learns.")
    model: str = option("seg_cnn", "Name in tasks.segmentation.models.MODELS.")
    loss: str = option("dice", "Name in tasks.segmentation.models.LOSSES.")

    num_levels: int = option(
        5,
        "Resolutions of a U-Net, full size included (ISMRM 2019, no. 1140); stages of "
        "SegNet, which ends at half the resolution of the last.",
        2,
    )
    dropout: float = option(
        0.25, "Share of features dropped in training (abstract).", 0, 0.9
    )
    fold: Shape = option(
        (1, 1, 1),
        "Convolve on a grid coarser by these factors, whose channels hold the voxels "
        "folded together (Shi, CVPR 2016); sr_cnn and seg_cnn. 1,1,1 is the published "
        "network.",
        1,
    )
    classes: tuple[str, ...] = option(
        ("femoral cartilage",),
        "Tissues to segment: names of the records' labels, or NEW=NAME+NAME, which "
        "merges several into one. All other labels are background.",
    )
    grid_mm: tuple[float, float] = option(
        (0.0, 0.0),
        "Distance of pixels and of slices, in mm, to which every scan is brought, in "
        "training and in prediction (nnU-Net); 0,0: a network learns from scans as "
        "they are, and others are brought to what those were like.",
        0,
    )
    plane: Literal["", "sagittal", "coronal", "axial"] = option(
        "", "Plane in which the network is given every scan; none: as it was acquired."
    )
    foreground_rate: float = option(
        0.0,
        "Share of random patches that are placed around a voxel of the classes, each "
        "class alike, as near to their middle as the volume's edge allows (nnU-Net).",
        0,
        1,
    )
    random_mirror: bool = option(
        False, "Mirror left and right at random: a left knee becomes a right (ours)."
    )
    max_rotation_degrees: float = option(
        0.0, "Rotate in-plane by at most this many degrees (ours).", 0, 180
    )
    max_scaling: float = option(
        0.0, "Scale in-plane by 1 / (1 + this) to 1 + this (ours).", 0, 1
    )
    max_bias: float = option(
        0.0,
        "Multiply by a smooth field from exp(-this) to exp(this), as of a coil (ours).",
        0,
        3,
    )
    max_gamma: float = option(
        0.0, "Raise intensities to a power of exp(-this) to exp(this) (ours).", 0, 3
    )
    max_noise: float = option(
        0.0, "Add noise of at most this standard deviation, full scale 1 (ours).", 0, 1
    )
    max_shift: float = option(
        0.0,
        "Add a level of at most this, up or down, full scale 1, as the scales of no "
        "two scans agree (ours).",
        0,
        1,
    )
    max_blur: float = option(
        0.0,
        "Blur along the slice axis by a Gaussian of at most this standard deviation in "
        "voxels, as interpolated images are (ours).",
        0,
        8,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        class_sources(self.classes)
        if (0.0 in self.grid_mm) != (self.grid_mm == (0.0, 0.0)):
            raise ValueError(
                "grid_mm has distances of pixels and of slices, both above 0, or is "
                f"0,0; got {self.grid_mm}."
            )
        if self.fold != (1, 1, 1) and self.model != "seg_cnn":
            raise ValueError(
                f"fold={self.fold} is for model=seg_cnn alone; got {self.model}."
            )
        if self.foreground_rate and self.patch_sampling == "grid":
            raise ValueError(
                "foreground_rate needs patch_sampling=random: grid patches are where "
                f"the grid is; got foreground_rate={self.foreground_rate}."
            )
        if self.max_blur and self.patch_shape[2] == 1:
            raise ValueError(
                "max_blur smooths along the slice axis and needs patches of several "
                f"slices; got patch_shape={self.patch_shape}."
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the segmented classes; the n-th, from 1, is n in a label map."""
        return tuple(class_sources(self.classes))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The classes; before them comes the background."""
        return self.class_names


SETTINGS = SegmentationConfig
