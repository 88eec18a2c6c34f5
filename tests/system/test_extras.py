"""Extras are named as every pip resolves them, wherever they are named."""

import ast
import pathlib
import re

import pytest

from deepresolve.system.extras import how_to_install

ROOT = pathlib.Path(__file__).parents[2]
# What a user reads, or runs.
PLACES = ("deepresolve", "records", "docs", "tests", ".ci", "benchmarks")
# '.[itk,reading]', how_to_install("itk"), extra `itk`, extra itk.
NAMED = re.compile(
    r"\.\[([\w,-]+)\]'"
    r"|how_to_install\(['\"]([\w-]+)['\"]\)"
    r"|\bextra `?([\w-]+)`?[;:,)\"]"
)


def defined_extras():
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "extras_require":
            return [key.value for key in node.value.keys]
    raise AssertionError("setup.py has no extras_require")


def named_extras(text):
    for groups in NAMED.findall(text):
        yield from (name for group in groups if group for name in group.split(","))


def texts():
    paths = [*ROOT.glob("*.md"), *ROOT.glob("*.py"), ROOT / "Makefile"]
    paths += [
        path
        for place in PLACES
        for path in (ROOT / place).rglob("*")
        if path.suffix in {".py", ".md", ".sh"} and path != pathlib.Path(__file__)
    ]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def test_extras_are_in_the_normal_form_of_pep_685():
    extras = defined_extras()
    assert extras == [re.sub(r"[-_.]+", "-", name).lower() for name in extras]


def test_every_extra_that_is_named_anywhere_exists():
    unknown = {
        (str(path.relative_to(ROOT)), name)
        for path, text in texts().items()
        for name in named_extras(text)
        if name not in defined_extras()
    }
    assert not unknown


def test_names_are_found_in_messages_and_documents():
    # That the search above can fail.
    quickstart = ROOT / "docs" / "quickstart.md"
    assert {"gpu", "addons", "itk"} <= set(named_extras(texts()[quickstart]))
    text = "pip install '.[a_b,c]'; how_to_install('d_e'); (extra `f_g`)"
    assert list(named_extras(text)) == ["a_b", "c", "d_e", "f_g"]


@pytest.mark.parametrize("extra", defined_extras())
def test_every_extra_is_listed_under_install(extra):
    quickstart = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    section = quickstart.split("## Install")[1].split("\n## ")[0]
    assert re.search(rf"`{extra}`|\.\[{extra}\]", section), extra


def test_the_advice_works_for_who_has_the_source():
    # The package is in no registry: 'deepresolve[itk]' would fetch somebody else's.
    assert how_to_install("itk").startswith("pip install '.[itk]' in the folder")
