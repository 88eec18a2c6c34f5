"""Scores of label maps against the truth that an image was drawn from, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepresolve.imaging.volume import Volume
    from deepresolve.tasks.segmentation.settings import SegmentationConfig


def dsc(config: SegmentationConfig, found: Volume, truth: Volume) -> list[float]:
    """Dice coefficient of each class, in %.

    Args:
      config: of the run that found it.
      found: its label map.
      truth: labels as those of phantoms, on the same grid.
    """
    from deepresolve.imaging.labels import lookup_table
    from deepresolve.metrics import overlap
    from deepresolve.simulation.phantom import LABEL_NAMES

    true = lookup_table(config.classes, LABEL_NAMES)[truth.array]
    values = range(1, len(config.class_names) + 1)
    return [100 * overlap.dsc(true == n, found.array == n) for n in values]


def head(titles: Sequence[str], class_names: Sequence[str]) -> None:
    """Prints the first lines of a table."""
    print("| " + " | ".join((*titles, *class_names)) + " |")
    print("|---" * (len(titles) + len(class_names)) + "|", flush=True)


def row(titles: Sequence[str], scores: Iterable[float]) -> None:
    """Prints a line of it."""
    cells = (*titles, *(f"{score:.1f}" for score in scores))
    print("| " + " | ".join(cells) + " |", flush=True)
