"""Every command that a page shows exists, with every flag that it is shown with."""

import functools
import re
import subprocess
import sys
from typing import NamedTuple

import pytest
from doc_pages import ROOT

from deepresolve.commands import COMMANDS

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
# In a block (four blanks, or a fence's none) or between back ticks, up to a comment.
SHOWN = re.compile(r"(?:^ *|`|&& )deepresolve (?=[a-z])([^`#\n]+)", re.MULTILINE)
FLAG = re.compile(r"(?<!\S)--?([a-z][a-z_]*)")
WITH_COMMANDS = {"records", "reading"}


class Shown(NamedTuple):
    """A command as a page shows it: its words, and the names of its flags."""

    words: tuple[str, ...]
    flags: tuple[str, ...]


def shown_in(text):
    """The commands of a page, each written over one line or several."""
    lines = SHOWN.findall(re.sub(r"\\\n *", "", text))
    return [_parse(re.sub(r"'[^']*'", "''", line)) for line in lines]


def _parse(line):
    words = line.split()
    depth = 2 if words[0] in WITH_COMMANDS and len(words) > 1 else 1
    return Shown(tuple(words[:depth]), tuple(FLAG.findall(" ".join(words[depth:]))))


@functools.cache
def help_of(*words):
    command = [sys.executable, "-m", "deepresolve", *words, "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, (words, result.stderr)
    return result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_exist(page):
    for shown in shown_in(page.read_text("utf-8")):
        assert shown.words[0] in COMMANDS, shown
        told = help_of(*(word for word in shown.words if not word.startswith("-")))
        for flag in set(shown.flags) - {"help"}:
            assert re.search(rf"--\[?(?:no)?\]?{flag}\b", told), (flag, shown)


def test_commands_are_found():
    # That the search above can fail.
    text = """
    deepresolve predict --input=a \\
        --label_names='--not a flag' -o b   # --a comment
See `deepresolve records convert --dataset=folder`.
"""
    assert shown_in(text) == [
        Shown(("predict",), ("input", "label_names", "o")),
        Shown(("records", "convert"), ("dataset",)),
    ]
    assert sum(len(shown_in(page.read_text("utf-8"))) for page in PAGES) > 60
