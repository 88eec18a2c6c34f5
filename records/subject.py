"""What a dataset hands to the converter: scans that are not loaded yet."""

from __future__ import annotations

import abc
import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Heavy, and every dataset's file imports this one for --help.
    from deepresolve.imaging.volume import Volume

# Of a path from the root on, the folders; a URL stays whole.
_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/]+/)+")
SIDES = ("left", "right", "unknown")


@dataclasses.dataclass(frozen=True)
class Subject(abc.ABC):
    """One scan of one person, cheap to hold: voxels are read by `load` alone.

    Subjects travel to worker processes, so they must pickle.

    Attributes:
      id: unique within the dataset.
      person: whose scan it is; all scans of a person go to one split.
      side: "left", "right" or "unknown".
      split: the split it must go to, None where the converter decides.
    """

    id: str
    person: str
    side: str = "unknown"
    split: str | None = None

    def __post_init__(self):
        if self.side not in SIDES:
            raise ValueError(
                f"Subject {self.id!r}: side must be one of {', '.join(SIDES)}; got "
                f"{self.side!r}."
            )

    @property
    @abc.abstractmethod
    def source(self) -> str:
        """Where the scan comes from, for people to read; relative to the dataset."""

    @property
    def label_source(self) -> str:
        """Where the label map comes from, for people to read."""
        return self.source

    @property
    def paths(self) -> dict[str, str]:
        """Its paths on this machine, each with what people may read in its place."""
        return {}

    def told(self, text: str) -> str:
        """What was said of the scan, for its manifest: that travels, and paths do not.

        Args:
          text: of an error or note, which may begin with the scan's path.
        """
        for path, name in self.paths.items():
            text = text.replace(path, name)
        return _FOLDERS.sub(".../", text.removeprefix(f"{self.source}: "))

    @property
    @abc.abstractmethod
    def num_bytes(self) -> int:
        """About how many bytes its voxels and labels take, known without reading."""

    @abc.abstractmethod
    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the image's source and of the label's ("" without a label)."""

    @abc.abstractmethod
    def load(self) -> tuple[Volume, Volume | None]:
        """Reads the image and, where there is one, the uint8 label map on its grid.

        Raises:
          ValueError: a file is not a usable scan, or the label does not fit the image.
        """
