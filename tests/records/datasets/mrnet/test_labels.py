"""MRNet's tables of labels."""

import pytest

from records.datasets.mrnet import labels


@pytest.fixture
def tables(tmp_path):
    def write(**texts):
        for label in labels.LABELS:
            text = texts.get(label, "0000,0\n0001,1\n")
            (tmp_path / f"train-{label}.csv").write_text(text)
        return tmp_path

    return write


def test_each_exam_has_its_labels(tables):
    root = tables(acl="0000,1\n0001,0\n", meniscus="0001,1\n0000,0\n")
    assert labels.read(root, "train") == {
        "0000": {"abnormal": 0, "acl": 1, "meniscus": 0},
        "0001": {"abnormal": 1, "acl": 0, "meniscus": 1},
    }


def test_a_spreadsheet_that_drops_zeros_changes_nothing(tables):
    expected = labels.read(tables(), "train")
    assert labels.read(tables(acl="0;0\r\n1;1\r\n"), "train") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0000,0\n0001,2\n", r"line 2: expected the number .* 0 or 1.*got '0001,2'"),
        ("0000,0\n0001\n", "line 2: .*got '0001,'"),
        ("0000,0\n0001,torn\n", "line 2: .*got '0001,torn'"),
        ("case,acl\n0000,0\n0001,1\n", "line 1: .*got 'case,acl'"),
        ("0000,0\n0001,1,0\n", "line 2: 3 values, but 2 columns"),
        ("0000,0\n0001,1\n0,0\n", "line 3: the exam 0000 comes twice"),
        ("0000,0\n", "no row for 1 of 2 exams that the other tables list, the first 0"),
        ("", "the table is empty"),
    ],
)
def test_a_wrong_table_is_named(tables, text, message):
    root = tables(acl=text)
    with pytest.raises(ValueError, match=message) as raised:
        labels.read(root, "train")
    assert str(raised.value).startswith(str(root / "train-acl.csv"))


def test_a_missing_table_is_named(tables):
    root = tables()
    (root / "train-meniscus.csv").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"train-meniscus.csv: there is no such"
    ):
        labels.read(root, "train")
