"""Which volume of a scan is read, where its files hold several."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

ALL = "all"  # of what a user may choose among: every one, as a scan of its own


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a user chose; None where there was nothing to choose.

    `ALL` stands for several volumes: `formats.contents` makes it one choice for each.

    Attributes:
      series: DICOM: SeriesNumber, or SeriesInstanceUID or its last 4 digits or more.
      echo: DICOM: number of the echo, from 1, or `ALL`.
      volume: DICOM: number of the volume, from 1, or a text that tells it from the
        others, as the message that asks for a choice lists them.
    """

    series: int | str | None = None
    echo: int | str | None = None
    volume: int | str | None = None

    def __str__(self) -> str:
        """As flags: "--series=4 --echo=2"."""
        given = {k: v for k, v in dataclasses.asdict(self).items() if v is not None}
        return " ".join(f"--{name}={value}" for name, value in given.items())

    def refuse(self, path: str | os.PathLike[str], kind: str) -> None:
        """For formats whose files hold one volume.

        Args:
          path: the file.
          kind: what it is: "a NIfTI file".

        Raises:
          ValueError: something was chosen.
        """
        if self != ONLY:
            raise ValueError(
                f"{path}: {kind} holds one volume, and DICOM alone has series and "
                f"echoes to choose from; leave out {self}."
            )


ONLY = Choice()


@dataclasses.dataclass(frozen=True)
class Acquired:
    """What headers tell of how a volume was acquired.

    Attributes:
      echo_time_ms: of its echo; None where unknown, or where its slices differ.
      side: "left", "right" or "unknown".
      echo_number: of its echo, from 1, as headers count; None where unknown.
    """

    echo_time_ms: float | None = None
    side: str = "unknown"
    echo_number: int | None = None


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a scan's files hold.

    Attributes:
      choices: what `read_image` is to be asked for, one for each volume.
      identity: pairs of an element's keyword and its value, which scans of one person
        share: PatientID, StudyInstanceUID, FrameOfReferenceUID. They tell who it is:
        nothing of them belongs into a file that travels.
      acquired: of each choice; by default nothing is known.
      identities: of each choice, its part of `identity`; by default all of it.
    """

    choices: tuple[Any, ...]
    identity: frozenset[tuple[str, str]] = frozenset()
    acquired: tuple[Acquired, ...] = ()
    identities: tuple[frozenset[tuple[str, str]], ...] = ()

    def __post_init__(self) -> None:
        if not self.acquired:
            unknown = (Acquired(),) * len(self.choices)
            object.__setattr__(self, "acquired", unknown)
        if not self.identities:
            every = (self.identity,) * len(self.choices)
            object.__setattr__(self, "identities", every)
