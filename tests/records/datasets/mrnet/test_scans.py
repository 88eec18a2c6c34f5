"""MRNet's series: made on the fly, for its own cannot be shipped."""

import pathlib
import pickle

import numpy as np
import pytest

from records import conversion, reader, stored, verification
from records.datasets import Mrnet

PLANES = ("axial", "coronal", "sagittal")
LABELS = ("abnormal", "acl", "meniscus")


def voxels(seed=0, slices=3):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (slices, 256, 256), np.uint8)


@pytest.fixture
def mrnet(tmp_path):
    """Makes a folder of MRNet: eight exams of train, two of valid."""
    root = tmp_path / "mrnet"
    exams = {"train": range(8), "valid": range(1130, 1132)}
    for folder, numbers in exams.items():
        for plane in PLANES:
            (root / folder / plane).mkdir(parents=True)
            for n in numbers:
                path = root / folder / plane / f"{n:04d}.npy"
                np.save(path, voxels(seed=n, slices=2 + n % 3))
        for label, every in zip(LABELS, (1, 2, 4), strict=True):
            rows = "".join(f"{n:04d},{int(n % every == 0)}\n" for n in numbers)
            (root / f"{folder}-{label}.csv").write_text(rows)
    return root


def subjects(root, **options):
    return list(Mrnet(str(root), **options).subjects(seed=0))


@pytest.fixture
def first(mrnet):
    """The file of the first series, and its subject."""
    return mrnet / "train" / "axial" / "0000.npy", subjects(mrnet)[0]


def test_a_record_for_each_series_and_a_person_for_each_exam(mrnet, caplog):
    found = subjects(mrnet)
    assert len(found) == 30
    assert not caplog.messages
    by_id = {s.id: s for s in found}
    assert [s.id for s in found[:4]] == [
        *(f"0000_{plane}" for plane in PLANES),
        "0001_axial",
    ]
    one = by_id["0002_coronal"]
    assert (one.person, one.side, one.split) == ("0002", "unknown", None)
    assert one.source == "train/coronal/0002.npy"
    assert one.grades == {"abnormal": 1, "acl": 1, "meniscus": 0}
    assert one.load().scalars == {**one.grades, "series": "coronal"}
    assert by_id["1131_axial"].split == "test"
    assert by_id["1131_axial"].grades == {"abnormal": 1, "acl": 0, "meniscus": 0}


def test_what_lies_there_is_told(mrnet):
    (mrnet / "readme.txt").write_text("MRNet-v1.0")
    line, nominal = Mrnet(str(mrnet)).describe()
    assert line == (
        f"{mrnet}/: 37 files: 30 series (.npy), 6 tables of labels (.csv); also 1 .txt"
    )
    assert nominal.endswith("0.625 x 0.625 mm, slices every 4 mm is nominal")


@pytest.mark.parametrize(
    ("plane", "display"),
    # Radiologists see rows go down or to the back, and columns to the patient's left,
    # in a sagittal image to the back.
    [("axial", "PL"), ("coronal", "IL"), ("sagittal", "IP")],
)
def test_geometry_is_nominal_and_says_so(mrnet, plane, display):
    found = {s.id: s for s in subjects(mrnet, spacing_mm=(0.5, 0.6, 3.0))}
    subject = found[f"0001_{plane}"]
    image = subject.load().image
    np.testing.assert_array_equal(image.array, voxels(seed=1, slices=3))
    assert image.array.dtype == np.uint8
    assert (image.plane, image.slice_axis, image.num_slices) == (plane, 0, 3)
    assert image.space == "unknown"
    np.testing.assert_allclose(image.spacing_mm, (3.0, 0.5, 0.6))
    assert image.orientation[1:] == display
    record = stored.load(subject, {})
    assert record.image.space == "unknown"
    np.testing.assert_array_equal(record.image.restore().array, image.array)


def test_the_published_split_is_kept_and_train_is_dealt(mrnet, tmp_path):
    recipe = conversion.Recipe("mrnet", Mrnet(str(mrnet)), seed=3)
    made = conversion.convert(recipe, str(tmp_path / "records"))
    assert verification.verify(str(tmp_path / "records")) == []
    # Of eight exams 70 to 20: 6.2 and 1.8.
    assert made.counts == {"train": 18, "validation": 6, "test": 6}
    assert made.recipe["split"] == pytest.approx([700 / 9, 200 / 9, 0])
    assert {e.person for e in made.subjects("test")} == {"1130", "1131"}
    again = conversion.convert(recipe, str(tmp_path / "again"))
    assert [s.sha256 for s in again.all_shards] == [s.sha256 for s in made.all_shards]
    read = {
        each.subject: each.scalars
        for split in made.counts
        for each in reader.subjects(str(tmp_path / "records"), split)
    }
    assert read == {s.id: s.load().scalars for s in subjects(mrnet)}


def test_train_is_dealt_evenly_by_its_labels(mrnet, tmp_path):
    recipe = conversion.Recipe(
        "mrnet", Mrnet(str(mrnet)), split=(50, 50, 0), stratify=("acl", "meniscus")
    )
    made = conversion.convert(recipe, str(tmp_path / "records"))
    # Every second exam of eight has a torn ligament, every fourth a torn meniscus: of
    # 12 series six, and three.
    halves = {"train", "validation"}
    assert {made.grades["acl"][1][split] for split in halves} == {6}
    assert {made.grades["meniscus"][1][split] for split in halves} == {3}


def test_a_series_that_is_missing_is_told(mrnet, caplog):
    for exam in ("0003", "0005"):
        (mrnet / "train" / "sagittal" / f"{exam}.npy").unlink()
    assert len(subjects(mrnet)) == 28
    (message,) = caplog.messages
    assert message.startswith(
        f"{mrnet}/train/sagittal has no .npy for 2 of the 8 exams in {mrnet}/train-"
        "{abnormal,acl,meniscus}.csv, the first 0003: these series are left out"
    )


def test_a_folder_that_is_missing_is_told(mrnet, caplog):
    (mrnet / "valid").rename(mrnet / "elsewhere")
    assert len(subjects(mrnet)) == 24
    assert f"{mrnet} has no folder valid: its exams are not here" in caplog.text


def test_a_series_without_labels_is_refused(mrnet):
    path = mrnet / "train" / "axial" / "0777.npy"
    np.save(path, voxels())
    with pytest.raises(
        ValueError, match=r"0777.npy: no row in .*train-{abno"
    ) as raised:
        subjects(mrnet)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("knee.npy", "axial/knee.npy: expected the number of an exam for a name"),
        ("1.npy", "0001.npy and .*axial/1.npy are both of exam 0001"),
    ],
)
def test_other_names_are_refused(mrnet, name, message):
    np.save(mrnet / "train" / "axial" / name, voxels())
    with pytest.raises(ValueError, match=message):
        subjects(mrnet)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        subjects(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no series here. Expected train/axial/0000"):
        subjects(tmp_path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (voxels().astype(np.uint16), r"an array of uint16 \(3, 256, 256\)"),
        (voxels().astype(np.float32), "an array of float32"),
        (voxels()[0], r"an array of uint8 \(256, 256\)"),
        (voxels()[..., :224], r"uint8 \(3, 256, 224\)"),
        (np.uint8(3), r"an array of uint8 \(\)"),
        (voxels()[:0], r"\(0, 256, 256\)|empty"),
        (np.zeros((2, 256, 256), np.uint8), "every voxel is 0"),
    ],
)
def test_other_arrays_are_refused(first, array, message):
    path, subject = first
    np.save(path, array)
    with pytest.raises(ValueError, match=rf"axial/0000.npy: .*({message})"):
        subject.load()


class _Planted:
    """Makes a file where it is unpacked."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self._path,)


def test_objects_are_never_unpacked(first, tmp_path):
    path, subject = first
    sign = tmp_path / "sign"
    planted = np.array([_Planted(sign)], object)
    np.save(path, planted, allow_pickle=True)
    with pytest.raises(ValueError, match=r"0000.npy: cannot be read .*objects"):
        subject.load()
    path.write_bytes(pickle.dumps(_Planted(sign)))
    with pytest.raises(ValueError, match=r"0000.npy: cannot be read"):
        subject.load()
    assert not sign.exists()
    np.load(path, allow_pickle=True)  # What it would have done.
    assert sign.exists()


def test_damaged_files_are_refused(first):
    path, subject = first
    whole = path.read_bytes()
    head = len(whole) - voxels(slices=2).nbytes
    for length in (*range(head + 1), head + 1000, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"0000.npy: cannot be read .*copy it ag"):
            subject.load()
    path.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match="bytes follow the array"):
        subject.load()
    # A header that promises more than any memory holds, in as many bytes.
    promise = b"(99999999, 256, 256), }"
    path.write_bytes(whole.replace(b"(2, 256, 256), }".ljust(len(promise)), promise))
    assert promise in path.read_bytes()
    with pytest.raises(ValueError, match=r"cannot be read .*copy it again"):
        subject.load()


def test_any_header_is_read_or_named(first):
    path, subject = first
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(0, 80, 2):
            damaged[place] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            assert subject.load().image.array.dtype == np.uint8
        except ValueError as error:
            assert str(error).startswith(str(path))
