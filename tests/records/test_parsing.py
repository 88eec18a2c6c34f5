"""Every key that is written is read back in TensorFlow, where it is asked for."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.spaces import OtherForm
from records import parsing, schema, stored
from records.stored import DTYPES
from records.subject import FIELDS

BOTH = parsing.Wanted(ranks={"image": 3, "label": 3})
RICH = parsing.Wanted(
    FIELDS,
    {"image": 3, "label": 3, "echo_2": 3, "thickness_mm": 3, "k_space": 4},
    {"age_years": "float64", "grade": "int64", "scanner": "text"},
)


@pytest.fixture
def make_stored(make_subject, make_volume, label_names):
    def make(dtype="int16", **options):
        subject = make_subject(image=make_volume(dtype), **options)
        return stored.load(subject, label_names)

    return make


def parsed(record, wanted):
    """One element of a dataset."""
    dataset = tf.data.Dataset.from_tensors(record)
    return next(dataset.map(lambda r: parsing.parse(r, wanted)).as_numpy_iterator())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("labelled", [True, False])
def test_voxels_of_every_dtype(make_stored, dtype, labelled):
    before = make_stored(dtype, labelled=labelled)
    after = parsed(schema.encode(before), BOTH)
    label = before.label.array if labelled else np.zeros((0, 0, 0), np.uint8)
    np.testing.assert_array_equal(after["image"], before.image.array.astype("f4"))
    np.testing.assert_array_equal(after["label"], label)
    assert (after["image"].dtype, after["label"].dtype) == ("float32", "uint8")


def test_every_key_is_read_back(make_rich, label_names):
    before = stored.load(make_rich(), label_names)
    after = parsed(schema.encode(before), RICH)
    image = before.image
    expected = {
        "subject": b"a",
        "person": b"a",
        "side": b"right",
        "source": b"a.fake",
        "source_sha256": before.source_sha256.encode(),
        "label_sha256": before.label_sha256.encode(),
        "intensity": np.float32([before.scale.low, before.scale.high]),
        "affine": image.affine,
        "to_source": image.to_source,
        "slice_thickness_mm": np.float32(1.2),
        "space": b"scanner",
        "other_form": b"",
        "other_affine": np.full((4, 4), np.nan),
        "age_years": 61.3,
        "grade": -3,
        "scanner": "Skyra é".encode(),
        "image": image.array.astype(np.float32),
        "label": before.label.array,
        "thickness_mm": before.arrays["thickness_mm"].array,
        "echo_2": before.arrays["echo_2"].array.astype(np.float32),
        "k_space": before.arrays["k_space"],
    }
    assert after.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(after[key], value, err_msg=key)


def test_the_element_spec_has_the_ranks_that_batches_need():
    spec = (
        tf.data.Dataset.from_tensors(tf.constant(""))
        .map(lambda record: parsing.parse(record, RICH))
        .element_spec
    )
    found = {key: (tuple(spec[key].shape), spec[key].dtype.name) for key in spec}
    volume = (None, None, None)
    texts = ("subject", "person", "side", "source", "source_sha256", "label_sha256")
    assert found == {
        **dict.fromkeys((*texts, "space", "other_form", "scanner"), ((), "string")),
        "image": (volume, "float32"),
        "label": (volume, "uint8"),
        "echo_2": (volume, "float32"),
        "thickness_mm": (volume, "float32"),
        "k_space": ((*volume, None), "float32"),
        "affine": ((4, 4), "float64"),
        "to_source": ((3, 2), "int64"),
        "slice_thickness_mm": ((), "float32"),
        "intensity": ((2,), "float32"),
        "other_affine": ((4, 4), "float64"),
        "age_years": ((), "float64"),
        "grade": ((), "int64"),
    }


@pytest.mark.parametrize("is_sform", [True, False])
def test_both_forms_of_a_header_are_read_back(make_stored, is_sform):
    before = make_stored(labelled=False)
    other = OtherForm("mni", np.diag([2.0, 2, 2, 1]) @ before.image.affine, is_sform)
    image = dataclasses.replace(before.image, space="aligned", other_form=other)
    record = schema.encode(dataclasses.replace(before, arrays={"image": image}))
    wanted = parsing.Wanted(("space", "other_form", "other_affine"))
    after = parsing.parse(tf.constant(record), wanted)
    assert after["space"] == b"aligned"
    assert after["other_form"] == (b"sform mni" if is_sform else b"qform mni")
    np.testing.assert_array_equal(after["other_affine"], other.affine)


def test_nothing_else_is_decoded(make_rich, label_names):
    record = schema.encode(stored.load(make_rich(), label_names))
    example = tf.train.Example.FromString(record)
    for key in list(example.features.feature):
        if key not in ("schema_version", "arrays/label/voxels", "arrays/label/shape"):
            del example.features.feature[key]
    wanted = parsing.Wanted(ranks={"label": 3})
    assert parsed(example.SerializeToString(), wanted)["label"].shape == (6, 7, 5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="arrays/image/"):
        parsed(example.SerializeToString(), BOTH)


def test_parsing_runs_without_python():
    # A py_function would take the interpreter's lock, and cannot run elsewhere.
    function = tf.function(lambda record: parsing.parse(record, RICH))
    graph = function.get_concrete_function(tf.TensorSpec([], tf.string)).graph
    assert "PyFunc" not in str(graph.as_graph_def())
