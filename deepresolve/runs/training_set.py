"""What a network was trained on, in a few numbers: `training_set.json` of its workdir.

Training writes it, and a prediction is compared with it. A network is described by what
it was given: training scans as they are, or made thick by each of its factors.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from deepresolve.imaging.acquisition import Acquisition, describe
from deepresolve.imaging.volume import Volume
from deepresolve.runs.workdir import Workdir
from deepresolve.system import storage

FILE = "training_set.json"
# Each costs up to a second; ours: enough to see the range of a study.
MAX_SCANS = 16

_VERSION = 1
_AS_IT_IS = 1  # the factor of a scan that is not made thick


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """Descriptions of what a network saw.

    Attributes:
      by_factor: inputs made of the same training scans, by downsample factor; 1 stands
        for scans as they are. A scan whose slices are made of more than one thickness
        is there with the lowest and with the highest.
      num_scans: how many training scans there were, of which some are described.
      records_sha256: hash of the manifest of their records.
    """

    by_factor: dict[int, tuple[Acquisition, ...]]
    num_scans: int
    records_sha256: str

    def inputs(self, factor: int | None) -> tuple[Acquisition, ...]:
        """What a network for `factor` was given; None: scans as they are."""
        return self.by_factor.get(factor or _AS_IT_IS, ())

    def to_json(self) -> str:
        """Strict JSON."""
        scans = [
            {"factor": factor, **scan.to_dict()}
            for factor, seen in self.by_factor.items()
            for scan in seen
        ]
        content = {
            "version": _VERSION,
            "num_scans": self.num_scans,
            "records_sha256": self.records_sha256,
            "scans": scans,
        }
        return json.dumps(content, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainingSet:
        """Undoes `to_json`.

        Raises:
          ValueError: it is something else, or of another version.
        """
        content = json.loads(text)
        try:
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}; known: {_VERSION}")
            by_factor: dict[int, tuple[Acquisition, ...]] = {}
            for scan in content["scans"]:
                factor = int(scan.pop("factor"))
                seen = by_factor.get(factor, ())
                by_factor[factor] = (*seen, Acquisition.from_dict(scan))
            return cls(by_factor, content["num_scans"], content["records_sha256"])
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a training set ({error!r})") from error


# A training scan as the network was given it, by downsample factor; 1: as it is. Where
# that varies, those that it lies between.
Seen = Callable[[Volume], Mapping[int, Sequence[Volume]]]


def measure(
    seen: Seen, scans: Iterable[Volume], num_scans: int, records_sha256: str
) -> TrainingSet:
    """Describes training scans as the network of a run sees them.

    Args:
      seen: what the run's task makes of a scan.
      scans: some of its training scans, one in memory at a time; of more than
        `MAX_SCANS` the rest is left.
      num_scans: how many it has.
      records_sha256: hash of the manifest of their records.

    Raises:
      ValueError: a scan's voxels are not finite or all alike.
    """
    by_factor: dict[int, list[Acquisition]] = {}
    for scan in itertools.islice(scans, MAX_SCANS):
        for factor, given in seen(scan).items():
            by_factor.setdefault(factor, []).extend(map(describe, given))
    return TrainingSet(
        {factor: tuple(described) for factor, described in by_factor.items()},
        num_scans,
        records_sha256,
    )


def record(
    workdir: Workdir,
    seen: Seen,
    scans: Iterable[Volume],
    num_scans: int,
    records_sha256: str,
) -> None:
    """Writes `training_set.json` into a workdir that has none yet.

    Args:
      workdir: of the run.
      seen: what the run's task makes of a scan.
      scans: some of its training scans; where there are none, nothing is written.
      num_scans: how many it has.
      records_sha256: hash of the manifest of their records.

    Raises:
      OSError: it cannot be written.
    """
    path = workdir.join(FILE)
    if storage.is_file(path):
        return
    measured = measure(seen, scans, num_scans, records_sha256)
    if any(measured.by_factor.values()):
        storage.write(path, measured.to_json().encode())


def load(workdir: Workdir) -> TrainingSet | None:
    """What a run was trained on; None where an older version trained it.

    Raises:
      ValueError: the file is damaged.
    """
    path = workdir.join(FILE)
    if not storage.is_file(path):
        return None
    try:
        return TrainingSet.from_json(storage.read(path).decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged: {error}. Restore it, or delete it and run train.py "
            "again with the flags of the run, which writes it."
        ) from error
