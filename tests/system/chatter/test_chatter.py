"""Each in a process of its own, most with a TensorFlow of a few lines."""

import os
import pathlib
import re
import signal
import subprocess
import sys
from subprocess import PIPE

import pytest

ROOT = pathlib.Path(__file__).parents[3]
CHATTER = "I0000 00:00:1795989245.817340   32040 port.cc:153] oneDNN is on.\n"
NO_GPU = (
    "E0000 00:00:1795989283.278018   32640 cuda_platform.cc:52] failed call to cuInit: "
    "INTERNAL: CUDA_ERROR_NO_DEVICE\n"
)
ERROR = "E0000 00:00:1795989283.278018   32640 gpu_device.cc:1] Out of memory\n"
LOADING = "Loading TensorFlow ..."
CHILD = "import deepresolve, tensorflow"
FAKE = f"""
import os
os.write(2, {CHATTER!r}.encode())
{{while_loading}}
class config:
    def list_physical_devices():
        os.write(2, {NO_GPU!r}.encode())
        {{while_looking}}
"""
COMMAND = """
import os, sys
from deepresolve.system import entry

def run():
    import tensorflow
    assert tensorflow.__spec__.loader is tensorflow.__loader__
    assert "chatter" not in type(tensorflow.__loader__).__module__
    {then}

entry.launch(run)
"""


@pytest.fixture
def start(tmp_path):
    """Runs a command that loads a TensorFlow that says chatter, and more if asked."""

    def launch(
        *, then="pass", loading="pass", looking="pass", errors=PIPE, **environment
    ):
        module = FAKE.format(while_loading=loading, while_looking=looking)
        (tmp_path / "tensorflow.py").write_text(module)
        path = f"{tmp_path}{os.pathsep}{ROOT}"
        unset = {"TF_CPP_MIN_LOG_LEVEL", "DEEPRESOLVE_QUIET"}
        kept = {k: v for k, v in os.environ.items() if k not in unset}
        return subprocess.run(
            [sys.executable, "-c", COMMAND.format(then=then)],
            env={**kept, "PYTHONPATH": path, **environment},
            stdout=PIPE,
            stderr=errors,
            text=True,
            timeout=30,
        )

    return launch


def test_chatter_does_not_reach_the_screen(start):
    done = start()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("place", ["loading", "looking"])
def test_a_real_error_does(start, place):
    write = f"os.write(2, {ERROR!r}.encode())"
    done = start(**{place: write})
    assert (done.returncode, done.stderr) == (0, ERROR)


def test_what_comes_later_is_not_touched(start):
    done = start(then=f"os.write(2, {(NO_GPU + CHATTER)!r}.encode())")
    assert done.stderr == NO_GPU + CHATTER


def test_warnings_of_python_and_text_without_an_end_pass(start):
    loading = "import sys; print('warned', file=sys.stderr); os.write(2, b'half')"
    assert start(loading=loading).stderr.startswith("warned\nhalf")


def test_an_exception_while_it_is_loaded_is_told(start):
    done = start(loading="raise TypeError('broken')")
    assert done.returncode == 1
    assert "TypeError: broken" in done.stderr
    assert CHATTER not in done.stderr


def test_what_a_crash_says_last_is_seen(start):
    done = start(loading=f"os.write(2, {ERROR!r}.encode()); os.abort()")
    assert done.returncode == -signal.SIGABRT
    assert done.stderr.startswith(ERROR)
    assert "Fatal Python error: Aborted" in done.stderr
    assert CHATTER not in done.stderr


def test_processes_of_a_command_are_quiet_too(start):
    script = "import deepresolve, tensorflow, os; os.write(2, b'seen')"
    done = start(
        then=f"import subprocess; subprocess.run([sys.executable, '-c', {script!r}])"
    )
    assert done.stderr == "seen"


def test_a_process_that_holds_the_pipe_holds_up_nothing(start, tmp_path):
    """Where a pipe would be read until `sleep` ends, too, a file is not."""
    sleep = "import subprocess; subprocess.Popen(['sleep', '60'], stdout=-3)"
    with (tmp_path / "errors").open("w+") as errors:
        start(loading=sleep, then="os.write(2, b'seen')", errors=errors)
        errors.seek(0)
        assert errors.read() == "seen"


def test_who_asks_for_more_gets_it(start):
    done = start(TF_CPP_MIN_LOG_LEVEL="0")
    assert done.stderr == CHATTER


def test_who_imports_the_package_hears_tensorflow_as_before(start, tmp_path):
    start()  # writes the module
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", "import deepresolve, tensorflow"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stderr == CHATTER


def test_tensorflow_itself_starts_without_a_word():
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("TF_", "CUDA"))
    }

    def start(**changes):
        script = COMMAND.format(then="tensorflow.zeros(1) + 1")
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "PYTHONPATH": str(ROOT), **changes},
            capture_output=True,
            text=True,
        )

    quiet, loud = start(), start(TF_CPP_MIN_LOG_LEVEL="0")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    # Which lines come depends on the processor; that any do does not.
    assert re.search(
        r"^(I\d{4} |\d{4}-\d\d-\d\d .*: [IWE] )", loud.stderr, re.MULTILINE
    )


def test_it_does_without_what_keras_would_bring_along_for_nothing(start):
    loading = """
for name in ("matplotlib", "sklearn"):
    try:
        __import__(name)
    except ImportError:
        os.write(2, b"none\\n")
"""
    done = start(loading=loading, then="import matplotlib.figure, sklearn")
    assert (done.returncode, done.stderr) == (0, "none\nnone\n")


def test_a_terminal_says_what_is_waited_for(start):
    """And, in the place of a screen, what is left of that when it has come."""
    read, write = os.openpty()
    then = f"import subprocess; subprocess.run([sys.executable, '-c', {CHILD!r}])"
    start(then=then + "; print('ready', file=sys.stderr)", errors=write)
    os.close(write)
    told = os.read(read, 4096).decode()
    os.close(read)
    assert told == f"{LOADING}\r{' ' * len(LOADING)}\rready\r\n"
