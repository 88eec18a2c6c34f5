"""How a slice weighs what lies along its normal: its profile.

Slice thickness and slice spacing are two numbers: with gaps slices are thinner than
they are apart, with overlap thicker. A slice is the average of the tissue under its
profile, whose width is the thickness; where the slices lie, `centres_mm` say.

    SliceProfile("rect", 3.0).matrix(centres_mm, num_samples, sample_mm) @ samples
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib

import numpy as np
import scipy  # its parts are loaded where they are first used

from deepresolve.imaging.profile_shapes import SHAPES

MEASURED = "measured"

# Of a normal distribution: full width at half maximum over standard deviation.
_FWHM_OF_DEVIATION = 2 * np.sqrt(2 * np.log(2))
# Of the FIR, in thicknesses: 24 of its taps each way at a factor of 3.
_FIR_REACH = 24.5 / 3
_STEPS = 4001
_LARGEST_FILE = 2**20


@dataclasses.dataclass(frozen=True)
class SliceProfile:
    """A profile along the slice normal, of unit area.

    Attributes:
      shape: "rect", an ideal slice-selective pulse; "gaussian", a short one; "fir", the
        published low-pass (MRSR: Hamming-windowed sinc, cut off at one cycle in two
        thicknesses), which is also what phase encoding along the slices gives (3D
        sequences); "measured", as in `samples`.
      thickness_mm: width of "rect", full width at half maximum of "gaussian" and
        "measured", for "fir" the slice spacing that it was made for.
      samples: of "measured": (offset in mm, weight), offsets growing.

    Raises:
      ValueError: another shape, or a thickness that is not above 0 mm.
    """

    shape: str
    thickness_mm: float
    samples: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.shape not in (*SHAPES, MEASURED):
            raise ValueError(
                f"Unknown slice profile {self.shape!r}; known: {', '.join(SHAPES)}, or "
                "a file of offsets in mm and weights."
            )
        if not 0 < self.thickness_mm < np.inf:
            raise ValueError(
                f"A slice thickness is above 0 mm; got {self.thickness_mm}."
            )

    def cumulative(self, offset_mm: np.ndarray) -> np.ndarray:
        """The profile's area up to an offset from the slice's centre: 0 to 1.

        Args:
          offset_mm: of any shape; infinities are allowed.
        """
        if self.shape == "rect":
            return np.clip(offset_mm / self.thickness_mm + 0.5, 0, 1)
        if self.shape == "gaussian":
            return scipy.special.ndtr(
                offset_mm / (self.thickness_mm / _FWHM_OF_DEVIATION)
            )
        offsets, areas = self._table
        return np.interp(offset_mm, offsets, areas)

    def matrix(
        self, centres_mm: np.ndarray, num_samples: int, sample_mm: float
    ) -> np.ndarray:
        """Finely sampled tissue to slices; what lies past the ends is the last sample.

        Args:
          centres_mm: (slices,) along the normal, 0 at the first sample's centre.
          num_samples: of the tissue, each the mean over its own width.
          sample_mm: distance between samples.

        Returns:
          (slices, num_samples) float64; rows have the sum 1.
        """
        edges = (np.arange(num_samples + 1) - 0.5) * sample_mm
        edges[0], edges[-1] = -np.inf, np.inf
        return np.diff(self.cumulative(edges - np.asarray(centres_mm)[:, None]), axis=1)

    def scaled(self, factor: float) -> SliceProfile:
        """The same shape, `factor` times as wide."""
        samples = tuple((offset * factor, weight) for offset, weight in self.samples)
        return SliceProfile(self.shape, self.thickness_mm * factor, samples)

    @functools.cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Offsets in mm and the areas up to them, of what has no closed form."""
        if self.shape == MEASURED:
            given, weights = np.array(self.samples).T
            # Straight from sample to sample, which between them makes parabolas of
            # the area.
            offsets = np.union1d(given, np.linspace(given[0], given[-1], _STEPS))
            weights = np.interp(offsets, given, weights)
        else:
            reach = _FIR_REACH * self.thickness_mm
            offsets = np.linspace(-reach, reach, _STEPS)
            window = 0.54 + 0.46 * np.cos(np.pi * offsets / reach)
            weights = window * np.sinc(offsets / self.thickness_mm)
        areas = _areas(weights, offsets)
        return offsets, areas / areas[-1]


def _areas(weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Areas up to each offset, by trapezoids; the first is 0."""
    trapezoids = np.diff(offsets) * (weights[1:] + weights[:-1]) / 2
    return np.concatenate(([0.0], np.cumsum(trapezoids)))


def read_profile(path: pathlib.Path) -> SliceProfile:
    """A measured profile: a text file of two columns, offset in mm and weight.

    Which way offsets grow through the patient no file says, and networks learn from
    images in either direction: so the profile is the mean of what was measured and of
    its mirror image.

    Args:
      path: columns separated by spaces or commas, "#" before comments; offsets grow and
        have 0 at the slice's centre.

    Raises:
      ValueError: something else, naming the file.
      OSError: it cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"{path.stat().st_size} bytes")
        text = path.read_text(encoding="utf-8").replace(",", " ")
        if not text.strip():
            raise ValueError("an empty file")
        samples = np.loadtxt(text.splitlines(), ndmin=2)
        _check(samples)
    except ValueError as error:
        raise ValueError(
            f"{path}: no slice profile ({error}). Expected lines of two numbers: "
            "offset from the slice's centre in mm, growing, and weight."
        ) from error
    samples = _symmetric(*samples.T)
    thickness_mm = _half_maximum_width_mm(*samples.T)
    return SliceProfile(MEASURED, thickness_mm, tuple(map(tuple, samples.tolist())))


def _symmetric(offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(samples, 2): the mean of a profile and its mirror image, 0 outside of either."""
    both = np.union1d(offsets, -offsets)
    there, back = (
        np.interp(at, offsets, weights, left=0.0, right=0.0) for at in (both, -both)
    )
    return np.stack([both, (there + back) / 2], axis=1)


def _check(samples: np.ndarray) -> None:
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) < 3:
        raise ValueError(f"an array of {samples.shape}")
    offsets, weights = samples.T
    if not np.isfinite(samples).all() or not (np.diff(offsets) > 0).all():
        raise ValueError("offsets that do not grow, or no finite numbers")
    if not offsets[0] < 0 < offsets[-1]:
        raise ValueError("offsets that are all on one side of 0")
    if _areas(weights, offsets)[-1] <= 0 or weights.max() <= 0:
        raise ValueError("weights without area")


def _half_maximum_width_mm(offsets: np.ndarray, weights: np.ndarray) -> float:
    """Between the outermost places where the profile reaches half of its maximum."""
    fine = np.linspace(offsets[0], offsets[-1], _STEPS)
    above = fine[np.interp(fine, offsets, weights) >= weights.max() / 2]
    return float(above[-1] - above[0])
