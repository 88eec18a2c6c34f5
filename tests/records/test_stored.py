"""What a scan becomes before it is stored."""

import dataclasses

import numpy as np
import pytest

from records import stored


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("bool", "uint8"),
        ("float16", "float32"),
        ("float64", "float32"),
        ("int64", "int32"),
        ("uint64", "int32"),
        (">i2", "int16"),
        (">f4", "float32"),
    ],
)
def test_other_dtypes_become_a_stored_one(given, expected):
    array = np.arange(24).reshape(2, 3, 4).astype(given)
    made = stored.storable(array)
    assert made.dtype == np.dtype(expected)
    np.testing.assert_array_equal(made, array)


def test_float64_is_rounded_to_the_nearest_float32():
    array = np.full((1, 1, 1), 0.1)
    # 13421773 / 2**27 is the float32 nearest to 0.1 (IEEE 754).
    assert stored.storable(array).item() == 13421773 / 2**27


def test_reordered_views_become_c_order():
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    made = stored.storable(array)
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(made, array)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_integers_that_do_not_fit_are_refused(value):
    with pytest.raises(ValueError, match="do not fit into int32"):
        stored.storable(np.full((1, 1, 1), value))


def test_floats_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit into float32"):
        stored.storable(np.full((1, 1, 1), 1e39))


def test_complex_voxels_are_refused():
    with pytest.raises(ValueError, match="dtype complex64 cannot be stored"):
        stored.storable(np.zeros((1, 1, 1), np.complex64))


def test_image_and_label_are_turned_alike(make_subject, make_volume, label_names):
    image = make_volume()
    subject = make_subject(image=image)
    loaded = stored.load(subject, label_names)
    assert loaded.image.orientation == "IPL"  # Sagittal: down, back, to the left.
    # The same voxel of the scan, found through the affines.
    voxel = np.array([2, 1, 3])
    world = image.affine @ [*voxel, 1]
    there = np.linalg.solve(loaded.image.affine, world)[:3].round().astype(int)
    assert loaded.image.array[tuple(there)] == image.array[tuple(voxel)]
    assert loaded.label.array[tuple(there)] == subject.label.array[tuple(voxel)]


def test_the_scale_is_that_of_the_voxels(make_subject, make_volume, label_names):
    image = make_volume("float32", shape=(20, 20, 20))
    scale = stored.load(make_subject(image=image), label_names).scale
    low, high = np.percentile(image.array, [0.1, 99.9])
    assert (scale.low, scale.high) == pytest.approx((low, high))


def test_an_error_names_the_subject(make_subject, make_volume, label_names):
    image = make_volume()
    constant = make_subject("knee", image=image.with_array(np.zeros(image.shape)))
    with pytest.raises(ValueError, match=r"Subject 'knee' \(knee.fake\): Every voxel"):
        stored.load(constant, label_names)


def test_labels_of_another_dtype_are_refused(make_subject, make_volume, label_names):
    image = make_volume()
    subject = make_subject(image=image)
    object.__setattr__(subject, "label", image)
    with pytest.raises(ValueError, match=r"a\.fake: labels are uint8; got int16"):
        stored.load(subject, label_names)


def test_labels_without_a_name_are_refused(make_subject):
    subject = make_subject("knee")
    twos = np.count_nonzero(subject.label.array == 2)
    with pytest.raises(
        ValueError,
        match=rf"'knee' \(knee\.fake\): .*without a name: 2 \({twos} voxels\); named",
    ):
        stored.load(subject, {1: "cartilage", 3: "meniscus"})
    assert stored.load(make_subject(labelled=False), {}).label is None


def test_equal_values_have_one_hash_whatever_holds_them():
    values = np.arange(60).reshape(3, 4, 5)
    hashes = {
        stored.voxels_sha256(np.asarray(values, dtype, order))
        for dtype in ("int16", "uint8", "<f4", ">i4", "float64")
        for order in "CF"
    }
    assert len(hashes) == 1
    zero = values.astype("f4")
    zero[0, 0, 0] = -0.0
    assert stored.voxels_sha256(zero) in hashes
    assert stored.voxels_sha256(values.reshape(3, 5, 4)) not in hashes
    assert stored.voxels_sha256(values + (values == 7)) not in hashes


def test_a_map_on_the_images_grid_is_turned_with_it(make_rich, label_names):
    subject = make_rich()
    rounded = np.asarray(subject.image.affine, np.float32)  # as NIfTI keeps it
    given = subject.arrays["thickness_mm"]
    subject.arrays["thickness_mm"] = dataclasses.replace(given, affine=rounded)
    loaded = stored.load(subject, label_names)
    assert loaded.grid("thickness_mm") == "image"
    voxel = np.array([2, 1, 3])
    world = subject.image.affine @ [*voxel, 1]
    there = np.linalg.solve(loaded.image.affine, world)[:3].round().astype(int)
    found = loaded.arrays["thickness_mm"].array[tuple(there)]
    assert found == given.array[tuple(voxel)]


def test_one_of_another_grid_keeps_its_own(make_rich, label_names):
    subject = make_rich()
    moved = subject.image.affine + np.eye(4)[:, [3, 3, 3, 0]] * [0, 0, 0, 0.01]
    given = subject.arrays["thickness_mm"]
    subject.arrays["thickness_mm"] = dataclasses.replace(given, affine=moved)
    loaded = stored.load(subject, label_names)
    assert loaded.grid("thickness_mm") == "own"
    restored = loaded.arrays["thickness_mm"].restore()
    np.testing.assert_allclose(restored.affine, moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("scalars", "message"),
    [
        ({"age": float("nan")}, "age is nan; expected a finite float"),
        ({"age": np.float64(3)}, "age is .*3.0.*; expected a finite float"),
        ({"old": True}, "old is True; expected a finite float, an int or a str"),
    ],
)
def test_scalars_are_plain_and_known(make_subject, label_names, scalars, message):
    with pytest.raises(ValueError, match=rf"Subject 'a' \(a.fake\): {message}"):
        stored.load(make_subject(scalars=scalars), label_names)


def test_an_array_that_cannot_be_stored_is_refused(make_rich, label_names):
    subject = make_rich(arrays={"k_space": np.zeros((2, 0))})
    with pytest.raises(ValueError, match=r"k_space: an array of shape \(2, 0\) holds"):
        stored.load(subject, label_names)
    elsewhere = dataclasses.replace(subject.image, space="mni")
    subject = make_rich(arrays={"echo_2": elsewhere})
    with pytest.raises(ValueError, match="echo_2: its millimetres are those of 'mni'"):
        stored.load(subject, label_names)
