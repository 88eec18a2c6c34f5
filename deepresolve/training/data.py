"""What a run learns from and is watched on, and whether a config can use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from deepresolve.config import Config
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline import patches
from deepresolve.pipeline.dataset import VolumeSource, holds_tissue


class ValidationScan(NamedTuple):
    """A canonical scan, its scale to 0..1, and the name it has in messages."""

    subject: str
    image: Volume
    scale: IntensityScale


class TrainingData(NamedTuple):
    """What a run learns from and is watched on.

    Attributes:
      volumes: function from a seed to a dataset; see `pipeline.dataset`.
      shapes: (rows, columns, slices) of each volume by subject.
      validation: scans to measure after each epoch.
      records: where they are kept.
      sha256: hash of their manifest, which tells this data from any other.
    """

    volumes: VolumeSource
    shapes: Mapping[str, tuple[int, int, int]]
    validation: Iterable[ValidationScan]
    records: str
    sha256: str


def check_data(config: Config, data: TrainingData) -> None:
    """Checks that patches can be cut as `config` asks.

    Raises:
      ValueError: there are no volumes, one is smaller than a patch, or all is air.
    """
    if not data.shapes:
        raise ValueError(
            f"{data.records} has no training volumes. Convert the scans with another "
            "--split."
        )
    for subject, shape in data.shapes.items():
        patches.check_patch_fits(shape, config.patch_shape, subject)
    if config.min_tissue and not holds_tissue(data.volumes, config):
        raise ValueError(
            f"No training patch has a share of {config.min_tissue} of its voxels above "
            f"the scaled intensity {config.air_threshold}: all would be skipped as "
            "air. Lower --min_tissue or --air_threshold."
        )
