"""What may be chosen for a segmentation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from deepresolve.config.fields import option
from deepresolve.tasks import options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(options.WindowOptions):
    """Options of a segmentation."""

    title: ClassVar[str] = "Segmentation"

    resample: bool = option(
        True,
        "bring a scan whose spacing or plane the training scans had not to the nearest "
        "that they had, and its label map back to the scan's own grid.",
    )
    probabilities: bool = option(
        False, "also write each class's probability as float32."
    )
    measure: bool = option(
        False,
        "also measure a knee: thickness, areas and volume of cartilage with intervals, "
        "menisci; NAME_cartilage.csv (docs/measuring.md), and of a DICOM segmentation "
        "NAME_measures.dcm.",
    )
    side: Literal["", "right", "left"] = option(
        "",
        "which knee it is, where the network tells no medial from a lateral side and "
        "the scan's header does not say it.",
    )
    flips: bool = option(
        False, "average with the mirror image, left for right; twice the time."
    )
    min_piece: float = option(
        0.1,
        "of each class drop the pieces (26 neighbours) smaller than this share of its "
        "largest, and of a knee those off their bone or on the other side of the "
        "joint, and tell medial from lateral for all of a knee at once. Both tibial "
        "plateaus stay. 0 leaves all as the network says.",
        0.0,
        1.0,
    )
