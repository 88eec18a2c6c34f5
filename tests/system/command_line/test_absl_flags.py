"""Each command line in a process of its own: absl's flags are the whole process's."""

import subprocess
import sys

import pytest

_SCRIPT = '''
"""Counts knees."""
import sys
from absl import flags
from deepresolve.system import entry, path_flags
from deepresolve.system.command_line.absl_flags import CommandLine

path_flags.define("input", None, "A folder.")
path_flags.define("output", "out", "A table.")
flags.DEFINE_integer("knees", 2, "How many - two as a rule.", 0, 9)
flags.DEFINE_enum("side", None, ["left", "right"], "Which.")
flags.DEFINE_bool("fast", False, "Guesses.")
flags.mark_flag_as_required("input")
FLAGS = flags.FLAGS


def run():
    print(FLAGS.input, FLAGS.output, FLAGS.knees, FLAGS.fast)


entry.launch(run, command_line=CommandLine("knees count"))
'''
_PAGE = """\
Counts knees.

usage: knees count [flags]

flags:
  --[no]fast: Guesses.
      (default: false)
  -i, --input: A folder.
      (a path; ~ is your home) (required)
  --knees: How many - two as a rule.
      (an integer in the range [0, 9]) (default: 2)
  -o, --output: A table.
      (a path; ~ is your home) (default: out)
  --side: <left|right>: Which.
"""


def launch(*arguments):
    command = [sys.executable, "-c", _SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("flag", ["--help", "-h", "-help", "-?", "--helpshort"])
def test_help_is_the_page_of_the_command_and_no_failure(flag):
    done = launch("--knees=3", flag)
    assert (done.returncode, done.stdout, done.stderr) == (0, _PAGE, "")


def test_full_help_has_absls_own_flags_too():
    done = launch("--helpfull")
    assert done.returncode == 0
    assert done.stdout.startswith(_PAGE)
    assert "--verbosity" in done.stdout


def test_help_behind_two_dashes_is_an_argument():
    done = launch("--input=a", "--", "--help")
    assert done.returncode == 1
    assert "Unexpected arguments ['--help']" in done.stderr


def test_input_and_output_have_one_letter():
    done = launch("-i", "a", "-o=b")
    assert (done.returncode, done.stdout) == (0, "a b 2 False\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--inptu=a"], "There is no flag --inptu. Did you mean --input?"),
        (["--input=a", "--zebra"], "There is no flag --zebra."),
        (["--nofats"], "There is no flag --nofats. Did you mean --fast?"),
        (["--side=left"], "Missing: --input."),
        (["--input=a", "stray"], "Unexpected arguments ['stray']; a flag needs --."),
        (
            ["--input=a", "--side=middle"],
            "flag --side=middle: value should be one of <left|right>",
        ),
    ],
)
def test_what_is_wrong_is_one_line(arguments, told):
    done = launch(*arguments)
    line = f"error: {told} See knees count --help.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


def test_without_arguments_it_shows_what_there_is():
    done = launch()
    line = "error: Missing: --input. See knees count --help.\n"
    assert (done.returncode, done.stderr) == (1, _PAGE + line)


def test_a_pipe_that_is_closed_early_is_no_error():
    shown = f"{sys.executable} -c '{_SCRIPT}' --helpfull | head -1"
    done = subprocess.run(["bash", "-c", shown], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Counts knees.\n", "")
