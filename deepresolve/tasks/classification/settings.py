"""What a run of classification has beside what all runs have."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deepresolve.config import Config
from deepresolve.config.fields import Shape, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationConfig(Config):
    """A run of classification; nothing of it is published where it says ours.

    Raises:
      ValueError: a value is out of range, or two fields contradict each other.
    """

    task: Literal["classification"] = option(
        "classification", "What the network learns."
    )
    model: str = option("mrnet", "Name in tasks.classification.models.MODELS.")
    loss: str = option("cross_entropy", "Name in tasks.classification.models.LOSSES.")

    num_features: int = option(
        16,
        "Features of the first level, doubled at each below; of ELNet 16 is the "
        "published network.",
        1,
    )
    num_levels: int = option(
        5, "Resolutions of mrnet and cnn_3d, the input's own included (ours).", 1
    )
    patch_shape: Shape = option(
        (224, 224, 32),
        "Voxels that every scan is brought to: pixels in training and in prediction "
        "(224: Bien, PLoS Med 2018), slices in training alone.",
        1,
    )
    patch_sampling: Literal["random"] = option(
        "random", "Of each scan its whole, changed at random."
    )
    patches_per_volume: int = option(
        1, "How often a scan is seen in an epoch, each time changed anew.", 1
    )
    min_tissue: float = option(0.0, "No scan is skipped as air.", 0, 0)
    batch_size: int = option(4, "Scans of one step (ours; Bien 2018 has 1).", 1)
    validation_volumes: int = option(
        10_000, "Validation scans measured after each epoch, at most; 0: none.", 0
    )

    grades: tuple[str, ...] = option(
        ("abnormal",), "What is graded: names of whole-number scalars of the records."
    )
    num_grades: tuple[int, ...] = option(
        (),
        "How many values each has, from 0 on, in the order of --grades; none: 2 of "
        "each. Of more the network answers, for each step, whether the grade is above "
        "it (Frank, ECML 2001).",
    )
    regions: Literal["none", "cartilage", "menisci"] = option(
        "none",
        "Grade pieces of a scan, along the cartilage or one around each meniscus, as "
        "`records convert --dataset=rois` cuts them; none: whole scans.",
    )
    only_series: str = option(
        "", "Learn from records alone whose scalar `series` is this; none: from all."
    )
    class_weights: Literal["balanced", "none"] = option(
        "balanced",
        "Weight of yes and of no: balanced gives both the same sum over the training "
        "scans (King, Political Analysis 2001).",
    )
    label_smoothing: float = option(
        0.0,
        "Targets end at half of this and at 1 less that (Szegedy, CVPR 2016).",
        0,
        1,
    )
    max_rotation_degrees: float = option(
        0.0, "Rotate in-plane by at most this many degrees (25: Bien 2018).", 0, 180
    )
    max_offset: float = option(
        0.0,
        "Move in-plane by at most this share of the width and height (0.11, 25 of 224 "
        "pixels: Bien 2018).",
        0,
        1,
    )
    random_flip: bool = option(
        False, "Flip the columns at random, each with probability one half (Bien 2018)."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.grades or len(set(self.grades)) < len(self.grades):
            raise ValueError(
                f"grades names one scalar or several, each once; got {self.grades}."
            )
        is_long_enough = len(self.num_grades) == len(self.grades)
        if self.num_grades and not (is_long_enough and min(self.num_grades) > 1):
            raise ValueError(
                "num_grades has a number of 2 or more for each of "
                f"grades={','.join(self.grades)}, or none at all; got "
                f"{self.num_grades}."
            )

    @property
    def grade_counts(self) -> dict[str, int]:
        """How many values each grade has, by its name."""
        counts = self.num_grades or (2,) * len(self.grades)
        return dict(zip(self.grades, counts, strict=True))

    @property
    def steps(self) -> tuple[tuple[str, int], ...]:
        """What each output says: that the grade of that name is above that value."""
        return tuple(
            (name, value)
            for name, count in self.grade_counts.items()
            for value in range(count - 1)
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """A text for each output: "kl>1"."""
        return tuple(f"{name}>{value}" for name, value in self.steps)


SETTINGS = ClassificationConfig
