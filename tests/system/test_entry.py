import signal
import subprocess
import sys

import pytest

_SCRIPT = """
from deepresolve.system import entry

def run():
    {body}

entry.launch(run)
"""


def launch(body, *arguments):
    script = _SCRIPT.format(body=body)
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("body", "status", "stderr"),
    [
        ("return None", 0, ""),
        ("return 3", 3, ""),
        ("raise ValueError('no such knee')", 1, "error: no such knee\n"),
        ("raise FileNotFoundError('gone')", 1, "error: gone\n"),
        ("raise KeyboardInterrupt", 130, "\nInterrupted.\n"),
    ],
)
def test_ends_with_a_status_and_at_most_one_line(body, status, stderr):
    result = launch(body)
    assert (result.returncode, result.stderr) == (status, stderr)


def test_interrupted_work_ends_with_the_status_of_its_signal():
    body = (
        "from deepresolve.system.interruption import Interrupted; raise Interrupted(15)"
    )
    result = launch(body)
    assert (result.returncode, result.stderr) == (143, "\nEnded by SIGTERM.\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("place", ["signal.raise_signal({0})", "Finalized()"])
def test_a_signal_ends_the_work_wherever_it_comes(name, place):
    """Python passes over what a finalizer raises."""
    number = getattr(signal, name)
    body = f"""
    import signal, time
    from deepresolve.system import interruption

    class Finalized:
        def __del__(self):
            signal.raise_signal({number})
            time.sleep(0)

    interruption.raise_on_sigterm()
    {place.format(number)}
    for _ in range(200):
        time.sleep(0.1)
    print('to the end')
"""
    result = launch(body)
    assert not result.stdout
    told = "\nInterrupted.\n" if name == "SIGINT" else "\nEnded by SIGTERM.\n"
    assert (result.returncode, result.stderr) == (128 + number, told)


def test_a_signal_while_a_module_in_c_is_loaded_is_one():
    """pybind11 makes an ImportError of it, as seen in TensorFlow's modules."""
    text = "raise ImportError('initialization failed') from {}"
    result = launch(text.format("KeyboardInterrupt()"))
    assert (result.returncode, result.stderr) == (130, "\nInterrupted.\n")
    result = launch(text.format("ValueError()"))
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_our_own_mistakes_keep_their_traceback():
    result = launch("raise TypeError('a bug')")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_another_parser_gives_the_argument_of_the_command():
    script = """
from absl.flags import argparse_flags
from deepresolve.system import entry

parser = argparse_flags.ArgumentParser()
parser.add_argument("--status", type=int)
entry.launch(lambda flags: flags.status, lambda argv: parser.parse_args(argv[1:]))
"""
    command = [sys.executable, "-c", script, "--status=7"]
    assert subprocess.run(command).returncode == 7


def test_stray_arguments_are_refused():
    result = launch("return None", "stray")
    assert result.returncode == 1
    assert "Unexpected arguments ['stray']" in result.stdout + result.stderr
