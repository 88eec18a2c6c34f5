"""Small scans whose voxels and affines are known, and datasets of them."""

import dataclasses
import hashlib
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from records import conversion
from records.subject import Subject

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


LABEL_NAMES = {1: "cartilage", 2: "bone", 3: "meniscus"}


@dataclasses.dataclass(frozen=True)
class FakeSubject(Subject):
    """A scan in memory; `before_load` may fail or interrupt."""

    image: Volume | None = None
    label: Volume | None = None
    before_load: Callable[[], None] = lambda: None

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
        return self.image, self.label


@dataclasses.dataclass(frozen=True)
class FakeDataset:
    """Scans in memory as a dataset; `settings` stand for its command-line flags."""

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
