"""Trained networks that come with the package: small, and of what may be shipped.

Each is the folder of this package with its name, a workdir without what training needs:

    config.json, provenance.json, training_set.json    as train.py wrote them
    best.npz    the weights, which either supported stack reads

Wherever a workdir is asked for, "pretrained:NAME" stands for it. To add one, train it
by `benchmarks/pretrain.py`, add its line to `PRETRAINED` and its card to
docs/models.md.
"""

from __future__ import annotations

import dataclasses
import pathlib

PREFIX = "pretrained:"
_FOLDER = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """What a network is, for who is about to use it.

    Attributes:
      summary: what it makes of a scan.
      suits: the scans that it learned from.
      on_real_scans: what was seen of it there.
      fitness: what it is fit for, and what not.
    """

    summary: str
    suits: str
    on_real_scans: str
    fitness: str = (
        "Fit for trying this software out and for tests; not for diagnosis, "
        "measurements or research results, nor for other anatomy. For these train your "
        "own with train.py"
    )


PRETRAINED = {
    "sr_knee": Pretrained(
        "thin slices of whatever spacing, of thick ones; and the start of what is "
        "learned from a scan itself (--learn=scan)",
        "synthetic knees and two real scans, a head and a knee",
        "On real scans its gain over interpolation is measured anew on each, and "
        "where there is none, interpolation is given",
        "For research, not for diagnosis: what was not acquired can be wrong in it",
    ),
    "seg_knee": Pretrained(
        "femoral, tibial and patellar cartilage, menisci, femur, tibia and patella",
        "synthetic images alone, painted from label maps of three real knees and of "
        "phantoms",
        "On the two real knees that we have it finds bones and cartilage, but for "
        "islands and a plate that is too thick; on painted knees that it never saw its "
        "Dice coefficient is 68 to 76 for cartilage",
        "For research, not for diagnosis or measurements that nobody looks at: "
        "fine-tune it on labelled knees of your own (docs/segmentation.md of the "
        "source)",
    ),
}
# What is used where nobody says which.
DEFAULT = "sr_knee"


def describe(name: str) -> str:
    """What a network is and is not fit for, in a few lines."""
    model = PRETRAINED[name]
    return (
        f"{name}, a network that comes with this package: {model.summary}. It learned "
        f"from {model.suits}. {model.on_real_scans}. "
        f"{model.fitness}. Model card: docs/models.md of the source"
    )


def is_pretrained(path: str) -> bool:
    """Whether a workdir is named as one of the package."""
    return path.startswith(PREFIX)


def resolve(path: str) -> str:
    """The folder that a workdir's path stands for: the path itself, but for ours.

    Raises:
      ValueError: the package has no network of that name.
    """
    if not is_pretrained(path):
        return path
    name = path.removeprefix(PREFIX)
    if name not in PRETRAINED:
        raise ValueError(
            f"Unknown pretrained network {name!r}; known: {sorted(PRETRAINED)}."
        )
    return str(_FOLDER / name)
