"""Shards of synthetic scans, converted as any other dataset's are."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import synthetic

from deepresolve.imaging.volume import Volume
from records import conversion
from records.subject import Brings, Scan, Subject


def convert(folder: str, num_volumes: int, shape: tuple[int, int, int]) -> None:
    """Writes shards of labelled scans, all of them for training."""
    recipe = conversion.Recipe("synthetic", _Scans(num_volumes, shape), (100, 0, 0))
    conversion.convert(recipe, folder)


@dataclasses.dataclass(frozen=True)
class _Scan(Subject):
    """One scan, made when it is loaded."""

    seed: int = 0
    shape: tuple[int, int, int] = synthetic.OAI_SHAPE

    @property
    def source(self) -> str:
        return f"synthetic scan of seed {self.seed}"

    @property
    def num_bytes(self) -> int:
        return int(np.prod(self.shape)) * 3  # int16 and uint8

    def hashes(self) -> tuple[str, str]:
        return self.source, self.source

    def load(self) -> Scan:
        voxels, label = synthetic.scan(self.seed, self.shape)
        image = Volume(voxels, synthetic.AFFINE, slice_axis=2)
        return Scan(image, image.with_array(label))


@dataclasses.dataclass(frozen=True)
class _Scans:
    """The scans as a dataset; see `records.conversion.Dataset`."""

    brings: ClassVar[Brings] = Brings()

    num_volumes: int
    shape: tuple[int, int, int]

    @property
    def label_names(self) -> dict[int, str]:
        return {1: "femoral cartilage"}

    def subjects(self, seed: int):
        for number in range(self.num_volumes):
            name = f"scan-{number:03d}"
            yield _Scan(name, name, seed=number, shape=self.shape)
