"""Work in a Beam pipeline: answers, errors, and what stays behind."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
# In a process of its own, for Beam warns where our tests allow no warning.
SCRIPT = """
import json, os, pathlib, sys
from deepresolve.system import beam

class Doubling:
    def prepare(self):
        return 2

    def do(self, task, factor):
        if task in sys.argv[2:]:
            raise {"v": ValueError, "o": OSError, "k": KeyError}[task](f"bad {task}")
        return [factor * task, os.getpid()]

tasks = ["a", "v", "o", "k", "b"]
try:
    with beam.scratch_folder(sys.argv[1]) as scratch:
        try:
            beam.run(Doubling(), tasks, scratch=scratch, options="")
        finally:
            done = beam.finished_answers(scratch, len(tasks))
            print(json.dumps([text for text, _ in done]))
        beam.answers(scratch, len(tasks))
except (ValueError, OSError) as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs five tasks, those named in the arguments failing; gives what it prints."""
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    folder = tmp_path_factory.mktemp("beam")
    (folder / ".beam").mkdir()
    (folder / ".beam" / "00000000.json").write_text("of somebody else")

    def run(*failing):
        command = [sys.executable, "-c", SCRIPT, str(folder), *failing]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert [path.name for path in folder.iterdir()] == [".beam"]
        return done

    return run


def test_answers_come_in_the_order_of_the_tasks(run):
    assert run().stdout == '["aa", "vv", "oo", "kk", "bb"]\n'


def test_an_error_that_a_user_can_mend_is_raised_as_it_was(run):
    assert run("o", "v").stdout == '["aa", "kk", "bb"]\nValueError bad v\n'
    assert run("o").stdout.endswith("\nOSError bad o\n")


def test_any_other_error_is_beams(run):
    done = run("k")
    assert done.returncode == 1
    assert "bad k" in done.stderr
