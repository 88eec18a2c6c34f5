"""The pairs of HDF5 files of the IWOAI 2019 challenge."""

import h5py
import numpy as np
import pytest

from records import stored
from records.datasets import Iwoai

SHAPE = (8, 7, 6)  # rows, columns, slices


@pytest.fixture
def save(tmp_path):
    """Saves an array under the key data."""

    def save(name, array, **options):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=array, **options)
        return path

    return save


def image(dtype=np.int16):
    return np.random.default_rng(0).integers(0, 500, SHAPE).astype(dtype)


def labels():
    return np.random.default_rng(1).integers(0, 7, SHAPE)


def one_hot(label, dtype=np.uint8):
    return np.stack([label == n for n in range(1, 7)], axis=-1).astype(dtype)


def subjects(tmp_path, **options):
    return list(Iwoai(str(tmp_path / "data"), **options).subjects(seed=0))


def test_persons_visits_and_splits_come_from_the_names(tmp_path, save, caplog):
    for split in ("train", "valid", "test"):
        for visit in ("V00", "V01"):
            save(f"{split}/{split}_001_{visit}.im", image())
    save("train/train_001_V00.seg", one_hot(labels()))
    save("masks/test_001_V00.seg", one_hot(labels()))
    save("train/train_002_V00.seg", one_hot(labels()))
    found = subjects(tmp_path)
    assert [(s.id, s.person, s.split, s.side) for s in found] == [
        ("test_001_V00", "test_001", "test", "unknown"),
        ("test_001_V01", "test_001", "test", "unknown"),
        ("train_001_V00", "train_001", "train", "unknown"),
        ("train_001_V01", "train_001", "train", "unknown"),
        ("valid_001_V00", "valid_001", "validation", "unknown"),
        ("valid_001_V01", "valid_001", "validation", "unknown"),
    ]
    assert found[0].label_path == tmp_path / "data/masks/test_001_V00.seg"
    assert found[2].source == "train/train_001_V00.im"
    assert "no .seg for 4 of 6 scans, the first test_001_V01" in caplog.text
    assert "no .im for 1 masks, the first train_002_V00" in caplog.text


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float64])
def test_voxels_labels_and_the_published_grid(tmp_path, save, dtype):
    save("train_001_V00.im", image())
    save("train_001_V00.seg", one_hot(labels(), dtype), compression="gzip")
    (found,) = subjects(tmp_path)
    loaded = found.load()
    scan, label = loaded.image, loaded.label
    np.testing.assert_array_equal(scan.array, image())
    np.testing.assert_array_equal(label.array, labels())
    assert label.array.dtype == np.uint8
    # METHOD: in-plane 0.3646 mm, slices of 0.7 mm; sagittal.
    np.testing.assert_allclose(scan.spacing_mm, (0.3646, 0.3646, 0.7), atol=1e-4)
    assert (scan.orientation, scan.plane, scan.slice_axis) == ("IPR", "sagittal", 2)
    result = stored.load(found, Iwoai(str(tmp_path)).label_names)
    assert result.image.shape == SHAPE
    assert all(found.hashes())


def test_the_grid_is_a_setting(tmp_path, save):
    save("train_001_V00.im", image(np.float64))
    (found,) = subjects(tmp_path, orientation="IPL", spacing_mm=(0.5, 0.6, 1.5))
    loaded = found.load()
    scan, label = loaded.image, loaded.label
    assert (scan.orientation, scan.spacing_mm, label) == ("IPL", (0.5, 0.6, 1.5), None)
    assert scan.array.dtype == np.float32
    with pytest.raises(ValueError, match="one letter of each pair"):
        Iwoai("", orientation="IPS")


def test_where_masks_overlap_the_first_counts(tmp_path, save):
    masks = one_hot(labels())
    masks[0, 0, 0] = (0, 0, 1, 0, 1, 0)
    save("train_001_V00.im", image())
    save("train_001_V00.seg", masks)
    (found,) = subjects(tmp_path)
    assert found.load().label.array[0, 0, 0] == 3


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            one_hot(labels())[..., :4],
            r"masks of shape \(8, 7, 6, 4\), expected \(8, 7,",
        ),
        (labels(), "expected 4 axes"),
        (one_hot(labels()) * 2, "other values than 0 and 1"),
    ],
)
def test_wrong_masks_are_refused(tmp_path, save, array, message):
    save("train_001_V00.im", image())
    save("train_001_V00.seg", array)
    (found,) = subjects(tmp_path)
    with pytest.raises(ValueError, match=rf"train_001_V00.seg: .*{message}"):
        found.load()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (image()[0], "expected 3 axes"),
        (np.zeros(SHAPE), "every voxel is 0"),
        (np.full(SHAPE, np.nan), "NaN or infinite"),
        (image().astype("S3"), "expected numbers"),
        (np.zeros((0, 3, 3)), "expected numbers"),
    ],
)
def test_wrong_scans_are_refused(tmp_path, save, array, message):
    save("train_001_V00.im", array)
    (found,) = subjects(tmp_path)
    with pytest.raises(ValueError, match=rf"train_001_V00.im: .*{message}"):
        found.load()


def test_damaged_and_hostile_files_are_refused(tmp_path, save):
    path = save("train_001_V00.im", image())
    (found,) = subjects(tmp_path)

    def refused(message):
        with pytest.raises(ValueError, match=rf"train_001_V00.im: .*{message}"):
            found.load()

    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused("Copy it again")
    path.write_bytes(b"not HDF5")
    refused("Copy it again")
    elsewhere = save("other.h5", image())
    with h5py.File(path, "w") as file:
        file["data"] = h5py.ExternalLink(str(elsewhere), "data")
    refused("no array 'data' of its own")
    with h5py.File(path, "w") as file:
        file["other"] = 1
    refused("but .'other'.")
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "data", SHAPE, "u1", external=[(str(elsewhere), 0, h5py.h5f.UNLIMITED)]
        )
    refused("lies in other files")
    layout = h5py.VirtualLayout(SHAPE, "i2")
    layout[:] = h5py.VirtualSource(str(elsewhere), "data", SHAPE)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout)
    refused("lies in other files")
    with h5py.File(path, "w") as file:  # Nothing is stored of it.
        file.create_dataset("data", (30000, 30000, 30000), "u1", chunks=(64, 64, 64))
    refused("unpacks to")


def test_other_names_and_two_files_of_one_name_are_refused(tmp_path, save):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        subjects(tmp_path)
    save("a/train_001_V00.seg", one_hot(labels()))
    with pytest.raises(ValueError, match=r"no \.im file here"):
        subjects(tmp_path)
    path = save("knee.im", image())
    with pytest.raises(ValueError, match=r"knee.im: expected a name such as train_001"):
        subjects(tmp_path)
    path.unlink()
    for folder in ("a", "b"):
        save(f"{folder}/train_001_V00.im", image())
    with pytest.raises(ValueError, match="have one name"):
        subjects(tmp_path)
