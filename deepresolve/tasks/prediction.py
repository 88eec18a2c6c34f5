"""What a trained network makes of a scan: a value, of which others make files.

A `Predictor` takes a scan to a `Prediction`. It writes and prints nothing, and two
calls know nothing of each other. What a caller must know before the work (to plan
files, to refuse what cannot be written) the predictor says of itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from deepresolve.imaging.labels import slug
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.findings import Finding, Section
from deepresolve.tasks.grades import Grade

if TYPE_CHECKING:
    from deepresolve.quantification.knee import KneeMeasures

Cell = str | int | float
# One row of a table, without the name of the scan.
Row = Sequence[Cell]


@dataclasses.dataclass(frozen=True)
class Image:
    """The main volume is an image in the scan's own units."""

    name = "image"


@dataclasses.dataclass(frozen=True)
class Labels:
    """The main volume is a label map: uint8, 0 for background.

    Attributes:
      class_names: of its values from 1 on.
    """

    class_names: tuple[str, ...]
    name = "label_map"

    @property
    def label_names(self) -> dict[int, str]:
        """What each value of the label map means; 0 is background."""
        return dict(enumerate(self.class_names, start=1))

    @property
    def probabilities(self) -> tuple[str, ...]:
        """Names of the volumes that hold the probability of each class, if any do."""
        return tuple(f"probability_{slug(name)}" for name in self.class_names)


@dataclasses.dataclass(frozen=True)
class Grades:
    """There is no main volume: the scan as a whole is graded."""

    name = "grades"


# Of the main volume, or grades; None where a prediction is tables alone.
Kind = Image | Labels | Grades | None


@dataclasses.dataclass(frozen=True)
class TableKind:
    """A table that grows by some rows with every scan.

    Attributes:
      title: what it is a table of, for messages: "tissue volumes".
      columns: type of each column by its name; the scan's name comes before them.
    """

    title: str
    columns: Mapping[str, type[str] | type[int] | type[float]]


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What became of one scan.

    Attributes:
      kind: of the main volume, or of what there is without one.
      volumes: by name, all in the axes of the scan: the main one under the name of its
        kind, and those of `Predictor.volume_names`.
      tables: rows by the table's name; the tables are those of `Predictor.tables`.
      report: what the task measured of it, by section of the report on trust.
      summary: the same in a few words, for the screen.
      derivation: what of the work a DICOM series is to tell beside the network, in a
        line of ASCII: "rect profile of 3 mm; self-test +1.1 dB". It stays in anonymous
        output, so it names no file and nobody.
      title: a few words for what was done to this scan, where that is not
        `Predictor.title`: "computed cubic interpolation".
      passing: folder of a state of the work, to go on from where it is interrupted;
        whoever keeps the result deletes it (`forget`).
      seen: the scan as far as the network saw it, where it was not given the scan as
        it is; this is what is compared with the training set.
      knee: what was measured in the label map, where that was asked for.
      grades: of the scan as a whole, where the kind is `Grades`.
    """

    kind: Kind
    volumes: Mapping[str, Volume]
    report: Mapping[str, Section]
    summary: str
    tables: Mapping[str, Sequence[Row]] = dataclasses.field(default_factory=dict)
    derivation: str = ""
    title: str | None = None
    passing: pathlib.Path | None = None
    seen: Volume | None = None
    knee: KneeMeasures | None = None
    grades: Sequence[Grade] = ()

    def forget(self) -> None:
        """Deletes `passing`, and the folder above it where it was the last one there.

        Raises:
          OSError: it cannot be deleted.
        """
        if self.passing is not None:
            shutil.rmtree(self.passing)
            with contextlib.suppress(OSError):  # of another scan
                self.passing.parent.rmdir()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is off, as far as the task itself can tell."""
        return tuple(f for section in self.report.values() for f in section.findings)

    @property
    def main(self) -> Volume:
        """The volume that was asked for; ValueError where there is none."""
        if self.kind is None or isinstance(self.kind, Grades):
            raise ValueError(f"This prediction has no volume ({self.summary}).")
        return self.volumes[self.kind.name]

    @property
    def further(self) -> dict[str, Volume]:
        """The volumes beside the main one, by name."""
        main = self.kind.name if self.kind else None
        return {name: v for name, v in self.volumes.items() if name != main}

    @property
    def labels(self) -> Labels:
        """Of the label map; ValueError where something else was computed."""
        if not isinstance(self.kind, Labels):
            raise ValueError(f"This prediction has no label map ({self.summary}).")
        return self.kind

    @property
    def image(self) -> Volume:
        """The computed image; ValueError where something else was computed."""
        return self._named(Image.name)

    @property
    def label_map(self) -> Volume:
        """The label map; ValueError where something else was computed."""
        return self._named(Labels.name)

    @property
    def value_probabilities(self) -> dict[int, Volume]:
        """By value of the label map, how probable it is in each voxel.

        ValueError where no label map, or no probabilities, were computed.
        """
        names = enumerate(self.labels.probabilities, start=1)
        return {value: self._named(name) for value, name in names}

    def _named(self, name: str) -> Volume:
        if name not in self.volumes:
            raise ValueError(
                f"This prediction has no {name}; it has {sorted(self.volumes)}."
            )
        return self.volumes[name]


class Predictor(Protocol):
    """A trained network, ready for scans.

    Attributes:
      title: a few words for what is done to a scan: "computed segmentation".
      kind: of the main volume, or of what there is without one.
      volume_names: of the further volumes of each scan.
      tables: what rows each scan adds, by the table's name.
      training_factor: the training set describes the network's inputs by how many
        slices were made one; this is the number for the scans that it takes now, None
        where it takes scans as they are.
      memory_advice: for who has too little of it.
      announcement: what to tell before a scan is begun, if it takes long; "" if not.
    """

    title: str
    kind: Kind
    volume_names: Sequence[str]
    tables: Mapping[str, TableKind]
    training_factor: int | None
    memory_advice: str
    announcement: str

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """What the network makes of a scan.

        Args:
          scan: in any orientation and intensity unit.
          progress: show a progress bar.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
