"""Images painted from label maps: a training set without a patient's scan."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import pathlib
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

import deepresolve
from deepresolve.system import entry
from records.settings import label_names, priors, setting
from records.splits import SPLITS
from records.subject import Brings, Scan, Subject

# About what an image takes, in bytes, known without painting it: int16 and uint8.
_BYTES_A_VOXEL = 3
_USUAL_VOXELS = 240 * 240 * 100


def _grid_mm(text: str) -> tuple[float, float]:
    """Two distances above 0; ValueError otherwise."""
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) != 2 or not all(0 < mm < math.inf for mm in numbers):
        raise ValueError(f"expected two distances in mm, as 0.5,1.5; got {text}")
    pixels, slices = numbers
    return pixels, slices


@dataclasses.dataclass(frozen=True)
class Painted:
    """Knees that nobody scanned, painted from label maps (`simulation.painting`).

    The label maps take turns. All images of one are one person's, for they share an
    anatomy: the same split has them all. Where the folder of label maps has folders
    named after the splits, they say which.

    Attributes:
      labels: folder of label maps, or one.
      num_images: how many images are painted in all.
      label_names: what each label value means, by value; the names say which tissue is
        painted.
      grid_mm: of images and label maps; None: as the images were acquired.
      priors: what varies otherwise than `simulation.painting.Priors` has it, by name.
    """

    brings: ClassVar[Brings] = Brings()

    labels: str = setting("DIR", "label maps (NIfTI, ...) at any depth, or one")
    num_images: int = setting(
        "N", "number of images, of the label maps in turn", parse=entry.number
    )
    label_names: dict[int, str] = setting(
        "V=NAME,...",
        "what the values in the label maps mean, such as '1=femoral cartilage,"
        "5=femur'; the names say what is painted",
        parse=label_names,
        default_factory=dict,
    )

    grid_mm: tuple[float, float] | None = setting(
        "MM,MM",
        "distance of pixels and of slices of all images, to which what was acquired "
        "otherwise is resampled, as a network that knows but one grid is given it",
        parse=_grid_mm,
        default=None,
    )
    priors: dict[str, Any] = setting(
        "NAME=VALUE,...",
        "what varies otherwise than usual from image to image, such as "
        "'random_contrast=0,pixel_mm=0.4:0.6'; a name that is not known gets the list",
        parse=priors,
        default_factory=dict,
    )

    def __post_init__(self) -> None:
        if self.num_images < 1:
            raise ValueError(f"num_images must be 1 or more; got {self.num_images}")
        if not self.label_names:
            raise ValueError(
                "--label_names says what the values in the label maps mean: "
                "'1=femoral cartilage,5=femur'."
            )

    def describe(self) -> list[str]:
        """How many images will be made, of what."""
        from deepresolve.imaging import formats

        found = formats.search(self.labels).describe()
        return [f"{self.num_images} images painted from label maps", *found]

    def subjects(self, seed: int) -> Iterator[PaintedSubject]:
        """The images that belong to `seed`: the same seed, the same images.

        Raises:
          ValueError: there are no label maps.
        """
        from deepresolve.imaging import formats

        paths = formats.find_scans(self.labels)
        for index in range(self.num_images):
            path = paths[index % len(paths)]
            yield PaintedSubject(
                id=f"painted-{index:04d}",
                person=formats.scan_stem(path),
                split=_split(path, self.labels),
                path=path,
                grid_mm=self.grid_mm,
                names=tuple(sorted(self.label_names.items())),
                priors=tuple(sorted(self.priors.items())),
                seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0]),
            )


def _split(path: pathlib.Path, folder: str) -> str | None:
    """Named by the folder of a label map directly below that of all."""
    root = pathlib.Path(folder)
    parents = path.relative_to(root).parts[:-1] if path != root else ()
    return parents[0] if parents and parents[0] in SPLITS else None


@dataclasses.dataclass(frozen=True)
class PaintedSubject(Subject):
    """One image, painted when it is loaded."""

    path: pathlib.Path = pathlib.Path()
    names: tuple[tuple[int, str], ...] = ()
    priors: tuple[tuple[str, Any], ...] = ()
    seed: int = 0
    grid_mm: tuple[float, float] | None = None

    @property
    def source(self) -> str:
        """The name of the label map, and the seed."""
        return f"{self.path.name} (seed {self.seed})"

    @property
    def paths(self) -> dict[str, str]:
        """The label map's path."""
        return {str(self.path): self.path.name}

    @property
    def num_bytes(self) -> int:
        """Bytes of an int16 image and a uint8 label map of usual size."""
        return _BYTES_A_VOXEL * _USUAL_VOXELS

    def hashes(self) -> tuple[str, str]:
        """A hash of the label map, the settings and the version of the code."""
        from deepresolve.imaging import formats

        recipe = {
            "labels": formats.sha256(self.path),
            "names": self.names,
            "priors": self.priors,
            "seed": self.seed,
            "grid_mm": self.grid_mm,
            "deepresolve": deepresolve.__version__,
        }
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
        return digest, digest

    def load(self) -> Scan:
        """Paints the image.

        Raises:
          ValueError: no label map that can be painted; the message names it.
        """
        from deepresolve.imaging import formats
        from deepresolve.simulation import painting

        labels = formats.read_label_map(self.path, image=formats.read_image(self.path))
        try:
            painted = painting.paint(
                labels,
                dict(self.names),
                seed=self.seed,
                priors=painting.Priors(**dict(self.priors)),
                grid_mm=self.grid_mm,
            )
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error
        return Scan(image=painted.image, label=painted.label)
