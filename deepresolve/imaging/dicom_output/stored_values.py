"""Voxels as the 16 bits of an MR image."""

from __future__ import annotations

import dataclasses

import numpy as np
import pydicom

from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.intensity import estimate_scale

_HIGHEST = 2**16 - 1


@dataclasses.dataclass(frozen=True)
class StoredValues:
    """How values in scanner units are stored: value = stored * slope + intercept.

    Attributes:
      dtype: int16 or uint16.
      slope: scanner units a step.
      intercept: scanner units of a stored 0.
    """

    dtype: np.dtype
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fitting(cls, array: np.ndarray) -> StoredValues:
        """Whole numbers as they are where 16 bits hold them, else 65,535 even steps.

        The steps go from the smallest value to the largest: what is lost is at most
        half of one, 1/131,070 of the range.
        """
        low, high = array.min(), array.max()
        if array.dtype.kind in "iu":
            own = (np.uint16, np.int16) if array.dtype.kind == "u" else (np.int16,)
            for dtype in (*own, np.uint16):
                limits = np.iinfo(dtype)
                if limits.min <= low and high <= limits.max:
                    return cls(np.dtype(dtype))
        # As the header will have them, so that a reader computes with the same.
        intercept = float(decimal(float(low)))
        slope = float(decimal((float(high) - float(low)) / _HIGHEST)) or 1.0
        return cls(np.dtype(np.uint16), slope, intercept)

    @property
    def is_identity(self) -> bool:
        """Whether values are stored as they are."""
        return (self.slope, self.intercept) == (1.0, 0.0)

    def store(self, array: np.ndarray) -> np.ndarray:
        """Values in scanner units as little-endian stored ones."""
        if not self.is_identity:
            steps = (array.astype(np.float64) - self.intercept) / self.slope
            array = np.clip(np.rint(steps), 0, _HIGHEST)
        return array.astype(self.dtype.newbyteorder("<"))

    def describe(self, dataset: pydicom.Dataset) -> None:
        """Sets what the header says of the stored values."""
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = 16
        dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = int(self.dtype.kind == "i")
        # Rescaling is foreign to MR Image Storage: only where there is no other way.
        if not self.is_identity:
            dataset.RescaleIntercept = decimal(self.intercept)
            dataset.RescaleSlope = decimal(self.slope)
            dataset.RescaleType = "US"  # Unspecified.


def set_window(
    dataset: pydicom.Dataset, headers: list[pydicom.Dataset], array: np.ndarray
) -> None:
    """Sets how the values are shown: one window for the whole series.

    The acquired slices' own where they agree on one, for it is in scanner units too;
    else from the 0.1 to the 99.9 percentile.
    """
    keywords = ("WindowCenter", "WindowWidth", "VOILUTFunction")
    windows = [[header.get(keyword) for keyword in keywords] for header in headers]
    whole = windows[0][0] is not None and windows[0][1] is not None
    if whole and all(window == windows[0] for window in windows):
        for keyword in (*keywords, "WindowCenterWidthExplanation"):
            if keyword in headers[0]:
                dataset.add(headers[0][keyword])
        return
    scale = estimate_scale(array)
    dataset.WindowCenter = decimal((scale.low + scale.high) / 2)
    dataset.WindowWidth = decimal(scale.high - scale.low)
    if (
        dataset.WindowWidth < 1
    ):  # The usual function takes no narrower one (C.11.2.1.2).
        dataset.VOILUTFunction = "LINEAR_EXACT"
