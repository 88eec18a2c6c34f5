"""Who is in which scan."""

import pytest

from records.datasets.persons import Person, identify

IDS = ["9001104_left", "9001104_right", "9002411_left"]


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "persons.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_more_every_scan_is_a_person():
    found = identify(IDS, table=None, pattern=None)
    assert found == {name: Person(name) for name in IDS}


def test_a_pattern_finds_the_person():
    found = identify(IDS, table=None, pattern=r"^(?P<person>\d+)_")
    assert [found[name].name for name in IDS] == ["9001104", "9001104", "9002411"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "--person_pattern=.*missing"),
        (r"\d+", "needs a group named person"),
        ("(?P<person>[a-z]+)_left", "finds no person in '9001104_left'"),
        ("(?P<person>x*)", "finds no person in '9001104_left'"),
    ],
)
def test_a_pattern_must_fit(pattern, message):
    with pytest.raises(ValueError, match=message):
        identify(IDS, table=None, pattern=pattern)


def test_a_table_tells_person_side_and_split(table):
    path = table(
        "subject,person,side,split\n"
        "9001104_left,1,Left,train\n"
        "9001104_right, 1 ,right,train\n"
        "9002411_left,2,,\n"
        "another,3,left,test\n"
    )
    assert identify(IDS, table=path, pattern=None) == {
        "9001104_left": Person("1", "left", "train"),
        "9001104_right": Person("1", "right", "train"),
        "9002411_left": Person("2", "unknown", None),
    }


def test_a_table_saved_by_a_spreadsheet_is_read(table):
    # Spreadsheets begin UTF-8 files with a byte order mark.
    path = table("\ufeffsubject,person\na,1\n")
    assert identify(["a"], table=path, pattern=None) == {"a": Person("1")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got no header"),
        ("subject,name\na,1\n", "got subject, name"),
        ("subject,person,sex\na,1,f\n", "got subject, person, sex"),
        ("subject,person\na,1\na,2\n", "lists the subject 'a' twice"),
        ("subject,person\na\n", "line 2: expected one value a column"),
        ("subject,person\na,1,2\n", "line 2: expected one value a column"),
        ("subject,person\na,\n", "line 2: expected one value a column and a person"),
        ("subject,person\nb,1\n", "has no row for 1 scans, the first 'a'"),
    ],
)
def test_a_table_must_fit(table, text, message):
    with pytest.raises(ValueError, match=message):
        identify(["a"], table=table(text), pattern=None)


def test_table_and_pattern_exclude_each_other(table):
    with pytest.raises(ValueError, match="give one of them"):
        identify(IDS, table=table("subject,person\n"), pattern="(?P<person>.)")
