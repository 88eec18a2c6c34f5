"""Scans that a network is measured on, as `records.reader` yields them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume


class Subject(Protocol):
    """What is needed of a held-out subject; `records.reader` yields such ones."""

    @property
    def subject(self) -> str:
        """Name of the scan."""

    @property
    def person(self) -> str:
        """Name of the person scanned; several subjects may be of one person."""

    @property
    def image(self) -> Volume:
        """Canonical thin-slice scan, array[row, column, slice], in scan units."""

    @property
    def label(self) -> Volume | None:
        """uint8 labels on the grid of `image`; None where there are none."""

    @property
    def arrays(self) -> Mapping[str, Volume | np.ndarray]:
        """What else there is of the scan, by name: canonical Volumes, and arrays."""

    @property
    def scalars(self) -> Mapping[str, float | int | str]:
        """Numbers and texts of the scan, by name."""

    @property
    def scale(self) -> IntensityScale:
        """Intensities of `image` that are 0 and 1 when it is measured."""
