"""How much of a volume a network takes at once, where not all of it fits.

Served models have their own, `graphs.blending`, for a graph learns a volume's shape
only from the request; `test_blending` holds both to literals.
"""

from __future__ import annotations

import dataclasses

from deepresolve.config import Config
from deepresolve.config.fields import Shape
from deepresolve.inference.tiling import DEFAULT_OVERLAP
from deepresolve.networks import find_model

_BYTES_PER_CHANNEL = 4


@dataclasses.dataclass(frozen=True)
class WindowRule:
    """How the windows of one network may be cut. Shapes are (rows, columns, slices).

    Attributes:
      smallest: voxels of the smallest window, those of a training patch.
      live_channels: float32 numbers that the network holds for each voxel of a window.
      num_outputs: channels of the output.
      overlap: share of a window that it has in common with the next, along each axis.
      slice_step: what the network fills the slices of a window up to: that takes
        memory too.
      margin: voxels at an edge within the volume of which a window says nothing, for
        the network looks beyond them: as far as its convolutions reach, windows then
        give what one pass gives. 0: all voxels are blended.
      multiple: windows begin at multiples of it.
    """

    smallest: Shape
    live_channels: int
    num_outputs: int
    overlap: tuple[float, float, float] = (DEFAULT_OVERLAP,) * 3
    slice_step: int = 1
    margin: Shape = (0, 0, 0)
    multiple: Shape = (1, 1, 1)

    def __post_init__(self) -> None:
        # Between two margins at least one voxel is left.
        least = zip(self.smallest, self.margin, self.multiple, strict=True)
        smallest = tuple(max(s, 2 * margin + step) for s, margin, step in least)
        object.__setattr__(self, "smallest", smallest)

    @property
    def bytes_per_voxel(self) -> int:
        """Estimate of what the network holds of a window, for each of its voxels."""
        return _BYTES_PER_CHANNEL * self.live_channels


def rule_of(
    config: Config, num_outputs: int, multiple: Shape = (1, 1, 1)
) -> WindowRule:
    """How the windows of a run's network may be cut.

    Args:
      config: uses patch_shape, and what the network asks for.
      num_outputs: channels of its output.
      multiple: (rows, columns, slices), of which windows begin at multiples.
    """
    model = find_model(config)
    across_slices = 0.0 if model.slicewise else DEFAULT_OVERLAP
    return WindowRule(
        smallest=config.patch_shape,
        live_channels=model.live_channels(config),
        num_outputs=num_outputs,
        overlap=(DEFAULT_OVERLAP, DEFAULT_OVERLAP, across_slices),
        slice_step=model.slice_multiple(config),
        margin=(0, 0, 0) if model.reach is None else model.reach(config),
        multiple=multiple,
    )


def fitting_window(shape: Shape, rule: WindowRule, memory_gib: float) -> Shape:
    """The largest window of whole slices whose features fit into memory.

    A whole volume in one pass is best. Where it does not fit, fewer slices go through
    at once; where not even as many fit as the smallest window has, the window is that.

    Args:
      shape: (rows, columns, slices) of the volume.
      rule: of the network.
      memory_gib: for what the network holds of a window, in GiB.

    Returns:
      (rows, columns, slices); may be larger than the volume.
    """
    rows, columns, slices = shape
    fitting = int(memory_gib * 2**30 / (rule.bytes_per_voxel * rows * columns))
    fitting = fitting // rule.slice_step * rule.slice_step
    if fitting >= min(slices, rule.smallest[2]):
        return rows, columns, min(slices, fitting)
    return rule.smallest
