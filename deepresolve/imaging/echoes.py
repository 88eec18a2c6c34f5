"""Echoes of one scan: a volume for each time, all on one grid."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from deepresolve.imaging.formats import grid
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.system import wording

# What a time counts from: the excitation, or the beginning of a spin lock.
ECHO_TIME, SPIN_LOCK_TIME = "TE", "TSL"
# Echoes of one scan lie on each other to the digits that a header has.
_MOST_OFF_VOXELS = 0.1

# Where a volume was read, and which one of several: a `formats.choice.Choice`.
Origin = tuple[pathlib.Path, Choice]


@dataclasses.dataclass(frozen=True, eq=False)
class Echoes:
    """One volume a time, from the shortest on.

    Attributes:
      volumes: on one grid, in the order of their times.
      times_ms: of each, growing.
      times: what they count from, `ECHO_TIME` or `SPIN_LOCK_TIME`.
      notes: what was done to find them.
      origins: of each volume; () where they were not read.

    Raises:
      ValueError: fewer than two echoes, other numbers of volumes and times, times that
        do not grow, times that count from neither, or volumes on different grids.
    """

    volumes: tuple[Volume, ...]
    times_ms: tuple[float, ...]
    times: str = ECHO_TIME
    notes: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()

    def __post_init__(self) -> None:
        if self.times not in (ECHO_TIME, SPIN_LOCK_TIME):
            raise ValueError(
                f"Times are {ECHO_TIME} or {SPIN_LOCK_TIME}; got {self.times!r}."
            )
        if len(self.volumes) < 2 or len(self.volumes) != len(self.times_ms):
            raise ValueError(
                "Expected two echoes or more and a time for each; got "
                f"{wording.counted(len(self.volumes), 'volume')} and "
                f"{wording.counted(len(self.times_ms), 'time')}."
            )
        times = np.asarray(self.times_ms, np.float64)
        if not np.isfinite(times).all() or times[0] < 0 or (np.diff(times) <= 0).any():
            raise ValueError(
                f"Times of echoes are 0 or more and grow; got {list(self.times_ms)} ms."
            )
        for volume, time in zip(self.volumes[1:], self.times_ms[1:], strict=True):
            check_one_grid(self.volumes[0], volume, f"The echo at {time:g} ms")

    @classmethod
    def by_time(
        cls,
        volumes: Sequence[Volume],
        times_ms: Sequence[float],
        times: str = ECHO_TIME,
        notes: tuple[str, ...] = (),
        origins: Sequence[Origin] = (),
    ) -> Echoes:
        """Puts volumes that come in any order in that of their times.

        Args:
          volumes: on one grid.
          times_ms: of each, no two alike.
          times: what they count from, `ECHO_TIME` or `SPIN_LOCK_TIME`.
          notes: what was done to find them.
          origins: of each volume, where they were read.

        Raises:
          ValueError: what `Echoes` does not take, or two volumes of one time.
        """
        if len(volumes) != len(times_ms):
            raise ValueError(
                f"Got {wording.counted(len(volumes), 'volume')} and "
                f"{wording.counted(len(times_ms), 'time')}; give one time for each."
            )
        if len(set(times_ms)) < len(times_ms):
            raise ValueError(
                f"Two volumes have one time; got {list(times_ms)} ms. Leave one of "
                "both out: repetitions are no echoes, and neither are phase images."
            )
        order = np.argsort(times_ms)
        return cls(
            tuple(volumes[n] for n in order),
            tuple(float(times_ms[n]) for n in order),
            times,
            notes,
            tuple(origins[n] for n in order) if origins else (),
        )

    @property
    def array(self) -> np.ndarray:
        """(echoes, i, j, k), of the dtype that holds all."""
        return np.stack([volume.array for volume in self.volumes])

    @property
    def grid(self) -> Volume:
        """The first echo, on whose grid all lie."""
        return self.volumes[0]

    def from_echo(self, first: int) -> Echoes:
        """Without what comes before an echo, counted from 0.

        Raises:
          ValueError: fewer than two echoes are left.
        """
        return dataclasses.replace(
            self,
            volumes=self.volumes[first:],
            times_ms=self.times_ms[first:],
            origins=self.origins[first:],
        )


@dataclasses.dataclass(frozen=True, eq=False)
class DoubleEcho:
    """The two echoes of a double echo in steady state, and how it was acquired.

    Attributes:
      first: the echo before the spoiler (FISP-like).
      second: the echo after it (PSIF-like), on the same grid.
      tr_ms: repetition time.
      te_ms: echo time of the first echo.
      flip_degrees: flip angle.
      spoiler_gauss_per_cm: amplitude of the spoiler gradient, averaged over its
        duration; 0 where it is unknown.
      spoiler_ms: its duration; 0 where it is unknown.
      notes: where the numbers are from.
      origins: of both echoes; () where they were not read.

    Raises:
      ValueError: the echoes lie on different grids.
    """

    first: Volume
    second: Volume
    tr_ms: float
    te_ms: float
    flip_degrees: float
    spoiler_gauss_per_cm: float = 0.0
    spoiler_ms: float = 0.0
    notes: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()

    def __post_init__(self) -> None:
        check_one_grid(self.first, self.second, "The second echo")


def check_one_grid(first: Volume, other: Volume, name: str) -> None:
    """Refuses a volume whose voxels are not those of the first one.

    Args:
      first: of the scan.
      other: which should lie on it.
      name: of the other, as a message begins.

    Raises:
      ValueError: another shape, or another place.
    """
    off_mm = np.inf
    if first.shape == other.shape:
        off_mm = grid.corner_distance_mm(first.shape, first.affine, other.affine)
    if off_mm > _MOST_OFF_VOXELS * min(first.spacing_mm):
        raise ValueError(
            f"{name} lies on another grid ({_told(other)}) than the first one "
            f"({_told(first)}): not one scan, slices that are missing, or a patient "
            "that was moved. Choose the series, or resample it onto the first echo."
        )


def _told(volume: Volume) -> str:
    """A grid in a few words."""
    shape = " x ".join(map(str, volume.shape))
    first = ", ".join(f"{x:.1f}" for x in volume.affine[:3, 3])
    return (
        f"{shape} voxels of {wording.millimetres(volume.spacing_mm)}, the first at "
        f"{first} mm"
    )
