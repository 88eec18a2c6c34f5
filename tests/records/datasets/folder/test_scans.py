"""Scans in a folder."""

import hashlib
import os
import re

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from records import conversion, reader, stored
from records.datasets import Folder
from records.datasets.folder.scans import FolderSubject

NAMES = {1: "cartilage", 2: "bone", 3: "meniscus"}


@pytest.fixture
def scan(make_volume, save_nifti, tmp_path):
    """Saves a scan of given voxels by its path below the folder of scans."""

    def save(name, seed=0, folder="scans", shape=(7, 6, 5)):
        image = make_volume(seed=seed, shape=shape)
        return save_nifti(tmp_path / folder / name, image), image

    return save


@pytest.fixture
def label(make_volume, make_label, save_nifti, tmp_path):
    """Saves labels for the scan that `scan` makes."""

    def save(name, shape=(7, 6, 5), shift_mm=0.0):
        labels = make_label(make_volume(shape=shape))
        moved = labels.affine.copy()
        moved[0, 3] += shift_mm
        moved = type(labels)(labels.array, moved)
        return save_nifti(tmp_path / "labels" / name, moved), labels

    return save


def subjects(root, labels=None, **options):
    if labels is not None:
        options["label_names"] = NAMES
    return list(Folder(str(root), labels, **options).subjects(seed=0))


def test_names_that_are_no_unicode_are_told_byte_by_byte(scan, tmp_path):
    name = os.fsdecode(b"knee_\xe9.nii.gz")
    scan(name)
    for options in ({}, {"image_pattern": "{id}.nii.gz"}):
        (subject,) = subjects(tmp_path / "scans", **options)
        assert subject.id == r"knee_\xe9"
        assert subject.source == r"knee_\xe9.nii.gz"
        assert subject.path.name == name


def test_ids_are_paths_without_endings(scan, tmp_path):
    for name in ("b.nii", "a.nii.gz", "p1/left.nii.gz", "p2/left.nii.gz"):
        scan(name)
    found = subjects(tmp_path / "scans")
    assert [(s.id, s.source) for s in found] == [
        ("a", "a.nii.gz"),
        ("b", "b.nii"),
        ("p1_left", "p1/left.nii.gz"),
        ("p2_left", "p2/left.nii.gz"),
    ]
    assert [s.person for s in found] == [s.id for s in found]


def test_a_single_scan_is_a_folder_of_one(scan):
    path, _ = scan("a.nii.gz")
    (only,) = subjects(path)
    assert (only.id, only.source) == ("a", "a.nii.gz")


def test_one_id_for_two_scans_is_refused(scan, tmp_path):
    scan("a/b.nii.gz")
    scan("a_b.nii.gz")
    with pytest.raises(ValueError, match=r"share the id 'a_b': .*a/b.* and .*a_b"):
        subjects(tmp_path / "scans")


@pytest.mark.parametrize("folder", ["scans", "."])
def test_label_maps_among_the_scans_are_refused(scan, tmp_path, folder):
    scan("a.nii.gz")
    with pytest.raises(ValueError, match=r"holds all the scans of --source=.*scans"):
        subjects(tmp_path / "scans", labels=str(tmp_path / folder))


def test_label_maps_without_a_scan_are_told(scan, label, tmp_path, caplog):
    scan("a.nii.gz")
    for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz"):
        label(name)
    (only,) = subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))
    assert only.id == "a"
    assert "labels holds 2 label maps that no scan has the name of, the first 'b'" in (
        caplog.text
    )


def test_scan_and_label_are_loaded(scan, label, tmp_path):
    path, image = scan("a.nii.gz")
    label_path, labels = label("a.nii.gz")
    (subject,) = subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))
    loaded = subject.load()
    read, read_label = loaded.image, loaded.label
    np.testing.assert_array_equal(read.array, image.array)
    np.testing.assert_allclose(read.affine, image.affine, atol=1e-5)
    np.testing.assert_array_equal(read_label.array, labels.array)
    assert subject.hashes() == tuple(
        hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, label_path)
    )


def test_labels_inside_the_folder_of_scans_are_no_scans(scan, label, tmp_path):
    scan("a.nii.gz", folder=".")
    label("a.nii.gz")
    (subject,) = subjects(tmp_path, labels=str(tmp_path / "labels"))
    assert subject.label_path == tmp_path / "labels" / "a.nii.gz"


def test_a_missing_label_is_refused(scan, label, tmp_path):
    scan("a.nii.gz")
    scan("b.nii.gz")
    label("a.nii.gz")
    with pytest.raises(
        ValueError, match="no label map for 1 of 2 scans, the first 'b'"
    ):
        subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": (9, 6, 5)}, "voxels lie outside"),
        ({"shift_mm": 1}, "1 mm off its image"),
    ],
)
def test_a_label_on_another_grid_is_refused(scan, label, tmp_path, wrong, message):
    scan("a.nii.gz")
    label("a.nii.gz", **wrong)
    (subject,) = subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))
    with pytest.raises(ValueError, match=rf"Subject 'a' \(a.nii.gz\): .*{message}"):
        stored.load(subject, NAMES)


def test_a_label_without_a_name_is_refused_by_its_file(scan, label, tmp_path):
    scan("a.nii.gz")
    path, labels = label("a.nii.gz")
    (subject,) = subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))
    assert subject.label_source == str(path)
    # numpy.unique counts them.
    values, counts = np.unique(labels.array, return_counts=True)
    threes = dict(zip(values, counts, strict=True))[3]
    with pytest.raises(
        ValueError,
        match=rf"Subject 'a' \(a.nii.gz\): {re.escape(str(path))}: .*values without a "
        rf"name: 3 \({threes} voxels\); named are: 1=cartilage,2=bone",
    ):
        stored.load(subject, {1: "cartilage", 2: "bone"})


def test_labels_and_their_names_belong_together(tmp_path):
    with pytest.raises(ValueError, match="--labels needs --label_names"):
        Folder(str(tmp_path), labels=str(tmp_path))
    with pytest.raises(ValueError, match="give their folder as --labels"):
        Folder(str(tmp_path), label_names=NAMES)
    assert Folder(str(tmp_path)).label_names == {}


@pytest.fixture
def convert(tmp_path):
    """Converts the labelled scans into the test split of a set of shards."""

    def convert(names=NAMES, **options):
        folder = Folder(str(tmp_path / "scans"), str(tmp_path / "labels"), names)
        recipe = conversion.Recipe("folder", folder, split=(0, 0, 100), **options)
        return conversion.convert(recipe, str(tmp_path / "records"))

    return convert


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_labels_and_names_come_out_again(scan, label, convert, tmp_path, compression):
    scan("a.nii.gz")
    _, labels = label("a.nii.gz")
    made = convert(compression=compression)
    assert made.label_names == NAMES
    assert made.num_labelled("test") == 1
    (read,) = reader.subjects(str(tmp_path / "records"), "test")
    np.testing.assert_array_equal(read.label.restore().array, labels.array)
    (element,) = reader.dataset(str(tmp_path / "records"), "test").as_numpy_iterator()
    np.testing.assert_array_equal(element["label"], read.label.array)


def test_other_names_are_another_recipe(scan, label, convert):
    scan("a.nii.gz")
    label("a.nii.gz")
    made = convert()
    assert convert(dict(reversed(NAMES.items()))) == made
    with pytest.raises(
        ValueError, match=r"label_names was {.*'2': 'bone'.*}, is {.*'2': 'femur'"
    ):
        convert({**NAMES, 2: "femur"})


def test_the_slice_axis_can_be_overridden(scan, tmp_path):
    scan("a.nii.gz")
    (subject,) = subjects(tmp_path / "scans", slice_axis=0)
    assert subject.load().image.slice_axis == 0


def test_persons_sides_and_splits_come_from_the_table(scan, tmp_path):
    scan("a.nii.gz")
    table = tmp_path / "persons.csv"
    table.write_text("subject,person,side,split\na,p,left,test\n")
    (subject,) = subjects(tmp_path / "scans", persons=str(table))
    assert (subject.person, subject.side, subject.split) == ("p", "left", "test")


def test_an_unknown_side_is_refused(scan, tmp_path):
    scan("a.nii.gz")
    table = tmp_path / "persons.csv"
    table.write_text("subject,person,side\na,p,top\n")
    with pytest.raises(ValueError, match="'a': side must be one of left, right, unk"):
        subjects(tmp_path / "scans", persons=str(table))


def test_a_hash_of_a_folder_covers_what_is_read_of_it(tmp_path):
    mark = bytes(128) + b"DICM"  # DICOM PS3.10 7.1: preamble and prefix

    def hash_of(files):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        subject = FolderSubject("a", "a", root=str(folder), path=folder)
        return subject.hashes()[0]

    slices = {"1": mark + b"a", "deep/2": mark + b"b"}
    base = hash_of(slices)
    assert hash_of(dict(reversed(slices.items()))) == base
    assert hash_of({"1": mark + b"b", "deep/2": mark + b"a"}) != base
    assert hash_of({"1": mark + b"a", "deep/3": mark + b"b"}) != base
    assert hash_of({"1": mark + b"a", "deep/2": mark + b"c"}) != base
    passed_over = {".hidden": mark, "DICOMDIR": mark, ".git/x": mark, "notes.txt": b"x"}
    assert hash_of({**slices, **passed_over}) == base


def test_sizes_are_estimated_without_reading(scan, label, tmp_path):
    path, _ = scan("a.nii.gz")
    label("a.nii.gz")
    (plain,) = subjects(tmp_path / "scans")
    assert plain.num_bytes == 2 * path.stat().st_size
    (labelled,) = subjects(tmp_path / "scans", labels=str(tmp_path / "labels"))
    assert labelled.num_bytes == 3 * path.stat().st_size


def test_real_labels(real_scans, convert, tmp_path):
    # The image is not at hand: the label map stands for it.
    path = real_scans / "knee_dess_labels.nii.gz"
    for folder in ("scans", "labels"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "knee.nii.gz").symlink_to(path)
    names = {  # the README beside it
        **{1: "femoral cartilage", 2: "medial tibial cartilage"},
        **{3: "lateral tibial cartilage", 4: "patellar cartilage", 5: "femur"},
        **{6: "tibia", 7: "patella", 8: "fibula", 9: "lateral meniscus"},
    }
    array = np.asanyarray(nib.load(path).dataobj)
    tens = np.count_nonzero(array == 10)
    with pytest.raises(ValueError, match=rf"without a name: 10 \({tens} voxels\)"):
        convert(names)
    convert({**names, 10: "medial meniscus"})
    (read,) = reader.subjects(str(tmp_path / "records"), "test")
    np.testing.assert_array_equal(read.label.restore().array, array)
    np.testing.assert_array_equal(read.label.array, read.image.array)


def test_real_scans(real_scans, tmp_path):
    source = tmp_path / "scans"
    source.mkdir()
    (source / "brain.nii.gz").symlink_to(real_scans / "brain_t1_small.nii.gz")
    (source / "dicom").symlink_to(real_scans / "brain_t1_dicom")
    recipe = conversion.Recipe("folder", Folder(str(source)), split=(0, 0, 100))
    conversion.convert(recipe, str(tmp_path / "records"))
    by_name = {s.subject: s for s in reader.subjects(str(tmp_path / "records"), "test")}
    # Shapes from data/README.md.
    assert by_name["brain"].image.restore().shape == (128, 128, 72)
    assert by_name["dicom"].image.plane == "axial"
    assert sorted(by_name["dicom"].image.shape) == [32, 274, 384]


def labelled(root, image_pattern, label_pattern, labels=None):
    found = subjects(
        root,
        labels=labels,
        image_pattern=image_pattern,
        label_pattern=label_pattern,
        **({} if labels else {"label_names": NAMES}),
    )
    return {s.id: (s.source, s.label_path.name) for s in found}


@pytest.mark.parametrize(
    ("image_pattern", "label_pattern"),
    [
        ("imagesTr/{id}_0000.nii.gz", "labelsTr/{id}.nii.gz"),  # nnU-Net
        ("{id}_image.nii.gz", "{id}_seg.nii.gz"),
        # A file that both match belongs to the longer pattern.
        ("{id}.nii.gz", "{id}_seg.nii.gz"),
        ("{id}_image.nii.gz", "{id}.nii.gz"),
        ("{id}/image.nii", "{id}/label.nii"),
        (None, "{id}_seg.nii.gz"),
    ],
)
def test_images_and_label_maps_by_patterns(
    scan, label, tmp_path, image_pattern, label_pattern
):
    image_name, label_name = image_pattern or "{id}.nii.gz", label_pattern
    for name in ("a", "b"):
        scan(image_name.format(id=name))
        path, _ = label(label_name.format(id=name))
        target = tmp_path / "scans" / path.relative_to(tmp_path / "labels")
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    assert labelled(tmp_path / "scans", image_pattern, label_pattern) == {
        name: (
            image_name.format(id=name),
            label_name.format(id=name).rpartition("/")[2],
        )
        for name in ("a", "b")
    }


def test_a_pattern_for_the_images_alone(scan, label, tmp_path):
    scan("a_0000.nii.gz")
    label("a.nii.gz")
    (only,) = subjects(
        tmp_path / "scans",
        labels=str(tmp_path / "labels"),
        image_pattern="{id}_0000.nii.gz",
    )
    assert (only.id, only.label_path.name) == ("a", "a.nii.gz")


def test_patterns_that_leave_no_scan_are_refused(scan, tmp_path):
    scan("a.nii.gz")
    with pytest.raises(
        ValueError, match=r"--label_pattern=\{id\}.nii.gz holds all the"
    ):
        labelled(tmp_path / "scans", "{id}*", "{id}.nii.gz")


def test_a_missing_label_of_a_pattern_is_refused(scan, tmp_path):
    scan("a.nii.gz")
    scan("b.nii.gz")
    scan("b_seg.nii.gz")
    with pytest.raises(ValueError, match=r"no label map for 1 of 2 scans, .*'a"):
        labelled(tmp_path / "scans", "{id}.nii.gz", "{id}_seg.nii.gz")


def test_affines_of_label_maps_are_ignored_only_where_asked(scan, label, tmp_path):
    scan("a.nii.gz")
    _, labels = label("a.nii.gz", shift_mm=30)
    options = {"labels": str(tmp_path / "labels")}
    (subject,) = subjects(tmp_path / "scans", **options, ignore_label_affines=True)
    loaded = subject.load()
    image, read = loaded.image, loaded.label
    np.testing.assert_array_equal(read.array, labels.array)
    np.testing.assert_array_equal(read.affine, image.affine)
    (subject,) = subjects(tmp_path / "scans", **options)
    with pytest.raises(ValueError, match="30 mm off its image"):
        subject.load()


def test_other_shapes_are_refused_even_then(scan, label, tmp_path):
    scan("a.nii.gz")
    label("a.nii.gz", shape=(7, 5, 6))
    (subject,) = subjects(
        tmp_path / "scans", labels=str(tmp_path / "labels"), ignore_label_affines=True
    )
    with pytest.raises(ValueError, match="has shape"):
        subject.load()


def test_to_ignore_affines_needs_label_maps(tmp_path):
    with pytest.raises(ValueError, match="--ignore_label_affines is about label maps"):
        Folder(str(tmp_path), ignore_label_affines=True)


def test_metaimages_and_nrrd_are_scans(make_volume, tmp_path):
    # z, y, x: the (7, 6, 5) array as SimpleITK takes it.
    array = make_volume().array
    for name in ("a.mha", "b.nrrd", "c.mhd"):
        (tmp_path / "scans").mkdir(exist_ok=True)
        image = SimpleITK.GetImageFromArray(array.transpose(2, 1, 0))
        SimpleITK.WriteImage(image, str(tmp_path / "scans" / name))
    found = subjects(tmp_path / "scans")
    assert [s.id for s in found] == ["a", "b", "c"]
    for subject in found:
        np.testing.assert_array_equal(subject.load().image.array, array)
    raw = tmp_path / "scans" / "c.raw"
    before = found[2].hashes()
    raw.write_bytes(raw.read_bytes()[::-1])
    assert found[2].hashes() != before


def test_echo_time_and_side_come_from_the_header(tmp_path, write_stack):
    (tmp_path / "scans").mkdir()
    write_stack("scans/left", EchoTime=9.5, Laterality="L", PatientID="P1")
    write_stack("scans/bare", PatientID="P2")
    table = tmp_path / "persons.csv"
    table.write_text("subject,person,side\nleft,a,right\nbare,b,\n")
    source = str(tmp_path / "scans")
    for persons, side in ((None, "left"), (str(table), "right")):
        bare, left = Folder(source, persons=persons).subjects(seed=0)
        assert (left.side, left.load().scalars) == (side, {"echo_time_ms": 9.5})
        assert (bare.side, bare.load().scalars) == ("unknown", {})
