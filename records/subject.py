"""What a dataset hands to the converter: scans that are not loaded yet."""

from __future__ import annotations

import abc
import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from deepresolve.imaging.anatomy import SIDES

if TYPE_CHECKING:  # Heavy, and every dataset's file imports this one for --help.
    from deepresolve.imaging.volume import Volume

# Of a path from the root on, the folders; a URL stays whole.
_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/]+/)+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What a record tells beside its arrays and scalars; see `records.schema`.
FIELDS = (
    *("subject", "person", "side", "source", "source_sha256", "label_sha256"),
    *("intensity", "affine", "to_source", "slice_thickness_mm"),
    *("space", "other_form", "other_affine"),
)
SCALAR_TYPES = (float, int, str)


@dataclasses.dataclass(frozen=True)
class Brings:
    """What records of a dataset may have beside the image and its label map.

    Attributes:
      arrays: names of further arrays.
      scalars: type by name: float (64 bits), int (64 bits) or str.

    Raises:
      ValueError: a name is no lower-case word, or stands for something else, too; or a
        type is none of these.
    """

    arrays: tuple[str, ...] = ()
    scalars: Mapping[str, type] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = {"image", "label", *FIELDS}
        for name in (*self.arrays, *self.scalars):
            if not _NAME.fullmatch(name) or name in taken:
                raise ValueError(
                    f"A record cannot have {name!r}: a name is a word of a-z, 0-9 and "
                    "_, and stands for one array or scalar alone."
                )
            taken.add(name)
        for name, kind in self.scalars.items():
            if kind not in SCALAR_TYPES:
                raise ValueError(
                    f"{name!r}: a scalar is float, int or str; got {kind}."
                )


@dataclasses.dataclass(frozen=True, eq=False)
class Scan:
    """What the files of a subject hold.

    Attributes:
      image: the scan in its own axes.
      label: uint8 labels on the image's grid; None where there are none.
      arrays: further ones by name, as the dataset's `brings` declares them: a Volume on
        the image's grid or one of its own, or an array of any rank that has no place
        in the patient.
      scalars: by name; a subject may lack some.
    """

    image: Volume
    label: Volume | None = None
    arrays: Mapping[str, Volume | np.ndarray] = dataclasses.field(default_factory=dict)
    scalars: Mapping[str, float | int | str] = dataclasses.field(default_factory=dict)


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

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(
                f"Subject {self.id!r}: side must be one of {', '.join(SIDES)}; got "
                f"{self.side!r}."
            )

    @property
    def pool(self) -> tuple[str, ...]:
        """The splits it may be dealt to where it brings none and others bring theirs.

        Empty where such a mixture can only be a mistake.
        """
        return ()

    @property
    def grades(self) -> Mapping[str, int]:
        """Whole numbers that are known of it before it is read, by name.

        `load` gives each among the scalars.
        """
        return {}

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
    def load(self) -> Scan:
        """Reads the image and all that comes with it.

        Raises:
          ValueError: a file is not a usable scan, or the label does not fit the image.
        """
