"""Grades of scans out of a table."""

import pytest

from records import conversion, manifest, reader
from records.datasets import Folder
from records.datasets.folder import grades


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "grades.csv"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write


@pytest.fixture
def scans(make_volume, save_nifti, tmp_path):
    for number, name in enumerate(("a", "b", "c", "d")):
        image = make_volume(seed=number)
        save_nifti(tmp_path / "scans" / f"{name}.nii.gz", image)
    return str(tmp_path / "scans")


def found(scans, **options):
    return {s.id: s.grades for s in Folder(scans, **options).subjects(seed=0)}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("subject,ACL, kl_grade\na,1,4\nb,,-2\nc,0,\nd,1.0,+3\n", "utf-8"),
        # As a spreadsheet in Germany saves it.
        ("\ufeffkl_grade;subject;acl\r\n4;a;1\r\n-2;b\r\n;c;0\r\n3;d;1\r\n", "utf-8"),
        ("acl\tkl_grade\tsubject\t\n1\t4\ta\n\t-2\tb\n0\t\tc\n1\t3\td\n", "utf-16"),
    ],
)
def test_columns_are_grades_and_cells_may_be_empty(table, text, encoding):
    read = grades.read_table(table(text, encoding))
    assert read.key == "subject"
    assert set(read.names) == {"acl", "kl_grade"}
    assert read.rows == {
        "a": {"acl": 1, "kl_grade": 4},
        "b": {"kl_grade": -2},
        "c": {"acl": 0},
        "d": {"acl": 1, "kl_grade": 3},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,acl\na,1\nb,torn\n", r"line 3: acl is 'torn'; a grade is a whole nu"),
        ("subject,acl\na,1.5\n", "acl is '1.5'; a grade is a whole number"),
        ("subject;acl\na;1,0\n", "acl is '1,0'"),
        ("subject;acl\na;1.000\n", "acl is '1.000'"),  # a thousand, or one?
        ("subject,acl\na,nan\n", "acl is 'nan'; .* leave the cell of an unknown one"),
        ("subject,acl\na,²\n", "acl is '²'"),
        ("subject,acl\na,1\na,0\n", "line 3: the subject 'a' comes twice"),
        ("subject,acl\n,1\n", "line 2: expected a subject, got an empty cell"),
        ("subject,acl,acl\na,1,2\n", "two columns acl. Expected each column once"),
        ("name,acl\na,1\n", "got the columns name, acl. Expected a column subject"),
        ("subject,person,acl\na,p,1\n", "Expected a column subject, or else person"),
        ("subject\na\n", "got the columns subject. Expected .* one for each grade"),
        ("subject,acl\n", "the table has no row"),
        ("", "the table has no row"),
        ("subject,kl grade\na,1\n", "cannot have 'kl grade': .* Rename the column"),
        ("subject,side\na,1\n", "cannot have 'side'"),
        ("subject,echo_time_ms\na,1\n", "cannot have 'echo_time_ms'"),
        (f"subject,acl\na,{2**63}\n", "9223372036854775808, which 64 bits do not hold"),
    ],
)
def test_what_is_no_grade_is_refused_by_line(table, text, message):
    path = table(text)
    with pytest.raises(ValueError, match=message) as raised:
        grades.read_table(path)
    assert str(raised.value).startswith(path)


def test_the_largest_grades_are_those_of_64_bits(table):
    path = table(f"subject,n\na,{2**63 - 1}\nb,{-(2**63)}\n")
    rows = grades.read_table(path).rows
    assert rows == {"a": {"n": 2**63 - 1}, "b": {"n": -(2**63)}}


def test_scans_without_a_row_and_rows_without_a_scan_are_told(scans, table, caplog):
    path = table("subject,acl\na,1\nc,0\nz,1\ny,0\n")
    assert found(scans, grades=path) == {"a": {"acl": 1}, "b": {}, "c": {"acl": 0}} | {
        "d": {}
    }
    assert (
        f"{path} has no row for 2 of 4 scans, 'b', 'd': they have no grades"
        in caplog.text
    )
    assert f"{path} has 2 rows without a scan, 'y', 'z': left out. A sc" in caplog.text


def test_a_table_of_other_scans_is_refused(scans, table):
    path = table("subject,acl\nknee/a,1\n")
    with pytest.raises(ValueError, match=r"no subject of its 1 rows, such as 'knee/a'"):
        found(scans, grades=path)


def test_grades_of_persons_are_those_of_all_their_scans(scans, table, tmp_path):
    persons = tmp_path / "persons.csv"
    persons.write_text("subject,person\na,André\nb,André\nc,p\nd,p\n")
    # A Mac writes é as e and an accent.
    path = table("person,acl\nAndre\u0301,1\np,\n")
    graded = found(scans, grades=path, persons=str(persons))
    assert graded == {"a": {"acl": 1}, "b": {"acl": 1}, "c": {}, "d": {}}
    with pytest.raises(ValueError, match="Persons are called as --persons or"):
        found(scans, grades=table("person,acl\na,1\n"), persons=str(persons))


def test_a_row_names_a_scan_or_one_of_its_volumes(table):
    read = grades.read_table(table("subject,acl\nk,1\nk_e2,0\n"))
    names = {"k_e1": ("k_e1", "k"), "k_e2": ("k_e2", "k")}
    persons = dict.fromkeys(names, "k")
    assert grades.match(read, names, persons) == {
        "k_e1": {"acl": 1},
        "k_e2": {"acl": 0},
    }


def test_grades_are_stored_and_absent_ones_are_not(scans, table, tmp_path):
    path = table("subject,acl,kl_grade\na,1,4\nb,,2\nc,0,\nd,,\n")
    recipe = conversion.Recipe("folder", Folder(scans, grades=path), split=(100, 0, 0))
    made = conversion.convert(recipe, str(tmp_path / "records"))
    expected = {"a": {"acl": 1, "kl_grade": 4}, "b": {"kl_grade": 2}}
    expected |= {"c": {"acl": 0}, "d": {}}
    stored = reader.subjects(str(tmp_path / "records"), "train")
    assert {each.subject: each.scalars for each in stored} == expected
    assert made.grades["acl"] == {
        0: {"train": 1, "validation": 0, "test": 0},
        1: {"train": 1, "validation": 0, "test": 0},
    }
    assert made.recipe["settings"]["grades"] == path
    described = manifest.load(str(tmp_path / "records"))
    told = {entry.subject: entry.scalars for entry in described.subjects("train")}
    assert told == expected


def test_grades_that_change_after_a_set_is_complete_are_told(scans, table, tmp_path):
    recipe = conversion.Recipe(
        "folder", Folder(scans, grades=table("subject,acl\na,1\nb,1\nc,0\nd,0\n"))
    )
    conversion.convert(recipe, str(tmp_path / "records"))
    path = table("subject,acl\na,1\nb,0\nc,0\nd,0\n")
    changed = conversion.Recipe("folder", Folder(scans, grades=path))
    with pytest.raises(ValueError, match="persons, sides and grades, are others"):
        conversion.convert(changed, str(tmp_path / "records"))


def test_without_a_table_there_are_none(scans):
    assert found(scans) == {"a": {}, "b": {}, "c": {}, "d": {}}
    assert Folder(scans).brings.scalars == {"echo_time_ms": float}


def test_splits_are_stratified_by_the_grades(scans, table, tmp_path):
    path = table("subject,acl\na,1\nb,1\nc,0\nd,0\n")
    for seed in range(6):
        recipe = conversion.Recipe(
            *("folder", Folder(scans, grades=path), (50, 50, 0)),
            seed=seed,
            stratify=("acl",),
        )
        made = conversion.convert(recipe, str(tmp_path / str(seed)))
        one_each = {"train": 1, "validation": 1, "test": 0}
        assert made.grades == {"acl": {0: one_each, 1: one_each}}
        assert made.recipe["stratify"] == ["acl"]
