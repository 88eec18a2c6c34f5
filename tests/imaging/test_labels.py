"""Names of labels, and the classes made of them."""

import numpy as np
import pytest

from deepresolve.imaging import labels

NAMES = {1: "femoral", 2: "medial tibial", 3: "lateral tibial", 7: "patellar"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1=femur", {1: "femur"}),
        ("1=femoral cartilage,2=tibia", {1: "femoral cartilage", 2: "tibia"}),
        (" 1 = femur , 2 =tibia ", {1: "femur", 2: "tibia"}),
        ("255=a,01=b", {1: "b", 255: "a"}),
        ("1=Knorpel (außen),2=2", {1: "Knorpel (außen)", 2: "2"}),
    ],
)
def test_a_table_of_names_is_read(text, expected):
    assert labels.parse_label_names(text) == expected


def test_a_table_that_is_written_is_read():
    text = labels.format_label_names(NAMES)
    assert text == "1=femoral,2=medial tibial,3=lateral tibial,7=patellar"
    assert labels.parse_label_names(text) == NAMES
    assert labels.format_label_names({}) == ""


def test_names_come_in_the_order_of_their_values():
    assert list(labels.parse_label_names("10=a,9=b,1=c")) == [1, 9, 10]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "VALUE=NAME .*such as '1=femoral cartilage,.*; got ''"),
        ("femur", "VALUE=NAME .*; got 'femur'"),
        ("femur=1", "VALUE=NAME .*; got 'femur=1'"),
        ("1=", "VALUE=NAME .*; got '1='"),
        ("=femur", "VALUE=NAME .*; got '=femur'"),
        ("1=femur,", "VALUE=NAME .*; got ''"),
        ("1=femur;2=tibia", "neither = nor [+]; got 'femur;2=tibia'"),
        ("1=femur 2=tibia", "neither = nor [+]; got 'femur 2=tibia'"),
        ("1=femur+tibia", "neither = nor [+]; got 'femur[+]tibia'"),
        ("1.5=femur", "VALUE=NAME .*; got '1.5=femur'"),
        ("-1=femur", "VALUE=NAME .*; got '-1=femur'"),
        ("1=femur,0=air", r"1 to 255 \(0 is background\); got '0=air'"),
        ("256=femur", "1 to 255 .*; got '256=femur'"),
        ("1=femur,1=tibia", "label 1 has two names: '1=femur,1=tibia'"),
        ("1=femur,01=femur", "label 1 has two names"),
        ("1=femur,2= femur", "Two labels are named 'femur'"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        labels.parse_label_names(text)


@pytest.mark.parametrize("shape", [(), (5000,), (50, 0), (50, 100), (110, 100, 100)])
def test_voxels_are_counted_by_value(shape):
    array = np.random.default_rng(0).integers(0, 251, shape, np.uint8)
    array = np.array(array, np.uint8)  # also where a scalar was drawn
    # Oracle: numpy.unique.
    expected = np.zeros(256, np.int64)
    values, counts = np.unique(array, return_counts=True)
    expected[values] = counts
    counted = labels.count_values(array)
    assert counted.dtype == np.int64
    np.testing.assert_array_equal(counted, expected)


def test_a_reordered_view_has_the_same_counts():
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 7
    view = array.transpose(2, 0, 1)[::-1]
    np.testing.assert_array_equal(labels.count_values(view), labels.count_values(array))


@pytest.mark.parametrize("values", [[0], [0, 1, 7], [1, 2, 3, 7]])
def test_named_labels_and_background_pass(values):
    labels.check_values(np.array(values, np.uint8), NAMES)


def test_labels_without_a_name_are_counted_and_refused():
    array = np.zeros((4, 5, 6), np.uint8)
    array[0] = 1  # named
    array[1, 0, :5] = 4
    array[2, 0, 0] = 255
    with pytest.raises(
        ValueError,
        match=r"values without a name: 4 \(5 voxels\), 255 \(1 voxels\); named are: "
        "1=femoral,2=medial tibial,3=lateral tibial,7=patellar. Name them too",
    ):
        labels.check_values(array, NAMES)
    with pytest.raises(ValueError, match="named are: none"):
        labels.check_values(array, {})


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("femoral",), {"femoral": ("femoral",)}),
        (("a", "b"), {"a": ("a",), "b": ("b",)}),
        (
            ("tibial=medial tibial+lateral tibial",),
            {"tibial": ("medial tibial", "lateral tibial")},
        ),
        ((" new = a + b ", " c "), {"new": ("a", "b"), "c": ("c",)}),
        (("new=a",), {"new": ("a",)}),
        (("a=a+b",), {"a": ("a", "b")}),
        (("a=b", "b=a"), {"a": ("b",), "b": ("a",)}),
    ],
)
def test_classes_are_picked_renamed_and_merged(classes, expected):
    sources = labels.class_sources(classes)
    assert sources == expected
    assert list(sources) == list(expected)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ((), "at least one class"),
        (("",), "NAME or NEW=NAME[+]NAME; got ''"),
        (("a", " "), "NAME or NEW=NAME[+]NAME; got ' '"),
        (("=a",), "NAME or NEW=NAME[+]NAME; got '=a'"),
        (("new=",), "NAME or NEW=NAME[+]NAME; got 'new='"),
        (("new=a+",), "NAME or NEW=NAME[+]NAME; got 'new=a[+]'"),
        (("a+b",), "NAME or NEW=NAME[+]NAME; got 'a[+]b'"),
        (("a+b=c",), "NAME or NEW=NAME[+]NAME; got 'a[+]b=c'"),
        (("new=a=b",), "NAME or NEW=NAME[+]NAME; got 'new=a=b'"),
        (("a", "a"), "class 'a' comes twice in .'a', 'a'."),
        (("a", "a=b"), "class 'a' comes twice"),
        (("a", "new=a+b"), "'a'. are part of two classes.* in .'a', 'new=a[+]b'."),
        (("new=a+a",), "'a'. are part of two classes, or twice of one"),
        (("x=a+b", "y=b+a"), "'a', 'b'. are part of two classes"),
        (("a b", "a_b"), "'a b', 'a_b'. differ in signs or case alone"),
        (("Femur a", "x=b", "femur/a"), "differ in signs or case alone"),
    ],
)
def test_classes_that_make_no_sense_are_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        labels.class_sources(classes)


def test_classes_are_numbered_in_their_order():
    table = labels.lookup_table(
        ("patellar", "tibial=lateral tibial+medial tibial"), NAMES
    )
    assert table.shape == (256,)
    assert table.dtype == np.uint8
    # By hand: patellar (7) is class 1, both tibial labels (2, 3) are class 2.
    assert {n: c for n, c in enumerate(table.tolist()) if c} == {7: 1, 2: 2, 3: 2}


def test_a_table_looks_up_whole_label_maps():
    table = labels.lookup_table(("medial tibial", "femoral"), NAMES)
    array = np.array([[0, 1, 2], [3, 7, 255]], np.uint8)
    looked_up = table[array]
    np.testing.assert_array_equal(looked_up, [[0, 2, 1], [0, 0, 0]])
    assert looked_up.dtype == np.uint8


def test_all_255_labels_can_be_classes():
    names = {value: f"tissue {value}" for value in range(1, 256)}
    table = labels.lookup_table(tuple(names.values()), names)
    np.testing.assert_array_equal(table, np.arange(256))


def test_a_class_of_unknown_labels_lists_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"'tibial' needs labels named 'tibia'; the records have: femoral, medial "
        "tibial, lateral tibial, patellar[.]$",
    ):
        labels.lookup_table(("femoral", "tibial=tibia+patellar"), NAMES)


def test_records_without_names_say_how_to_give_them():
    with pytest.raises(
        ValueError, match=r"no named labels\. Convert the scans with --labels and --lab"
    ):
        labels.lookup_table(("femoral",), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [("1=femur;2=tibia", "commas between entries, no semi"), ("1.0=femur", "whole nu")],
)
def test_names_as_spreadsheets_write_them_are_told(text, message):
    with pytest.raises(ValueError, match=message):
        labels.parse_label_names(text)
