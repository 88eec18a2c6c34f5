"""Who is in which scan."""

import pytest

from deepresolve.imaging.formats.choice import Choice
from records.datasets.folder import kin
from records.datasets.folder.persons import Person, identify, read_table

IDS = ["9001104_left", "9001104_right", "9002411_left"]


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "persons.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def traits(ids, **identities):
    return {name: kin.traits_of(name, identities.get(name, ())) for name in ids}


def test_without_more_every_scan_is_a_person(caplog):
    found = identify(traits("abc"))
    assert found == {name: Person(name) for name in "abc"}
    assert not caplog.messages


def test_names_that_begin_alike_are_told(caplog):
    found = identify(traits(IDS))
    assert found == {name: Person(name) for name in IDS}
    (message,) = caplog.messages
    assert "'9001104_left', '9001104_right' begin alike" in message
    assert "--person_pattern" in message


def test_scans_that_share_a_trait_are_of_one_person(caplog):
    study = [("StudyInstanceUID", "1.2.3")]
    found = identify(traits("abcd", b=study, d=[*study, ("PatientID", "secret 7")]))
    assert {name: person.name for name, person in found.items()} == {
        **{"a": "a", "b": "b"},
        **{"c": "c", "d": "b"},
    }
    (message,) = caplog.messages
    assert "2 scans are taken for those of 1 person, for they share StudyI" in message
    assert "'b' = 'd'" in message
    assert "1.2.3" not in message


def test_a_table_and_a_pattern_have_the_last_word(caplog):
    same = [("PatientID", "secret 7")]
    shared = traits(["p1", "p2"], p1=same, p2=same)
    by_pattern = identify(shared, pattern=r"(?P<person>\d)")
    by_table = identify(shared, table={"p1": Person("1"), "p2": Person("2")})
    assert by_pattern == by_table == {"p1": Person("1"), "p2": Person("2")}
    for message in caplog.messages:
        assert "1 pairs of scans of two persons each look like one's" in message
        assert "'p1' (1) and 'p2' (2) share PatientID" in message
        assert "secret" not in message
    assert len(caplog.messages) == 2
    caplog.clear()
    identify(shared, table={"p1": Person("1"), "p2": Person("1")})
    assert not caplog.messages


def test_a_volume_of_a_scan_goes_by_its_name():
    scans = traits(["p1_e1", "p1_e2"])
    names = {"p1_e1": "p1", "p1_e2": "p1"}
    table = {"p1": Person("1"), "p1_e2": Person("1", "left")}
    assert identify(scans, names=names, table=table) == {
        "p1_e1": Person("1"),
        "p1_e2": Person("1", "left"),
    }
    found = identify(scans, names=names, pattern=r"^p(?P<person>\d)$")
    assert found == {"p1_e1": Person("1"), "p1_e2": Person("1")}


def test_a_pattern_finds_the_person():
    found = identify(traits(IDS), pattern=r"^(?P<person>\d+)_")
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
        identify(traits(IDS), pattern=pattern)


def test_a_table_tells_person_side_and_split(table):
    path = table(
        "subject,person,side,split\n"
        "9001104_left,1,Left,train\n"
        "9001104_right, 1 ,right,train\n"
        "9002411_left,2,,\n"
        "another,3,left,test\n"
    )
    assert identify(traits(IDS), table=read_table(path)) == {
        "9001104_left": Person("1", "left", "train"),
        "9001104_right": Person("1", "right", "train"),
        "9002411_left": Person("2", "unknown", None),
    }


def test_a_table_saved_by_a_spreadsheet_is_read(table):
    # Spreadsheets begin UTF-8 files with a byte order mark.
    path = table("\ufeffsubject,person\na,1\n")
    assert read_table(path) == {"a": Person("1")}


def test_a_table_chooses_in_single_scans(table):
    path = table(
        "subject,person,series,echo,volume\na,1,4,2,\nb,2,,,fat\nc,3,1.2.34567,,\n"
    )
    assert [row.choice for row in read_table(path).values()] == [
        Choice("4", 2),
        Choice(volume="fat"),
        Choice("1.2.34567"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got an empty file"),
        ("subject,name\na,1\n", "no column person.*got subject, name"),
        ("subject,person,sex\na,1,f\n", "unknown columns sex"),
        ("subject,person\na,1\na,2\n", "line 3: the subject 'a' comes twice"),
        ("subject,person\na\n", "line 2: expected a subject and a person"),
        ("subject,person\na,1,2\n", "line 2: 3 values, but 2 columns"),
        ("subject,person\na,\n", "line 2: expected a subject and a person"),
        ("subject,person\n,1\n", "line 2: expected a subject and a person"),
        ("subject,person,echo\na,1,two\n", "line 2: an echo is a whole .* 'two'"),
    ],
)
def test_a_table_must_fit(table, text, message):
    with pytest.raises(ValueError, match=message):
        read_table(table(text))


def test_a_name_is_the_same_however_its_letters_are_written(table):
    # U+00E9, and e with U+0301 as a Mac writes it: one text to the eye.
    composed, decomposed = "Andr\u00e9", "Andre\u0301"
    assert read_table(table(f"subject,person\n{decomposed},1\n")) == {
        composed: Person("1")
    }
    found = identify(traits([composed]), pattern=f"(?P<person>{decomposed})")
    assert found == {composed: Person(composed)}


def test_every_scan_stands_in_the_table():
    with pytest.raises(ValueError, match="has no row for 1 scans, the first 'a'"):
        identify(traits("a"), table={"b": Person("1")})


def test_table_and_pattern_exclude_each_other(table):
    with pytest.raises(ValueError, match="give one of them"):
        identify(traits(IDS), table={}, pattern="(?P<person>.)")
