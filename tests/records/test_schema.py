"""Every key that is written is read back, in NumPy and in TensorFlow."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.spaces import OtherForm
from deepresolve.imaging.volume import Volume
from records import schema, stored

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


def test_the_keys_written_are_the_documented_ones(make_stored):
    written = set(example_of(schema.encode(make_stored())))
    assert written == set(schema.FEATURES)
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("labelled", [True, False])
def test_tensorflow_reads_back_every_key(make_stored, dtype, labelled):
    before = make_stored(dtype, labelled=labelled)
    record = schema.encode(before)
    after = next(
        tf.data.Dataset.from_tensors(record).map(schema.parse).as_numpy_iterator()
    )
    expected = {
        "subject": b"a",
        "person": b"a",
        "side": b"right",
        "source": b"a.fake",
        "source_sha256": before.source_sha256.encode(),
        "label_sha256": before.label_sha256.encode(),
        "image_dtype": dtype.encode(),
        "shape": before.image.shape,
        "image": before.image.array.astype(np.float32),
        "label": before.label.array if labelled else np.zeros((0, 0, 0), np.uint8),
        "affine": before.image.affine,
        "to_source": before.image.to_source,
        "spacing_mm": np.float32(before.image.spacing_mm),
        "slice_thickness_mm": np.float32(1.2),
        "intensity": np.float32([before.scale.low, before.scale.high]),
        "space": b"scanner",
        "other_form": b"",
        "other_affine": np.full((4, 4), np.nan),
    }
    assert set(after) == set(expected) == set(schema.FEATURES) - {"schema_version"}
    for key, value in expected.items():
        np.testing.assert_array_equal(after[key], value, err_msg=key)


def test_the_element_spec_has_the_ranks_that_batches_need(make_stored):
    record = schema.encode(make_stored())
    spec = tf.data.Dataset.from_tensors(record).map(schema.parse).element_spec
    found = {key: (tuple(spec[key].shape), spec[key].dtype.name) for key in spec}
    volume = (None, None, None)
    assert found == {
        "subject": ((), "string"),
        "person": ((), "string"),
        "side": ((), "string"),
        "source": ((), "string"),
        "source_sha256": ((), "string"),
        "label_sha256": ((), "string"),
        "image_dtype": ((), "string"),
        "shape": ((3,), "int64"),
        "image": (volume, "float32"),
        "label": (volume, "uint8"),
        "affine": ((4, 4), "float64"),
        "to_source": ((3, 2), "int64"),
        "spacing_mm": ((3,), "float32"),
        "slice_thickness_mm": ((), "float32"),
        "intensity": ((2,), "float32"),
        "space": ((), "string"),
        "other_form": ((), "string"),
        "other_affine": ((4, 4), "float64"),
    }


@pytest.mark.parametrize("is_sform", [True, False])
def test_both_forms_of_a_header_are_read_back(make_stored, is_sform):
    before = make_stored()
    other = OtherForm("mni", np.diag([2.0, 2, 2, 1]) @ before.image.affine, is_sform)
    image = dataclasses.replace(before.image, space="aligned", other_form=other)
    record = schema.encode(dataclasses.replace(before, image=image))
    after = schema.decode(record)
    for volume in (after.image, after.label):
        assert volume.space == "aligned"
        assert (volume.other_form.space, volume.other_form.is_sform) == (
            "mni",
            is_sform,
        )
        np.testing.assert_array_equal(volume.other_form.affine, other.affine)
    assert schema.encode(after) == record
    parsed = schema.parse(tf.constant(record))
    assert parsed["space"] == b"aligned"
    assert parsed["other_form"] == (b"sform mni" if is_sform else b"qform mni")
    np.testing.assert_array_equal(parsed["other_affine"], other.affine)


def test_a_record_of_version_0_1_lies_in_the_scanners_space(make_stored):
    before = make_stored()
    example = tf.train.Example.FromString(schema.encode(before))
    for key in ("space", "other_form", "other_affine"):
        del example.features.feature[key]
    old = example.SerializeToString()
    image = schema.decode(old).image
    assert (image.space, image.other_form) == ("scanner", None)
    parsed, current = schema.parse(tf.constant(old)), schema.encode(before)
    for key, value in schema.parse(tf.constant(current)).items():
        np.testing.assert_array_equal(parsed[key], value, err_msg=key)


def test_parsing_runs_without_python():
    # A py_function would take the interpreter's lock, and cannot run elsewhere.
    function = tf.function(schema.parse).get_concrete_function(
        tf.TensorSpec([], tf.string)
    )
    assert "PyFunc" not in str(function.graph.as_graph_def())


def test_voxels_are_raw_little_endian_in_c_order(make_stored):
    feature = example_of(schema.encode(make_stored("int16")))
    rows, columns, slices = feature["shape"].int64_list.value
    voxels = np.frombuffer(feature["image"].bytes_list.value[0], "<i2")
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
    assert np.isnan(schema.parse(record)["slice_thickness_mm"].numpy())


def test_a_record_of_another_version_is_refused(make_stored, monkeypatch):
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 0)
    record = schema.encode(make_stored())
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"version \[0\]; expected 1. Convert"):
        schema.decode(record)
    with pytest.raises(tf.errors.InvalidArgumentError, match="another schema version"):
        list(tf.data.Dataset.from_tensors(record).map(schema.parse))


def test_a_scan_beyond_two_gigabytes_is_refused(make_stored):
    # A view of one voxel: 2**31 bytes that take no memory.
    huge = Volume(np.broadcast_to(np.uint8(1), (2048, 1024, 1024)), np.eye(4))
    record = dataclasses.replace(
        make_stored(labelled=False), image=huge, scale=IntensityScale(0, 1)
    )
    with pytest.raises(ValueError, match="'a' has 2147483648 bytes of voxels"):
        schema.encode(record)
