"""Modules of the viewer, put into one script; and what its help says."""

import pathlib
import re

import pytest

from deepresolve.reports import viewer_files
from deepresolve.reports.preview import page

ROOT = pathlib.Path(__file__).parents[2]
PREVIEW = pathlib.Path(page.__file__).parent / "page" / "preview.js"


def test_a_module_stands_after_all_that_it_imports():
    order = viewer_files.modules(PREVIEW)
    assert order[-1] == PREVIEW
    for number, path in enumerate(order):
        for name in re.findall(r'from "(.+)";', path.read_text("utf-8")):
            assert order.index((path.parent / name).resolve()) < number


def test_no_module_of_the_viewer_is_left_over():
    assert set(viewer_files.FOLDER.glob("*.js")) < set(viewer_files.modules(PREVIEW))


def test_a_script_has_neither_imports_nor_exports(tmp_path):
    (tmp_path / "a.js").write_text(
        'import {\n  b,\n} from "./b.js";\n\nexport const a = b;\n'
    )
    (tmp_path / "b.js").write_text("export async function b() {}\nconst c = 1;\n")
    expected = "async function b() {}\nconst c = 1;\n\n\nconst a = b;\n"
    assert viewer_files.script(tmp_path / "a.js") == expected


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            'import * as b from "./b.js";',
            "",
            r"a\.js: expected import .*got 'import \*",
        ),
        ('import b from "./b.js";', "", "got 'import b from"),
        (
            'import { b } from "./b.js";\nconst b = 1;',
            "class b {}",
            "'b' is a name in b",
        ),
        (
            'import { b } from "./b.js";\n',
            'import { a } from "./a.js";\n',
            r"a\.js: it imports itself by way of b\.js",
        ),
    ],
)
def test_what_no_single_file_can_hold_is_refused(tmp_path, first, second, message):
    (tmp_path / "a.js").write_text(first)
    (tmp_path / "b.js").write_text(second)
    with pytest.raises(ValueError, match=message):
        viewer_files.script(tmp_path / "a.js")


def test_the_docs_list_what_mouse_and_keys_do():
    """Every row of help.js, in its words, and no other."""
    text = (viewer_files.FOLDER / "help.js").read_text("utf-8")
    mouse = re.findall(r'^  \["([^"]+)", "([^"]+)"\],$', text, re.MULTILINE)
    keys = re.findall(r'\], "([^"]+)", "([^"]+)", \(', text)
    assert len(mouse) == 6 and len(keys) == 10
    docs = (ROOT / "docs" / "viewing.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", docs, re.MULTILINE)
    num_rows = docs[: docs.index("## ")].count("\n| ") - 1  # without its head
    assert sorted(rows[1 : 1 + num_rows]) == sorted(mouse + keys)
