"""Small scans whose voxels and affines are known, and datasets of them."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import ClassVar

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from records import conversion
from records.subject import Brings, Scan, Subject

# An oblique affine with three spacings, and axis codes PIR (columns of a rotation,
# scaled): what scanners write for a sagittal knee.
AFFINE = np.array(
    [
        [0.0, 0.05, 1.48, -40.25],
        [-0.31, 0.02, 0.03, 60.5],
        [0.01, -0.39, 0.1, 30.75],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


BRINGS = Brings(
    arrays=("echo_2", "k_space", "thickness_mm"),
    scalars={"age_years": float, "grade": int, "scanner": str},
)
LABEL_NAMES = {1: "cartilage", 2: "bone", 3: "meniscus"}


@dataclasses.dataclass(frozen=True)
class FakeSubject(Subject):
    """A scan in memory; `before_load` may fail or interrupt.

    Its whole numbers are its grades.
    """

    image: Volume | None = None
    label: Volume | None = None
    arrays: dict = dataclasses.field(default_factory=dict)
    scalars: dict = dataclasses.field(default_factory=dict)
    before_load: Callable[[], None] = lambda: None
    pool: tuple = ()

    @property
    def grades(self):
        return {name: n for name, n in self.scalars.items() if isinstance(n, int)}

    @property
    def source(self):
        return f"{self.id}.fake"

    @property
    def num_bytes(self):
        return self.image.array.nbytes

    def hashes(self):
        digest = hashlib.sha256(self.image.array.tobytes()).hexdigest()
        return digest, "" if self.label is None else digest

    def load(self):
        self.before_load()
        return Scan(self.image, self.label, self.arrays, self.scalars)


@dataclasses.dataclass(frozen=True)
class FakeDataset:
    """Scans in memory as a dataset; `settings` stand for its command-line flags."""

    brings: ClassVar[Brings] = BRINGS

    settings: str = "fake"
    label_names: dict = dataclasses.field(default_factory=LABEL_NAMES.copy)

    def subjects(self, seed):
        return iter(self.content)

    def with_content(self, subjects):
        object.__setattr__(self, "content", tuple(subjects))
        return self


@pytest.fixture
def label_names():
    """What the labels of `make_label` mean."""
    return dict(LABEL_NAMES)


@pytest.fixture
def make_volume():
    """Makes a scan of random voxels that fill the range of `dtype`."""

    def make(dtype="int16", shape=(7, 6, 5), seed=0, slice_thickness_mm=1.2):
        rng = np.random.default_rng(seed)
        if np.dtype(dtype).kind == "f":
            array = rng.normal(100.0, 30.0, shape).astype(dtype)
        else:
            bounds = np.iinfo(dtype)
            array = rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)
        return Volume(array, AFFINE, 2, slice_thickness_mm)

    return make


@pytest.fixture
def make_label():
    """Makes random labels 0 to 3 on the grid of an image."""

    def make(image, seed=1):
        labels = np.random.default_rng(seed).integers(0, 4, image.shape, np.uint8)
        return image.with_array(labels)

    return make


@pytest.fixture
def make_subject(make_volume, make_label):
    """Makes a scan in memory."""

    def make(name="a", *, person=None, side="right", labelled=True, **options):
        image = options.pop("image", None)
        if image is None:
            image = make_volume(seed=sum(name.encode()))
        label = make_label(image) if labelled else None
        return FakeSubject(
            name, person or name, side, image=image, label=label, **options
        )

    return make


@pytest.fixture
def make_rich(make_subject, make_volume):
    """Makes a scan in memory with all that it may bring: `BRINGS`.

    A map on the image's grid, a second echo on one of its own, half as many slices of
    twice the thickness, and an array of four axes that has no place in the patient.
    """

    def make(name="a", **options):
        image = make_volume(seed=sum(name.encode()))
        rng = np.random.default_rng(5)
        coarse = AFFINE @ np.diag([1.0, 1.0, 2.0, 1.0])
        arrays = {
            "thickness_mm": image.with_array(rng.random(image.shape, np.float32)),
            "echo_2": Volume(rng.integers(0, 99, (7, 6, 3), np.uint16), coarse, 2, 2.4),
            "k_space": rng.random((2, 4, 3, 5), np.float32),
        }
        scalars = {"age_years": 61.3, "grade": -3, "scanner": "Skyra é"}
        extra = {"arrays": arrays, "scalars": scalars, **options}
        return make_subject(name, image=image, **extra)

    return make


@pytest.fixture
def make_recipe():
    """Makes the recipe of a set of subjects in memory."""

    def make(subjects, *, settings="fake", label_names=LABEL_NAMES, **options):
        dataset = FakeDataset(settings, dict(label_names)).with_content(subjects)
        return conversion.Recipe("fake", dataset, **options)

    return make


@pytest.fixture
def records_dir(make_subject, make_recipe, tmp_path):
    """A complete set: six persons in train 4, validation 1, test 1; two shards."""
    subjects = [make_subject(name) for name in "abcdef"]
    recipe = make_recipe(subjects, split=(60, 20, 20), num_shards=2)
    conversion.convert(recipe, str(tmp_path / "records"))
    return tmp_path / "records"


@pytest.fixture
def save_nifti():
    """Saves a volume as NIfTI by nibabel."""

    def save(path, volume):
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(volume.array, volume.affine), path)
        return path

    return save


@pytest.fixture
def content_of():
    """Gives the bytes of every file in a folder."""

    def read(folder):
        return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}

    return read
