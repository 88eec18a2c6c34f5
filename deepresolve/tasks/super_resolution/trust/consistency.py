"""Thin slices made thick again, beside the slices that were acquired.

A true thin-slice scan gives the acquired slices back. So a super-resolved one that does
not has added something, or lost something. The opposite does not hold: much that is
wrong vanishes when slices are made thick. As a yardstick serves interpolation (TCI) of
the same scan, which blurs and so never gives them back whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from deepresolve.imaging import slice_grid
from deepresolve.imaging.degradation import (
    cubic_matrix,
    decimation_matrix,
    filter_matrix,
    interpolation_matrix,
)
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.findings import Finding, Section, digits

# As multiples of what TCI of the same scan gives; ours. `sr_cnn_small` after 4 minutes
# of training: 0.58 to 0.89 over all slices, on synthetic and real scans, heavy noise
# and other planes among them; after 30 seconds 1.00 to 1.02.
_OVERALL_FACTOR = 1.1
# A slice may be worse than that by chance: measured up to 1.0 where TCI is at its
# worst, in the first and last one, elsewhere up to 0.8 of TCI's mean over all slices.
_SLICE_FACTOR = 1.25
_SLICE_FACTOR_OF_ALL = 1.5
_ROUNDING_FACTOR = 2.0

# A thin slice is a mean: of a profile not clearly wider, the truth itself does not give
# the acquired slices back. On a phantom whose slices are 3 mm apart, the truth differs
# by 0.7 to 1.0 of what TCI does where profiles of 2 and 3 mm are 1.33 to 1.67 thin
# slices wide, and by 1.3 to 1.7 where 1 to 2 mm are 0.5 to 1.0 wide.
_LEAST_WIDTH = 4 / 3
# Less, in thick slices, is the rounding of affines.
_OFF_GRID = 0.01

_BLOCK_BYTES = 1 << 24


class Consistency(NamedTuple):
    """Differences from the acquired slices, as shares of the scan's intensity range.

    Attributes:
      rms: (slices,) root of the mean squared difference.
      largest: (slices,) largest absolute difference.
      rms_of_interpolation: (slices,) `rms` of TCI in the place of the result.
      rounding: `rms` that rounding to whole numbers can cause.
      is_telling: whether a true thin-slice scan would give the acquired slices back:
        not where thin slices are about as wide as the profile, or wider.
    """

    rms: np.ndarray
    largest: np.ndarray
    rms_of_interpolation: np.ndarray
    rounding: float
    is_telling: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "measured": True,
            "is_telling": self.is_telling,
            "unit": "share of the intensity range (0.1 to 99.9 percentile)",
            "rms": digits(_overall(self.rms)),
            "largest": digits(self.largest.max()),
            "rms_of_interpolation": digits(_overall(self.rms_of_interpolation)),
            "slices": [
                {
                    "rms": digits(rms),
                    "largest": digits(largest),
                    "rms_of_interpolation": digits(of_interpolation),
                }
                for rms, largest, of_interpolation in zip(
                    self.rms, self.largest, self.rms_of_interpolation, strict=True
                )
            ],
        }


def measure(
    thick: Volume, thin: Volume, profile: SliceProfile | None = None
) -> Consistency:
    """Makes a result thick again.

    Args:
      thick: n acquired slices.
      thin: slices of the same scan, in the same axes and units; each the mean over its
        own width, without gaps.
      profile: how an acquired slice weighs the tissue along its normal. None: the
        published low-pass (MRSR), for (n - 1) D + 1 thin slices from the first acquired
        one to the last.

    Raises:
      ValueError: other rows, columns or axes; thin slices that leave an acquired one
        out; or without a profile another grid than the published one.
    """
    positions = slice_grid.positions(thick, thin)
    if profile is None:
        thicken_by, interpolate_by = _published(thick, thin, positions)
    else:
        thicken_by = _by_profile(thick, thin, positions, profile)
        interpolate_by = cubic_matrix(thick.num_slices, positions)
    # Slices last, in the scan's own order: they are told by their numbers.
    acquired = np.moveaxis(thick.array, thick.slice_axis, -1)
    result = np.moveaxis(thin.array, thick.slice_axis, -1)
    back = thicken_by @ interpolate_by
    scale = estimate_scale(acquired)
    data_range = scale.high - scale.low
    squares, largest, of_interpolation = _differences(
        acquired,
        result,
        data_range,
        thicken_by.T.astype(np.float32),
        (back - np.eye(len(back))).T.astype(np.float32),
    )
    is_whole = np.issubdtype(result.dtype, np.integer)
    return Consistency(
        np.sqrt(squares),
        largest,
        np.sqrt(of_interpolation),
        # Standard deviation of an error that is uniform in +-0.5.
        np.sqrt(1 / 12) / data_range if is_whole else 0.0,
        profile is None or _is_wide(profile, thin),
    )


def section(
    thick: Volume, thin: Volume, profile: SliceProfile | None = None
) -> Section:
    """Of the report on a result: `measure`'s numbers, and what of them is off."""
    found = measure(thick, thin, profile)
    return Section(found.to_dict(), tuple(findings(found)))


def _is_wide(profile: SliceProfile, thin: Volume) -> bool:
    """Whether a profile takes in clearly more than one thin slice."""
    step_mm = slice_grid.spacing_along_normal_mm(thin)
    # But for rounding: 2 mm are four thirds of 1.5 mm.
    return profile.thickness_mm > (_LEAST_WIDTH - 1e-6) * step_mm


def _published(
    thick: Volume, thin: Volume, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """To thick slices, (n, num_thin), and back by TCI, (num_thin, n)."""
    num_thick, num_thin = thick.num_slices, thin.num_slices
    factor, rest = divmod(num_thin - 1, max(num_thick - 1, 1))
    expected = np.arange(num_thin) / max(factor, 1)
    if rest or not np.allclose(positions, expected, rtol=0, atol=_OFF_GRID):
        raise ValueError(
            f"Voxels of shape {thin.shape} are no super-resolution of {thick.shape} "
            "without a slice profile: expected (n - 1) D + 1 slices, from the first "
            "acquired one to the last. Give the profile of the acquired slices."
        )
    thicken_by = decimation_matrix(num_thin, factor) @ filter_matrix(num_thin, factor)
    return thicken_by, interpolation_matrix(num_thick, factor, num_thin)


def _by_profile(
    thick: Volume, thin: Volume, positions: np.ndarray, profile: SliceProfile
) -> np.ndarray:
    """To thick slices: (n, num_thin) float64, what lies past the ends replicated."""
    step_mm = slice_grid.spacing_along_normal_mm(thin)
    thick_mm = slice_grid.spacing_along_normal_mm(thick)
    centres_mm = (np.arange(thick.num_slices) - positions[0]) * thick_mm
    nearest_mm = np.clip(centres_mm, 0, (thin.num_slices - 1) * step_mm)
    # One thin slice may be missing, of a field of view that is no multiple of it.
    if np.abs(centres_mm - nearest_mm).max() > step_mm + _OFF_GRID * thick_mm:
        raise ValueError(
            f"{thin.num_slices} thin slices, from {positions[0]:.4g} to "
            f"{positions[-1]:.4g} in numbers of acquired ones, leave out some of the "
            f"acquired slices 0 to {thick.num_slices - 1}; expected them to cover all."
        )
    return profile.matrix(centres_mm, thin.num_slices, step_mm)


def findings(found: Consistency) -> list[Finding]:
    """What is off: the whole, or else single slices; nothing where it tells nothing."""
    if not found.is_telling:
        return []
    overall = _overall(found.rms)
    of_interpolation = _overall(found.rms_of_interpolation)
    rounding = _ROUNDING_FACTOR * found.rounding
    highest = _OVERALL_FACTOR * of_interpolation + rounding
    if overall > highest:
        text = (
            "made thick again, the result is not the acquired slices: they differ by "
            f"{_percent(overall)} of the intensity range, interpolated ones by "
            f"{_percent(of_interpolation)}. Something was added or lost."
        )
        return [Finding("consistency", digits(overall), [0, digits(highest)], text)]
    highest_of_slice = rounding + np.maximum(
        _SLICE_FACTOR * found.rms_of_interpolation,
        _SLICE_FACTOR_OF_ALL * of_interpolation,
    )
    (off,) = np.nonzero(found.rms > highest_of_slice)
    if not off.size:
        return []
    worst = off[np.argmax(found.rms[off])]
    text = (
        f"made thick again, {off.size} of {found.rms.size} slices are not the acquired "
        f"ones; worst is number {worst + 1}, by {_percent(found.rms[worst])} of the "
        f"intensity range ({_percent(found.rms_of_interpolation[worst])} interpolated)."
    )
    expected = [0, digits(highest_of_slice[worst])]
    return [Finding("consistency_slices", digits(found.rms[worst]), expected, text)]


def _differences(
    acquired: np.ndarray,
    result: np.ndarray,
    data_range: float,
    thicken: np.ndarray,
    interpolate: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean squared and largest difference of each slice, and the former of TCI.

    As shares of `data_range`, whose square may be more than float32 holds.

    Some rows at a time, for a whole scan in float32 is large.
    """
    rows, columns, num_thick = acquired.shape
    squares, of_interpolation = np.zeros((2, num_thick))
    largest = np.zeros(num_thick)
    step = max(1, _BLOCK_BYTES // (4 * columns * result.shape[2]))
    for start in range(0, rows, step):
        rows_of = slice(start, start + step)
        block = np.asarray(acquired[rows_of] / data_range, np.float32)
        again = np.asarray(result[rows_of] / data_range, np.float32) @ thicken
        again -= block
        squares += np.sum(np.square(again), axis=(0, 1), dtype=np.float64)
        largest = np.maximum(largest, np.abs(again, out=again).max(axis=(0, 1)))
        of_interpolation += np.sum(
            np.square(block @ interpolate), axis=(0, 1), dtype=np.float64
        )
    pixels = rows * columns
    return squares / pixels, largest, of_interpolation / pixels


def _overall(rms: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(rms))))


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%"
