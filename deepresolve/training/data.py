"""What a run learns from and is watched on, and whether a config can use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.dataset import VolumeSource, holds_tissue
from deepresolve.pipeline.pairs import Pairs

Scalar = float | int | str


class ValidationScan(NamedTuple):
    """A scan to measure a network on.

    Attributes:
      subject: its name in messages.
      image: canonical, in scan units.
      scale: what takes it to 0..1.
      label: uint8 labels on the same grid, None where there are none.
      scalars: numbers and texts of the scan, by name.
    """

    subject: str
    image: Volume
    scale: IntensityScale
    label: Volume | None = None
    scalars: Mapping[str, Scalar] = MappingProxyType({})


class TrainingData(NamedTuple):
    """What a run learns from and is watched on.

    Attributes:
      volumes: function from a seed to a dataset; see `pipeline.dataset`.
      shapes: (rows, columns, slices) of each volume by subject.
      validation: scans to measure after each epoch.
      label_names: what each label value means; empty where nobody said.
      num_labelled: how many of the volumes have labels.
      records: where they are kept.
      sha256: hash of their manifest, which tells this data from any other.
      scans: some of the training scans, whole, by which predictions tell what the
        network knows (`training_set`); without any they cannot.
      scalars: numbers and texts of each volume, by subject and name.
    """

    volumes: VolumeSource
    shapes: Mapping[str, Sequence[int]]
    validation: Iterable[ValidationScan]
    label_names: Mapping[int, str]
    num_labelled: int
    records: str
    sha256: str
    scans: Iterable[Volume] = ()
    scalars: Mapping[str, Mapping[str, Scalar]] = MappingProxyType({})


def check_patches(pairs: Pairs, data: TrainingData) -> None:
    """Checks that patches can be cut as the run asks.

    Args:
      pairs: what the run's task makes of the volumes.
      data: the volumes.

    Raises:
      ValueError: a volume is smaller than a patch, or all is air.
    """
    config = pairs.config
    for subject, shape in data.shapes.items():
        pairs.check_fits(shape, subject)
    if config.min_tissue and not holds_tissue(data.volumes, pairs):
        raise ValueError(
            f"No training patch has a share of {config.min_tissue} of its voxels above "
            f"the scaled intensity {config.air_threshold}: all would be skipped as "
            "air. Lower --min_tissue or --air_threshold."
        )


def check_volumes(data: TrainingData) -> None:
    """ValueError where there is nothing to learn from."""
    if not data.shapes:
        raise ValueError(
            f"{data.records} has no training volumes. Convert the scans with another "
            "--split."
        )
