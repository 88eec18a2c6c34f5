"""Contours of iMorphics become label maps."""

import nibabel as nib
import numpy as np
import pytest
import scipy.io

from deepresolve.imaging.volume import Volume
from records.datasets.oai import imorphics, tissues

SHAPE = (12, 10, 3)  # columns, rows, slices
# Columns to the back, rows down, slices to the right, as DICOM gives a sagittal knee.
PIR = np.array([[0, 0, 0.7, 1], [-0.4, 0, 0, 2], [0, -0.4, 0, 3], [0, 0, 0, 1.0]])
SQUARE = [(2.5, 3.5), (5.5, 3.5), (5.5, 7.5), (2.5, 7.5)]  # x, and y from the bottom


@pytest.fixture
def image():
    return Volume(np.zeros(SHAPE, np.int16), PIR)


def cell(*contours):
    found = np.empty((1, len(contours)), object)
    found[0] = [np.array([(*point, 7.0) for point in points]) for points in contours]
    return found


@pytest.fixture
def save(tmp_path):
    """Saves slices, each a dict of fields, with the fields of the first one."""

    def save(slices, **options):
        fields = [(name, object) for name in slices[0]]
        data = np.empty((1, len(slices)), fields)
        for index, content in enumerate(slices):
            data[0, index] = tuple(content.values())
        path = tmp_path / "9001104_V00.mat"
        scipy.io.savemat(path, {"datastruct": data}, **options)
        return path

    return save


def slices(first=None, num=3, name="FemoralCartilage"):
    empty = np.zeros((0, 0))
    return [{name: first if index == 0 else empty} for index in range(num)]


@pytest.mark.parametrize("compressed", [True, False])
def test_y_counts_from_the_bottom_and_further_columns_are_ignored(
    save, image, compressed
):
    path = save(slices(cell(SQUARE)), do_compression=compressed)
    label = imorphics.read_label_map(path, image=image)
    expected = np.zeros(SHAPE, np.uint8)
    # row = 10 - y runs from 2.5 to 6.5: rows 3 to 6, columns 3 to 5.
    expected[3:6, 3:7, 0] = 1
    np.testing.assert_array_equal(label.array, expected)
    np.testing.assert_array_equal(label.affine, image.affine)


@pytest.mark.parametrize("grows_to", ["R", "L"])
@pytest.mark.parametrize("order", tissues.SLICE_ORDERS)
def test_the_slice_order_is_the_patients(save, image, order, grows_to):
    if grows_to == "L":
        image = Volume(image.array, image.affine @ np.diag([1, 1, -1, 1]))
    assert image.orientation[2] == grows_to
    path = save(slices(cell(SQUARE)))
    label = imorphics.read_label_map(path, image=image, slice_order=order)
    (found,) = np.flatnonzero(label.array.any(axis=(0, 1)))
    x = (image.affine @ (0, 0, found, 1))[0]
    ends = sorted((image.affine @ (0, 0, k, 1))[0] for k in (0, 2))
    assert x == ends[0 if order == "left_to_right" else 1]  # RAS+: left is least


def test_values_are_those_of_the_names(save, image):
    empty = np.zeros((0, 0))
    content = []
    for index in range(6):
        row = dict.fromkeys(tissues.FIELDS, empty)
        row[list(tissues.FIELDS)[index]] = cell(SQUARE)
        content.append(row)
    image = Volume(np.zeros((12, 10, 6), np.int16), PIR)
    label = imorphics.read_label_map(save(content), image=image)
    assert [label.array[4, 4, k] for k in range(6)] == [1, 2, 3, 4, 5, 6]
    words = {  # A field's name is its label's, written together.
        "".join(word.capitalize() for word in name.split()): value
        for value, name in tissues.LABEL_NAMES.items()
    }
    assert words == tissues.FIELDS


def test_of_two_tissues_the_one_with_more_of_a_pixel_has_it(save, image):
    # Column 5 (4.5 to 5.5): 0.6 of it patellar, then 0.6 femoral with all of it.
    left = [(2.5, 3.5), (5.1, 3.5), (5.1, 7.5), (2.5, 7.5)]
    right = [(4.5, 3.5), (7.5, 3.5), (7.5, 7.5), (4.5, 7.5)]
    both = {"FemoralCartilage": cell(left), "PatellarCartilage": cell(right)}
    empty = dict.fromkeys(both, np.zeros((0, 0)))
    label = imorphics.read_label_map(save([both, empty, empty]), image=image)
    assert label.array[3:8, 4, 0].tolist() == [1, 1, 4, 4, 4]


def test_a_hole_and_a_second_piece(save, image):
    hole = [(3.5, 4.5), (4.5, 4.5), (4.5, 5.5), (3.5, 5.5)]
    piece = [(8.5, 3.5), (9.5, 3.5), (9.5, 4.5), (8.5, 4.5)]
    path = save(slices(cell(SQUARE, hole, piece)))
    label = imorphics.read_label_map(path, image=image).array
    assert label.sum() == 12 - 1 + 1
    assert label[4, 5, 0] == 0
    assert label[9, 6, 0] == 1


def test_a_bare_contour_and_an_empty_cell_are_read(save, image):
    assert imorphics.read_label_map(
        save(slices(np.array(SQUARE))), image=image
    ).array.sum() == (12)
    empty = np.empty((1, 1), object)
    empty[0, 0] = np.zeros((0, 0))
    assert not imorphics.read_label_map(save(slices(empty)), image=image).array.any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (slices(cell(SQUARE), num=4), "contours of 4 slices; the image has 3"),
        (
            slices(cell([(2, 3), (90, 3), (5, 5)])),
            "slice 1 of the image: FemoralCartilage: A contour lies off the image",
        ),
        (
            slices(cell([(2, 3), (np.nan, 3), (5, 5)])),
            "FemoralCartilage: A contour has points that are NaN",
        ),
        (slices(cell(SQUARE), name="Bone"), "fields .'Bone'., none of them a known"),
        (slices(np.array(["text"])), "FemoralCartilage holds something else"),
        (slices({"x": 1.0}), "FemoralCartilage holds something else than contours"),
    ],
)
def test_wrong_content_is_refused_by_the_files_name(save, image, content, message):
    path = save(content)
    with pytest.raises(ValueError, match=rf"9001104_V00.mat: .*{message}"):
        imorphics.read_label_map(path, image=image)


def test_another_variable_is_refused(tmp_path, image):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"scan": np.zeros((3, 3))})
    with pytest.raises(
        ValueError, match=r"a.mat: .*no variable 'datastruct', but .'sc"
    ):
        imorphics.read_label_map(path, image=image)
    scipy.io.savemat(path, {"datastruct": np.zeros((1, 3))})
    with pytest.raises(ValueError, match="is no struct array"):
        imorphics.read_label_map(path, image=image)


def test_an_image_that_is_not_sagittal_is_refused(save, image):
    axial = Volume(image.array, np.eye(4))
    with pytest.raises(ValueError, match="a sagittal scan; the image is axial"):
        imorphics.read_label_map(save(slices(cell(SQUARE))), image=axial)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_file_is_refused_wherever_it_is_damaged(save, image, compressed):
    path = save(slices(cell(SQUARE)), do_compression=compressed)
    whole = path.read_bytes()
    for cut in range(0, len(whole) - 8, 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"9001104_V00\.mat: "):
            imorphics.read_label_map(path, image=image)
    for place in range(128, len(whole), 13):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        try:  # Some bytes are coordinates.
            imorphics.read_label_map(path, image=image)
        except ValueError as error:
            assert str(path) in str(error)


def test_real_labels_come_back_from_their_contours(real_scans):
    path = real_scans / "knee_dess_labels.nii.gz"
    labels = nib.load(path)
    image = Volume(np.asanyarray(labels.dataobj), labels.affine)
    found = imorphics.read_label_map(real_scans / "imorphics_like.mat", image=image)
    # Values of the label map by the README beside it.
    there = {1: 1, 2: 2, 3: 3, 4: 4, 5: 9, 6: 10}
    for value, other in there.items():
        ours, theirs = found.array == value, image.array == other
        dice = 2 * np.count_nonzero(ours & theirs) / (ours.sum() + theirs.sum())
        assert dice >= 0.99, tissues.LABEL_NAMES[value]
