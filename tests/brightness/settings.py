"""What a run of it has beside what all runs have."""

from __future__ import annotations

import dataclasses
from typing import Literal

from deepresolve.config import Config
from deepresolve.config.fields import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class BrightnessConfig(Config):
    """A run."""

    task: Literal["brightness"] = option("brightness", "What the network learns.")
    model: str = option("pooled", "Name in brightness.models.MODELS.")
    loss: str = option("cross_entropy", "Name in brightness.models.LOSSES.")
    bright_from: float = option(0.5, "Mean scaled intensity of a bright scan.", 0, 1)


SETTINGS = BrightnessConfig
