"""What may be chosen for a super-resolution."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from deepresolve.config.fields import option
from deepresolve.tasks import options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(options.WindowOptions):
    """Options of a super-resolution."""

    title: ClassVar[str] = "Super-resolution"

    downsample_factor: int | None = option(
        None,
        "thin slices per thick slice spacing. Needed if the network knows several.",
    )
    output_dtype: Literal["input", "float32"] = option(
        "input",
        "voxels as the scan's own type (integers are rounded), or unrounded float32.",
    )
    force: bool = option(
        False,
        "give the network's output though the slice profile is not what it learned; "
        "without, such a scan is interpolated, and a note says so.",
    )
