"""Work in a Beam pipeline: answers, errors, and what stays behind."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
# In a process of its own, for Beam warns where our tests allow no warning.
SCRIPT = """
import json, pathlib, sys
from deepresolve.system import beam

class Doubling:
    def __init__(self, failing):
        self.failing = failing

    def prepare(self):
        return 2

    def do(self, task, factor):
        if task in self.failing:
            raise {"v": ValueError, "o": OSError, "k": KeyError}[task](f"bad {task}")
        return factor * task

def run(failing):
    tasks = ["a", "v", "o", "k", "b"]
    try:
        with beam.scratch_folder(sys.argv[1]) as scratch:
            try:
                beam.run(Doubling(failing), tasks, scratch=scratch, options="")
            finally:
                yield beam.finished_answers(scratch, len(tasks))
            yield beam.answers(scratch, len(tasks))
    except Exception as error:
        yield [type(error).__name__, str(error)]

for failing in sys.argv[2:]:
    left = [path.name for path in pathlib.Path(sys.argv[1]).iterdir()]
    print(json.dumps([*run(failing), left]))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """For each set of tasks that fail of a, v, o, k and b: answers, error, files."""
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    folder = tmp_path_factory.mktemp("beam")
    (folder / ".beam").mkdir()
    (folder / ".beam" / "00000000.json").write_text("of somebody else")
    sets = ["", "ov", "o", "k", ""]
    command = [sys.executable, "-c", SCRIPT, str(folder), *sets]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip(sets, lines, strict=True))


def test_answers_come_in_the_order_of_the_tasks(said):
    answers = ["aa", "vv", "oo", "kk", "bb"]
    assert said[""][:-1] == [answers, answers]


def test_an_error_that_a_user_can_mend_is_raised_as_it_was(said):
    assert said["ov"][:-1] == [["aa", "kk", "bb"], ["ValueError", "bad v"]]
    assert said["o"][-2] == ["OSError", "bad o"]


def test_any_other_error_is_beams(said):
    kind, text = said["k"][-2]
    assert kind not in ("ValueError", "OSError")
    assert "bad k" in text


def test_nothing_stays_but_what_others_left(said):
    assert all(each[-1] == [".beam"] for each in said.values())
