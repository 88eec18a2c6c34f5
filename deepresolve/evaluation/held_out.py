"""What is known of held-out subjects before they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun


class Described(Protocol):
    """What is known of a held-out subject before it is read."""

    @property
    def subject(self) -> str:
        """Name of the scan."""

    @property
    def person(self) -> str:
        """Whom it is of."""

    @property
    def labelled(self) -> bool:
        """Whether there is a label map."""


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The subjects of an evaluation, before they are read.

    Attributes:
      records: where they are, for messages.
      split: what they are called together.
      subjects: all of them.
      label_names: name by label value.
      sha256: stands for the whole set of records.
    """

    records: str
    split: str
    subjects: Sequence[Described]
    label_names: Mapping[int, str]
    sha256: str

    @property
    def people(self) -> dict[str, str]:
        """Whom each subject is of."""
        return {subject.subject: subject.person for subject in self.subjects}

    def require_labels(self, otherwise: str) -> None:
        """Sees that every subject has labels.

        Args:
          otherwise: what else one can do than convert the scans with their labels.

        Raises:
          ValueError: one has none.
        """
        bare = [s.subject for s in self.subjects if not s.labelled]
        if bare:
            raise ValueError(
                f"{len(bare)} of {len(self.subjects)} {self.split} subjects of "
                f"{self.records} have no labels, the first {bare[0]!r}: there is "
                "nothing to measure label maps against. Convert the scans with "
                f"their labels, or {otherwise}."
            )

    def facts(self, strange: str | None) -> dict[str, str]:
        """For a report: which records, and whether the networks know them.

        Args:
          strange: what `trained_on_others` says.
        """
        known = f"these records; measured are the {self.split} scans"
        return {"records_sha256": self.sha256, "trained_on": strange or known}


def trained_on_others(runs: Sequence[TrainedRun], held_out: HeldOut) -> str | None:
    """What to say where a training may have seen the scans that are measured."""
    others = [
        run.name
        for run in runs
        if {start["records_sha256"] for start in run.workdir.load_provenance()}
        != {held_out.sha256}
    ]
    if not others:
        return None
    return (
        f"{', '.join(others)} learned from other records than {held_out.records}: "
        "whether it has seen these scans cannot be told"
    )
