"""From a thick-slice scan to a thin-slice one with a trained network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from deepresolve.imaging import floor
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.floor import Undershoot
from deepresolve.imaging.intensity import estimate_scale, to_dtype
from deepresolve.imaging.volume import Volume
from deepresolve.inference.windowed import DEFAULT_MEMORY_GIB
from deepresolve.tasks.super_resolution.engines import enhancer
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

# (interpolated, progress) -> sharper, as `SuperResolver.enhance`.
Enhance = Callable[[np.ndarray, bool], np.ndarray]


class SuperResolver:
    """A trained network, ready for scans.

    Args:
      model: the network.
      config: the run that trained it.
      dtype: what the network computes in: "float32", or "bfloat16" for speed.
      window_shape: of a network that sees windows, the voxels of one; None: what fits
        into `memory_gib`.
      memory_gib: of a network that sees windows, for what it holds of one, in GiB.

    Raises:
      ValueError: a window for a network that sees none, or one out of range.
    """

    def __init__(
        self,
        model: keras.Model,
        config: SuperResolutionConfig,
        dtype: str = "float32",
        window_shape: Sequence[int] | None = None,
        memory_gib: float = DEFAULT_MEMORY_GIB,
    ):
        self.config = config
        self._enhance = enhancer(model, config, dtype, window_shape, memory_gib)

    @classmethod
    def from_run(
        cls,
        run: TrainedRun,
        dtype: str = "float32",
        window_shape: Sequence[int] | None = None,
        memory_gib: float = DEFAULT_MEMORY_GIB,
    ) -> SuperResolver:
        """The network of a trained run.

        Args:
          run: of a super-resolution.
          dtype: what the network computes in: "float32", or "bfloat16" for speed.
          window_shape: of a network that sees windows, (rows, columns, slices) of one;
            None: what fits into `memory_gib`.
          memory_gib: of a network that sees windows, for what it holds of one, in GiB.

        Raises:
          ValueError: not a super-resolution, or not trained yet.
        """
        config = run.settings(SuperResolutionConfig)
        return cls(run.network(dtype), config, dtype, window_shape, memory_gib)

    def choose_factor(self, factor: int | None) -> int:
        """`factor`, or the one the network was trained for.

        Raises:
          ValueError: it was not trained for `factor`, or for several and none is given.
        """
        trained = self.config.downsample_factors
        if factor is None and len(trained) == 1:
            return trained[0]
        if factor is None or factor not in trained:
            asked = "none was given" if factor is None else f"{factor} was asked for"
            raise ValueError(
                f"The network was trained for downsample factors {trained}; {asked}. "
                "Choose one with --downsample_factor, or train for it."
            )
        return factor

    def enhance(self, interpolated: np.ndarray, progress: bool = False) -> np.ndarray:
        """The network itself: an interpolated volume to a sharper one.

        Args:
          interpolated: (rows, columns, slices), on the thin grid, scaled to 0..1; its
            first slice is an acquired one.
          progress: show a progress bar.

        Returns:
          float32 of the same shape.
        """
        return self._enhance(np.asarray(interpolated, np.float32), progress)

    def super_resolve(
        self,
        thick: Volume,
        factor: int,
        progress: bool = False,
    ) -> Volume:
        """The thin-slice scan, in the thick one's own intensity units and orientation.

        Args:
          thick: n slices, in any orientation.
          factor: thin slices per thick slice spacing.
          progress: show a progress bar.

        Returns:
          A float32 Volume of (n - 1) * factor + 1 slices, from the first acquired
          slice to the last, in the same axes as `thick`; no voxel is below the lowest
          of `thick` (`imaging.floor`).

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        return resolve(self.enhance, thick, factor, progress)[0]


def resolve(
    enhance: Enhance, thick: Volume, factor: int, progress: bool = False
) -> tuple[Volume, Undershoot]:
    """Interpolates a scan, sharpens it, and holds it at its lowest voxel.

    Args:
      enhance: `SuperResolver.enhance`, or `leave_interpolated`.
      thick: n slices, in any orientation.
      factor: thin slices per thick slice spacing.
      progress: show a progress bar.

    Returns:
      As `SuperResolver.super_resolve`, with what lay below the lowest voxel of `thick`.

    Raises:
      ValueError: voxels that are not finite or all alike.
    """
    scan = thick.canonical()
    scale = estimate_scale(scan.array)
    scaled = dataclasses.replace(scan, array=scale.apply(scan.array))
    thin = interpolate(scaled, factor)
    sharp = scale.invert(enhance(thin.array, progress))
    lowest = float(np.min(scan.array))
    undershoot = floor.measure(sharp, lowest, scale.high - scale.low)
    result = thin.with_array(floor.hold(sharp, lowest))
    return result.restored_as(thick), undershoot


def leave_interpolated(interpolated: np.ndarray, progress: bool = False) -> np.ndarray:
    """In place of a network that must not have its say: its input (TCI), unchanged."""
    return interpolated


def with_dtype(volume: Volume, dtype: np.dtype) -> Volume:
    """The volume with voxels of `dtype`, rounded and held in range if an integer."""
    return volume.with_array(to_dtype(volume.array, dtype))
