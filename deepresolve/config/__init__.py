"""Everything that determines a run, in one frozen dataclass.

`Config` has what runs of all tasks have; each task adds its own fields in a subclass
(`deepresolve.tasks.NAME.settings`). `train.py` makes a flag of every field, the workdir
keeps the whole as `config.json`, and a preset (`deepresolve.presets`) is one config
with its sources. Nothing here imports TensorFlow, so `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from deepresolve.config import tasks
from deepresolve.config.fields import Shape, check, option

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

_Config = TypeVar("_Config", bound="Config")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """One training run. Defaults are the published SR-CNN's where one is published.

    Every field's meaning, unit and source stand in its help text, which is also the
    text of its flag. Shapes are (rows, columns, slices) of a canonical volume. A run's
    config is of its task's subclass, which says what `task`, `model` and `loss` are.

    Raises:
      ValueError: a value is out of range, or two fields contradict each other.
    """

    preset: str = option("", "Name of the preset that these values started from.")
    task: str = option("", "What the network learns: a name of `tasks.TASKS`.")

    model: str = option("", "Name of a network of the task.")
    num_features: int = option(
        64,
        "Features of each inner convolution of SR-CNN (abstract); of the first level "
        "of a U-Net or SegNet, doubled at each level below.",
        1,
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
    shuffle_mib: int = option(
        256, "Memory bound of the shuffle buffer, in MiB of patch pairs (ours).", 1
    )
    volumes_in_flight: int = option(
        4, "Volumes held in memory while patches are cut from them (ours).", 1
    )

    init: str = option(
        "",
        "Workdir, or pretrained:NAME, whose best weights the training begins with; "
        "without it, fresh ones.",
    )
    trained_layers: tuple[str, ...] = option(
        (),
        "Layers that learn, by the starts of their names (logits, up_1); all others "
        "stay as they begin. None named: all learn.",
    )
    loss: str = option("", "Name of a loss of the task.")
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

    def __post_init__(self) -> None:
        types = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            check(field, types[field.name], getattr(self, field.name))
        if self.patches_per_volume and self.patch_sampling == "grid":
            raise ValueError(
                "patches_per_volume needs patch_sampling=random: the grid has as many "
                f"patches as it has; got patches_per_volume={self.patches_per_volume}."
            )
        if self.deterministic and self.max_minutes:
            raise ValueError(
                "A run that depends on the clock is not deterministic: with "
                "deterministic give max_minutes=0 and the num_epochs to train; "
                f"max_minutes is {self.max_minutes} here, or in the preset."
            )
        if self.trained_layers and not self.init:
            raise ValueError(
                "trained_layers needs init: layers that do not learn keep what they "
                f"begin with; got trained_layers={','.join(self.trained_layers)}."
            )
        self._check_schedule()

    def _check_schedule(self) -> None:
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

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the channels of the network's output mean, where they have names."""
        return ()

    def replace(self: _Config, **changes: Any) -> _Config:
        """A copy with some fields changed, checked again.

        Raises:
          ValueError: a value is out of range, or a field is of another task.
        """
        _require_fields(type(self), changes)
        return dataclasses.replace(self, **changes)

    def differences(self, other: Config) -> list[str]:
        """Names of the fields in which two configs differ."""
        names = (field.name for field in dataclasses.fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def to_json(self) -> str:
        """All fields as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Config:
        """Reads `to_json`'s text, also that of an older version: a config of its task.

        A field that was added since is not in it and takes its default, which must
        mean what that version did without it.

        Raises:
          ValueError: no JSON object, or a task or field that this version does not
            know.
        """
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError(f"No config is nested so deeply ({error}).") from error
        if not isinstance(values, Mapping):
            raise ValueError(f"A config is a JSON object; got {text[:40]!r}.")
        cls = tasks.settings(values.get("task", tasks.FIRST))
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        known = {field.name for field in dataclasses.fields(cls)}
        others = {key: value for key, value in values.items() if key not in known}
        foreign = {key: owners for key in others if (owners := _owners(key))}
        if unknown := sorted(set(others) - set(foreign)):
            raise ValueError(
                f"Unknown config fields {unknown}; this version knows {sorted(known)}. "
                "Use the version of deepresolve that wrote it, as provenance.json "
                "tells, or start a new run."
            )
        # Up to version 0.1 every run had the fields of all tasks.
        changed = [
            key
            for key, owners in foreign.items()
            if others[key] not in [getattr(owner, key) for owner in owners]
        ]
        _require_fields(cls, changed)
        return cls(**{key: values[key] for key in values if key in known})


def _owners(name: str) -> list[type[Config]]:
    """The settings of the tasks that have a field of that name."""
    return [
        settings
        for settings in map(tasks.settings, tasks.TASKS)
        if name in {field.name for field in dataclasses.fields(settings)}
    ]


def _require_fields(cls: type[Config], names: Iterable[str]) -> None:
    """ValueError where a config has no fields of these names."""
    known = {field.name for field in dataclasses.fields(cls)}
    for name in names:
        if name in known:
            continue
        owners = _owners(name)
        if not owners:
            raise ValueError(f"Unknown config field {name!r}; known: {sorted(known)}.")
        others = " or ".join(f"task={owner.task}" for owner in owners)
        raise ValueError(f"{name} belongs to {others}; this run is for {cls.task}.")
