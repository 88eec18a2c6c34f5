"""Tables as spreadsheets and editors save them."""

import csv
import io
import unicodedata
import zipfile

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from deepresolve.system import tables

COLUMNS = ("subject", "person")
NAMES = "André,Müller\n"


@pytest.fixture
def file(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "persons.csv"
        path.write_bytes(
            content if type(content) is bytes else content.encode(encoding)
        )
        return path

    return write


def values(path, required=COLUMNS, optional=None):
    return [
        tuple(r.values.values()) for r in tables.read_table(path, required, optional)
    ]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"],
)
def test_encodings_of_spreadsheets(file, encoding, caplog):
    path = file(f"subject,person\n{NAMES}", encoding)
    assert values(path) == [("André", "Müller")]
    if encoding == "cp1252":
        (message,) = caplog.messages
        assert message.startswith(f"{path}: no UTF-8; read as cp1252")
        assert "'André,Müller'" in message  # to see whether it was right
        assert "Save it as CSV UTF-8" in message
    else:
        assert not caplog.messages


def test_blanks_that_do_not_break_lines_are_told_as_other_letters(file, caplog):
    path = file("subject,person\na,b\xa0c\n", "cp1252")
    assert values(path) == [("a", "b\xa0c")]
    (message,) = caplog.messages
    assert r"'a,b\xa0c'" in message


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_byte_orders(file, order):
    assert values(file(f"\ufeffsubject,person\n{NAMES}", order)) == [
        ("André", "Müller")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "subject;person\na;1\n",
        "subject\tperson\na\t1\n",
        "sep=;\r\nsubject;person\r\na;1\r\n",
        "SEP=|\nsubject|person\na|1\n",
        "subject,person\r\na,1\r\n",
        "subject,person\ra,1\r",
        '"subject","person"\n"a","1"\n',
        "Subject , PERSON\n a , 1 \n",
        "\n\nsubject,person\n\n,\na,1\n\n",
        "subject,person,,\na,1,,\n",
        "subject,person,,\na,1\n",
        '"subject","person"\na,"1',
    ],
    ids=repr,
)
def test_habits_of_spreadsheets(file, text):
    if text.endswith('"1'):
        with pytest.raises(ValueError, match=r"line 2: no table .*quotation mark"):
            values(file(text))
    else:
        assert values(file(text)) == [("a", "1")]


def test_separators_and_line_ends_within_quotation_marks(file):
    path = file('subject;person\n"a;b";"one\ntwo"\n"say ""hi""";c,d\n')
    assert values(path) == [("a;b", "one\ntwo"), ('say "hi"', "c,d")]


def test_a_header_that_holds_another_separator_more_often(file):
    path = file('subject;"a, b, c, d";person\nx;y;z\n')
    assert values(path) == [("x", "y", "z")]


def test_lines_are_counted_as_an_editor_does(file):
    path = file("\nsep=;\n")  # no directive but in the first line
    with pytest.raises(ValueError, match="no column subject"):
        values(path)
    for text, line in [
        ("subject,person\na,b\nc,d,e\n", 3),
        ("\n\nsubject,person\na,b\nc,d,e\n", 5),
        ("sep=,\nsubject,person\na,b\nc,d,e\n", 4),
    ]:
        with pytest.raises(ValueError, match=f"line {line}: 3 values, but 2 columns"):
            values(file(text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column subject, person.*got an empty file"),
        (b"\xff\xfe", "got an empty file"),
        ("subject,person\n".encode("utf-16-le"), "zero bytes.*UTF-16 without"),
        (b"subject,person\na\0,1\n", "zero bytes"),
        (b"subject,person\n\x81,\xe9\n", "neither UTF-8 nor cp1252 .byte 15 is 0x81"),
        (b"\xff\xfea", "begins as utf-16 and goes on as something else"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old spreadsheet"),
        (b"\x1f\x8b\x08\0", "compressed by gzip"),
        (b"%PDF-1.4", "a PDF"),
        ("name,person\na,1\n", "no column subject.*got name, person"),
        ("subject,person,subject\na,1,b\n", "two columns subject"),
    ],
)
def test_what_is_no_table_is_named(file, content, message):
    path = file(content)
    with pytest.raises(ValueError, match=message) as caught:
        values(path)
    assert str(caught.value).startswith(str(path))


def test_a_spreadsheet_itself_is_named(tmp_path):
    path = tmp_path / "persons.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(ValueError, match=r"got a spreadsheet \(.xlsx.*CSV UTF-8"):
        values(path)


def test_unknown_columns_where_all_are_known(file):
    path = file("subject,person,sex\na,1,f\n")
    assert values(path) == [("a", "1", "f")]
    with pytest.raises(ValueError, match=r"unknown columns sex.*where wanted, side"):
        values(path, optional=("side",))


def test_names_are_compared_in_one_form(file):
    decomposed = unicodedata.normalize("NFD", "André")
    assert decomposed != "André"
    assert tables.normal(decomposed) == "André"
    assert values(file(f"subject,person\n{decomposed},1\n")) == [("André", "1")]


_TEXTS = st.text(
    st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=8
).map(str.strip)
_WRITTEN = st.tuples(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["NFC", "NFD"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


@settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=4), how=_WRITTEN)
def test_a_table_is_the_same_however_it_was_saved(rows, how, file):
    encoding, separator, line_end, form, quoting = how
    rows = [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in rows]
    assume(all(any(row) for row in rows))
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=separator, lineterminator=line_end, quoting=quoting
    )
    writer.writerows([("subject", "person"), *rows])
    try:
        content = unicodedata.normalize(form, text.getvalue()).encode(encoding)
    except UnicodeEncodeError:  # cp1252 has no accents of their own
        assume(False)
    assume(encoding != "cp1252" or not _is_utf_8(content))
    assert values(file(content)) == rows


def _is_utf_8(content):
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(
    deadline=None,
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=40) | st.text(max_size=30).map(str.encode))
def test_any_bytes_are_a_table_or_named(content, file):
    path = file(b"subject,person\n" + content)
    try:
        found = values(path)
    except ValueError as error:
        assert str(error).startswith(str(path))
    else:
        assert all(len(row) == 2 for row in found)


@pytest.mark.parametrize(
    ("text", "encoding", "line"),
    [
        ("0001,1\n\n0002 ,0\n", "utf-8", 3),
        ("\n0001;1\r\n;\r\n0002;0", "utf-8-sig", 4),
        ("0001\t1\n0002\t0\n", "utf-16", 2),
    ],
)
def test_a_table_without_names_of_columns(file, text, encoding, line):
    path = file(text, encoding)
    rows = tables.read_bare_table(path, ("exam", "label"))
    assert [row.values for row in rows] == [
        {"exam": "0001", "label": "1"},
        {"exam": "0002", "label": "0"},
    ]
    assert rows[-1].where == f"{path}, line {line}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,0\n2,0,1\n", r"line 2: 3 values, but 2 columns \(exam, label\)"),
        ('\n1,0\n"2,0\n', r"line 3: no table \(.*a quotation mark have no other"),
        (b"PK\x03\x04", "a spreadsheet"),
    ],
)
def test_what_is_no_such_table_is_named(file, text, message):
    with pytest.raises(ValueError, match=message):
        tables.read_bare_table(file(text), ("exam", "label"))


def test_an_empty_table_without_names_has_no_rows(file):
    assert tables.read_bare_table(file(""), ("exam", "label")) == []
