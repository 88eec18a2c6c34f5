"""Every key that is written is read back in NumPy; see `test_parsing`, too."""

import dataclasses
import re
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.spaces import OtherForm
from deepresolve.imaging.volume import Volume
from records import parsing, schema, stored

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")


@pytest.fixture
def make_stored(make_subject, make_volume, label_names):
    def make(dtype="int16", **options):
        subject = make_subject(image=make_volume(dtype), **options)
        return stored.load(subject, label_names)

    return make


def example_of(record):
    """The record as TensorFlow's own protocol buffer: the oracle of these tests."""
    return tf.train.Example.FromString(record).features.feature


def test_the_keys_written_are_the_documented_ones(make_rich, label_names):
    rich = stored.load(make_rich(), label_names)
    written = {
        re.sub(r"(arrays|scalars)/[a-z_0-9]+/", r"\1/NAME/", key)
        for key in example_of(schema.encode(rich))
    }
    rows = [line for line in schema.__doc__.splitlines() if line.startswith("| ")]
    documented = {key for row in rows[1:] for key in row.split("|")[1].split(", ")}
    assert written == {key.strip() for key in documented}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("labelled", [True, False])
def test_numpy_reads_back_every_key(make_stored, dtype, labelled):
    before = make_stored(dtype, labelled=labelled)
    after = schema.decode(schema.encode(before))
    for field in ("subject", "person", "side", "source", "source_sha256", "scale"):
        assert getattr(after, field) == getattr(before, field)
    assert after.label_sha256 == before.label_sha256
    assert after.image.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(after.image.array, before.image.array)
    np.testing.assert_array_equal(after.image.affine, before.image.affine)
    np.testing.assert_array_equal(after.image.to_source, before.image.to_source)
    assert after.image.slice_thickness_mm == 1.2
    assert after.image.spacing_mm == before.image.spacing_mm
    if labelled:
        np.testing.assert_array_equal(after.label.array, before.label.array)
        np.testing.assert_array_equal(after.label.affine, before.image.affine)
    else:
        assert after.label is None
    # Nothing that was written got lost on the way.
    assert schema.encode(after) == schema.encode(before)


def test_numpy_reads_back_all_that_a_dataset_brings(make_rich, label_names):
    subject = make_rich()
    before = stored.load(subject, label_names)
    record = schema.encode(before)
    after = schema.decode(record)
    assert list(after.arrays) == ["image", "label", "echo_2", "k_space", "thickness_mm"]
    assert after.scalars == {"age_years": 61.3, "grade": -3, "scanner": "Skyra é"}
    assert [type(value) for value in after.scalars.values()] == [float, int, str]
    for name in ("image", "label", "thickness_mm"):
        given = getattr(subject, name, None) or subject.arrays[name]
        assert after.grid(name) == ("own" if name == "image" else "image")
        assert after.arrays[name].array.dtype == given.array.dtype
        np.testing.assert_array_equal(after.arrays[name].restore().array, given.array)
        np.testing.assert_array_equal(after.arrays[name].affine, after.image.affine)
    echo, given = after.arrays["echo_2"], subject.arrays["echo_2"]
    assert after.grid("echo_2") == "own"
    assert echo.array.dtype == np.uint16
    np.testing.assert_array_equal(echo.restore().array, given.array)
    np.testing.assert_allclose(echo.restore().affine, given.affine, rtol=0, atol=1e-12)
    assert (echo.slice_thickness_mm, after.image.slice_thickness_mm) == (2.4, 1.2)
    assert after.grid("k_space") == "none"
    np.testing.assert_array_equal(after.arrays["k_space"], subject.arrays["k_space"])
    # Nothing that was written got lost on the way.
    assert schema.encode(after) == record


@pytest.mark.parametrize("is_sform", [True, False])
def test_both_forms_of_a_header_are_read_back(make_stored, is_sform):
    before = make_stored()
    other = OtherForm("mni", np.diag([2.0, 2, 2, 1]) @ before.image.affine, is_sform)
    image = dataclasses.replace(before.image, space="aligned", other_form=other)
    arrays = {"image": image, "label": image.with_array(before.label.array)}
    record = schema.encode(dataclasses.replace(before, arrays=arrays))
    after = schema.decode(record)
    for volume in (after.image, after.label):
        assert volume.space == "aligned"
        assert (volume.other_form.space, volume.other_form.is_sform) == (
            "mni",
            is_sform,
        )
        np.testing.assert_array_equal(volume.other_form.affine, other.affine)
    assert schema.encode(after) == record


def test_voxels_are_raw_little_endian_in_c_order(make_stored):
    feature = example_of(schema.encode(make_stored("int16")))
    rows, columns, slices = feature["arrays/image/shape"].int64_list.value
    voxels = np.frombuffer(feature["arrays/image/voxels"].bytes_list.value[0], "<i2")
    array = make_stored("int16").image.array
    # C order: voxel (row, column, slice) lies at (row * columns + column) * slices.
    assert voxels.size == rows * columns * slices
    assert voxels[(3 * columns + 2) * slices + 1] == array[3, 2, 1]


def test_the_scan_comes_back_in_its_own_axes(make_volume, make_subject, label_names):
    scan = make_volume("int16")
    record = schema.encode(stored.load(make_subject(image=scan), label_names))
    restored = schema.decode(record).image.restore()
    np.testing.assert_array_equal(restored.array, scan.array)
    np.testing.assert_allclose(restored.affine, scan.affine, rtol=0, atol=1e-12)
    assert restored.slice_axis == scan.slice_axis


def test_an_unknown_slice_thickness_stays_unknown(
    make_volume, make_subject, label_names
):
    image = make_volume(slice_thickness_mm=None)
    record = schema.encode(stored.load(make_subject(image=image), label_names))
    assert schema.decode(record).image.slice_thickness_mm is None
    wanted = parsing.Wanted(("slice_thickness_mm",))
    assert np.isnan(parsing.parse(record, wanted)["slice_thickness_mm"].numpy())


def test_a_record_of_another_version_is_refused(make_stored, monkeypatch):
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 1)
    record = schema.encode(make_stored())
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"version \[1\]; expected 2. Convert"):
        schema.decode(record)
    with pytest.raises(tf.errors.InvalidArgumentError, match="another schema version"):
        parsing.parse(record, parsing.Wanted(("subject",)))


def test_a_scan_beyond_two_gigabytes_is_refused(make_stored):
    # A view of one voxel: 2**31 bytes that take no memory.
    huge = Volume(np.broadcast_to(np.uint8(1), (2048, 1024, 1024)), np.eye(4))
    record = dataclasses.replace(
        make_stored(labelled=False), arrays={"image": huge}, scale=IntensityScale(0, 1)
    )
    with pytest.raises(ValueError, match="'a' has 2147483648 bytes of voxels"):
        schema.encode(record)


@pytest.mark.parametrize("num_slices", [32, 64])
def test_encoding_takes_the_record_and_no_more(make_stored, num_slices):
    before = make_stored()
    array = np.ones((128, 128, num_slices), np.int16)
    image = Volume(np.empty(array.shape), np.eye(4)).canonical().with_array(array)
    large = dataclasses.replace(before, arrays={"image": image})
    tracemalloc.start()
    record = schema.encode(large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert array.nbytes < len(record) < peak < len(record) + 2**17
