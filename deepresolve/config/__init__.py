"""Everything that determines a run, in one frozen dataclass.

`train.py` makes a flag of every field, the workdir keeps the whole as `config.json`,
and a preset (`deepresolve.presets`) is one `Config` with its sources. Nothing here
imports TensorFlow, so `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from collections.abc import Mapping
from typing import Any, Literal

from deepresolve.config.fields import Shape, check, option
from deepresolve.imaging.factor import check_factor
from deepresolve.imaging.labels import class_sources

# Fields that say where and how a run computes and is watched, not what it learns.
BOOKKEEPING = frozenset(
    {
        "checkpoint_minutes",
        "deterministic",
        "distribution",
        "precision",
        "seed",
        "shuffle_mib",
        "validation_shape",
        "validation_volumes",
        "volumes_in_flight",
    }
)

# Fields that a resumed run may change. Those of the validation are not among them: a
# score on other blocks cannot be compared with the best one so far.
CHANGEABLE = frozenset({"checkpoint_minutes", "max_minutes", "num_epochs"})

_super_resolution_field = functools.partial(option, task="super_resolution")
_segmentation_field = functools.partial(option, task="segmentation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """One training run. Defaults are the published SR-CNN's where one is published.

    Every field's meaning, unit and source stand in its help text, which is also the
    text of its flag. A field of one task must keep its default in a run of the other.
    Shapes are (rows, columns, slices) of a canonical volume.

    Raises:
      ValueError: a value is out of range, or two fields contradict each other.
    """

    preset: str = option("", "Name of the preset that these values started from.")
    task: Literal["super_resolution", "segmentation"] = option(
        "super_resolution", "What the network learns."
    )

    model: str = option("sr_cnn", "Name in deepresolve.networks.MODELS.")
    num_layers: int = _super_resolution_field(
        20, "Convolutions, the last one linear (abstract).", 2
    )
    num_features: int = option(
        64,
        "Features of each inner convolution of SR-CNN (abstract); of the first level "
        "of a segmentation network, doubled at each level below.",
        1,
    )
    num_levels: int = _segmentation_field(
        5,
        "Resolutions of a U-Net, full size included (ISMRM 2019, no. 1140); stages of "
        "SegNet, which ends at half the resolution of the last.",
        2,
    )
    dropout: float = _segmentation_field(
        0.25, "Share of features dropped in training (abstract).", 0, 0.9
    )
    fold: Shape = _super_resolution_field(
        (1, 1, 1),
        "Convolve on a grid coarser by these factors, whose channels hold the voxels "
        "folded together (Shi, CVPR 2016). 1,1,1 is the published network.",
        1,
    )

    classes: tuple[str, ...] = _segmentation_field(
        ("femoral cartilage",),
        "Tissues to segment: names of the records' labels, or NEW=NAME+NAME, which "
        "merges several into one. All other labels are background.",
    )
    downsample_factors: tuple[int, ...] = _super_resolution_field(
        (3,), "Thick slices are this many thin ones apart; several train together."
    )
    patch_shape: Shape = option((32, 32, 32), "Voxels of a training patch.", 1)
    patch_stride: Shape = option(
        (16, 16, 16), "Distance of neighbouring grid patches, in voxels (abstract).", 1
    )
    patch_sampling: Literal["grid", "random"] = option(
        "grid", "Every patch of the grid, or patches at random places."
    )
    patches_per_volume: int = option(
        0, "Random patches of one volume in one epoch; 0: as many as the grid has.", 0
    )
    air_threshold: float = option(
        0.05, "A voxel above this scaled intensity is tissue, not air (ours).", 0
    )
    min_tissue: float = option(
        0.01,
        "Patches with a smaller share of tissue voxels are air and skipped, and the "
        "epoch filled up from a further pass; 0 keeps all (ours).",
        0,
        1,
    )
    foreground_rate: float = _segmentation_field(
        0.0,
        "Share of random patches that are placed around a voxel of the classes, as "
        "near to their middle as the volume's edge allows (ours).",
        0,
        1,
    )
    random_flips: bool = _super_resolution_field(
        False, "Flip patches in-plane at random, the same for input and target (ours)."
    )
    random_mirror: bool = _segmentation_field(
        False, "Mirror left and right at random: a left knee becomes a right (ours)."
    )
    max_rotation_degrees: float = _segmentation_field(
        0.0, "Rotate in-plane by at most this many degrees (ours).", 0, 180
    )
    max_scaling: float = _segmentation_field(
        0.0, "Scale in-plane by 1 / (1 + this) to 1 + this (ours).", 0, 1
    )
    max_bias: float = _segmentation_field(
        0.0,
        "Multiply by a smooth field from exp(-this) to exp(this), as of a coil (ours).",
        0,
        3,
    )
    max_gamma: float = _segmentation_field(
        0.0, "Raise intensities to a power of exp(-this) to exp(this) (ours).", 0, 3
    )
    max_noise: float = _segmentation_field(
        0.0, "Add noise of at most this standard deviation, full scale 1 (ours).", 0, 1
    )
    max_shift: float = _segmentation_field(
        0.0,
        "Add a level of at most this, up or down, full scale 1, as the scales of no "
        "two scans agree (ours).",
        0,
        1,
    )
    max_blur: float = _segmentation_field(
        0.0,
        "Blur along the slice axis by a Gaussian of at most this standard deviation in "
        "voxels, as interpolated images are (ours).",
        0,
        8,
    )
    shuffle_mib: int = option(
        256, "Memory bound of the shuffle buffer, in MiB of patch pairs (ours).", 1
    )
    volumes_in_flight: int = option(
        4, "Volumes held in memory while patches are cut from them (ours).", 1
    )

    loss: str = option("mean_squared_error", "Name in deepresolve.networks.LOSSES.")
    optimizer: str = option("adam", "Name in deepresolve.training.OPTIMIZERS.")
    learning_rate: float = option(1e-4, "Peak learning rate (abstract).", 0)
    schedule: Literal["constant", "cosine", "step"] = option(
        "constant",
        "Learning rate over the run; cosine ends at 0, step falls by `drop` after "
        "every `epochs_per_drop` epochs.",
    )
    drop: float = option(
        0.6, "Share of the learning rate that each step takes away (abstract).", 0, 1
    )
    epochs_per_drop: int = option(5, "Epochs between two such steps (abstract).", 1)
    warmup_steps: int = option(
        0, "Steps in which the learning rate rises linearly from 0.", 0
    )
    clip_norm: float = option(
        0.0, "Largest gradient norm per variable; 0: no bound.", 0
    )
    batch_size: int = option(50, "Patches of one step, over all devices (MRSR).", 1)
    num_epochs: int = option(20, "Passes over the training patches (abstract).", 1)
    steps_per_epoch: int = option(
        0, "Steps of one epoch; 0: as many as one pass over all patches takes.", 0
    )
    max_minutes: float = option(
        0.0,
        "End training after this many minutes, resumed ones included; warm-up aside, "
        "a cosine then runs over the time instead of the steps. 0: no limit.",
        0,
    )

    validation_volumes: int = option(
        2,
        "Validation volumes measured after each epoch, each at every downsample "
        "factor; 0: none.",
        0,
    )
    validation_shape: Shape = option(
        (128, 128, 64),
        "Central block that is measured of each, at most (ours); SSIM's window needs 7 "
        "voxels along each axis.",
        7,
    )
    checkpoint_minutes: float = option(
        10.0, "Save a checkpoint this often within an epoch, too.", 0
    )

    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = option(
        "float32",
        "Compute type; variables stay float32. auto: bfloat16 where the processor "
        "has fast bfloat16 convolutions, else float32. mixed_float16 scales the loss, "
        "for GPUs without bfloat16.",
    )
    distribution: Literal["auto", "single", "mirrored", "multi_worker"] = option(
        "auto",
        "Devices: mirrored uses all GPUs; auto as many as a batch has patches for; "
        "multi_worker those of all machines that TF_CONFIG names "
        "(docs/many_machines.md).",
    )
    deterministic: bool = option(
        False,
        "Use deterministic kernels alone, one operation at a time, so that a run can "
        "be repeated bit for bit on the same machine; slower, and an operation without "
        "such a kernel is an error. Needs max_minutes=0.",
    )
    seed: int = option(0, "Seed of initial weights, patches and their order.", 0)

    def __post_init__(self):
        types = typing.get_type_hints(Config)
        for field in dataclasses.fields(self):
            check(field, types[field.name], getattr(self, field.name))
        if not self.downsample_factors:
            raise ValueError("downsample_factors must name at least one factor.")
        for factor in self.downsample_factors:
            check_factor(factor)
        self._check_fold()
        self._check_task()
        if self.foreground_rate and self.patch_sampling == "grid":
            raise ValueError(
                "foreground_rate needs patch_sampling=random: grid patches are where "
                f"the grid is; got foreground_rate={self.foreground_rate}."
            )
        if self.patches_per_volume and self.patch_sampling == "grid":
            raise ValueError(
                "patches_per_volume needs patch_sampling=random: the grid has as many "
                f"patches as it has; got patches_per_volume={self.patches_per_volume}."
            )
        if self.max_blur and self.patch_shape[2] == 1:
            raise ValueError(
                "max_blur smooths along the slice axis and needs patches of several "
                f"slices; got patch_shape={self.patch_shape}."
            )
        if self.deterministic and self.max_minutes:
            raise ValueError(
                "A run that depends on the clock is not deterministic: with "
                "deterministic give max_minutes=0 and the num_epochs to train; "
                f"max_minutes is {self.max_minutes} here, or in the preset."
            )
        self._check_schedule()

    def _check_schedule(self):
        if self.schedule == "step" and self.warmup_steps:
            raise ValueError(
                "schedule=step changes the learning rate between epochs alone: "
                f"warmup_steps must be 0; got {self.warmup_steps}."
            )
        for name in ("drop", "epochs_per_drop"):
            changed = getattr(self, name) != getattr(Config, name)
            if changed and self.schedule != "step":
                raise ValueError(
                    f"{name} belongs to schedule=step; got {self.schedule}."
                )

    def _check_fold(self):
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

    def _check_task(self):
        class_sources(self.classes)
        for field in dataclasses.fields(self):
            owner = field.metadata["task"]
            if owner in (None, self.task) or getattr(self, field.name) == field.default:
                continue
            raise ValueError(
                f"{field.name} belongs to task={owner}; this run is for {self.task}."
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the segmented classes; the n-th, from 1, is n in a label map."""
        return tuple(class_sources(self.classes))

    def replace(self, **changes: Any) -> Config:
        """A copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def differences(self, other: Config) -> list[str]:
        """Names of the fields in which two configs differ."""
        names = (field.name for field in dataclasses.fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def to_json(self) -> str:
        """All fields as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Config:
        """Reads `to_json`'s text, also that of an older version.

        A field that was added since is not in it and takes its default, which must
        mean what that version did without it.

        Raises:
          ValueError: no JSON object, or a field that this version does not know.
        """
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError(f"No config is nested so deeply ({error}).") from error
        if not isinstance(values, Mapping):
            raise ValueError(f"A config is a JSON object; got {text[:40]!r}.")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(
                f"Unknown config fields {unknown}; this version knows {sorted(known)}. "
                "Use the version of deepresolve that wrote it, as provenance.json "
                "tells, or start a new run."
            )
        return cls(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        )
