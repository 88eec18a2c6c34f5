"""What may be chosen for a segmentation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from deepresolve.config.fields import option
from deepresolve.tasks import options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(options.WindowOptions):
    """Options of a segmentation."""

    title: ClassVar[str] = "Segmentation"

    probabilities: bool = option(
        False, "also write each class's probability as float32."
    )
    flips: bool = option(
        False, "average with the mirror image, left for right; twice the time."
    )
    keep_largest: bool = option(
        False,
        "of each class keep the largest connected component alone (26 neighbours).",
    )
