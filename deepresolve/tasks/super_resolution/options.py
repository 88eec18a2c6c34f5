"""What may be chosen for a super-resolution."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from deepresolve.config.fields import option
from deepresolve.tasks import options

# Engine of the networks that can be fitted to one scan.
VIEWS = "views"
# Of learning alone.
_OF_LEARNING = ("minutes", "learn_steps", "seed", "learn_folder")
# Name of a folder for what is learned whose content is deleted once it has served.
PASSING_FOLDER = ".deepresolve-learning"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(options.WindowOptions):
    """Options of a super-resolution."""

    title: ClassVar[str] = "Super-resolution"

    downsample_factor: int | None = option(
        None,
        "thin slices per thick slice spacing. Needed if the network knows several, but "
        "for sr_views, which gives 3.",
        2,
    )
    output_dtype: Literal["input", "float32"] = option(
        "input",
        "voxels as the scan's own type (integers are rounded), or unrounded float32.",
    )
    force: bool = option(
        False,
        "give the network's output though the slice profile is not what it learned; "
        "without, such a scan is interpolated, and a note says so. With learn=scan: "
        "though the self-test shows no gain.",
    )
    learn: Literal["none", "scan"] = option(
        "none",
        "scan: fit the network to the scan itself first, whose in-plane axes are sharp "
        "(sr_views alone). Without --workdir and --pretrained, predict does so for a "
        "lone scan.",
        engine=VIEWS,
    )
    minutes: float = option(
        5.0, "with learn=scan: how long to learn from it.", 0.05, engine=VIEWS
    )
    learn_steps: int | None = option(
        None,
        "with learn=scan: learn for exactly so many steps instead of minutes; the same "
        "number and seed give the same result on the same machine.",
        1,
        engine=VIEWS,
    )
    seed: int = option(
        0, "with learn=scan: of the patches that are learned from.", 0, engine=VIEWS
    )
    learn_folder: str | None = option(
        None,
        "with learn=scan: folder in which what was learned of each scan is kept, so "
        "that no scan is learned twice. Without, it lies beside the output while it "
        "is needed: an interrupted command goes on from there.",
        engine=VIEWS,
    )
    spacing_mm: float | None = option(
        None,
        "how far apart thin slices are to be, in mm; the nearest distance that divides "
        "the field of view (sr_views alone).",
        0.01,
        engine=VIEWS,
    )
    isotropic: bool = option(
        False,
        "thin slices as far apart as pixels, or as what the scanner resolved within "
        "slices where it made pixels finer (sr_views alone).",
        engine=VIEWS,
    )
    slice_thickness_mm: float | None = option(
        None,
        "thickness of the acquired slices where their header is wrong or silent; "
        "slices are taken to touch where nobody tells (sr_views alone).",
        0.01,
        engine=VIEWS,
    )
    slice_profile: str = option(
        "auto",
        "how acquired slices weigh what they cover: rect, gaussian, fir (3D sequences, "
        "whose slices are phase-encoded), or a file of offsets in mm and weights. "
        "auto: by the header, or else by the spectrum (sr_views alone).",
        engine=VIEWS,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        fields = {field.name: field for field in dataclasses.fields(self)}
        given = [
            name for name in _OF_LEARNING if getattr(self, name) != fields[name].default
        ]
        if given and self.learn == "none":
            raise ValueError(
                f"{', '.join(given)}: nothing is learned of a scan without learn=scan. "
                "Add it, or leave them out. Of a folder of scans nothing is learned "
                "unless it is asked for."
            )
        if {"minutes", "learn_steps"} <= set(given):
            raise ValueError(
                "minutes and learn_steps both say how long to learn. Give one."
            )
