"""Records of small scans with a planted sign, and grades of them."""

import dataclasses
import hashlib
from typing import ClassVar

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from records import conversion
from records.subject import Brings, Scan, Subject


def graded_scan(number, grade, shape=(18, 16, 6)):
    """Noise, and in one slice a bright square of 4 pixels where there is a sign."""
    rng = np.random.default_rng(number)
    array = rng.normal(100, 10, shape).astype(np.float32)
    if grade:
        row, column = rng.integers(2, np.array(shape[:2]) - 6)
        array[row : row + 4, column : column + 4, number % shape[2]] += 100 * grade
    return Volume(array, np.eye(4))


@dataclasses.dataclass(frozen=True)
class GradedSubject(Subject):
    """A scan in memory."""

    scan: Scan | None = None

    @property
    def source(self):
        return f"{self.id}.graded"

    @property
    def num_bytes(self):
        return self.scan.image.array.nbytes

    def hashes(self):
        return hashlib.sha256(self.scan.image.array.tobytes()).hexdigest(), ""

    def load(self):
        return self.scan


@dataclasses.dataclass(frozen=True)
class GradedDataset:
    """Scans in memory as a dataset."""

    brings: ClassVar[Brings] = Brings(scalars={"acl": int, "kl": int, "series": str})
    label_names: dict = dataclasses.field(default_factory=dict)

    def describe(self):
        return ["graded scans"]

    def subjects(self, seed):
        return iter(self.content)

    def with_content(self, subjects):
        object.__setattr__(self, "content", tuple(subjects))
        return self


def subject(name, split, scan, **scalars):
    """One of a `GradedDataset`."""
    return GradedSubject(name, name, split=split, scan=Scan(scan, scalars=scalars))


@pytest.fixture(scope="session")
def write_records(tmp_path_factory):
    """Writes records of graded subjects; returns their folder."""

    def write(subjects):
        folder = tmp_path_factory.mktemp("graded") / "records"
        dataset = GradedDataset().with_content(subjects)
        conversion.convert(conversion.Recipe("graded", dataset), str(folder))
        return folder

    return write
