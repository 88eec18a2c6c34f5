import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from deepresolve.system import pool


@pytest.mark.parametrize("num_workers", [1, 3])
def test_each_task_has_its_answer(num_workers):
    found = list(pool.answers(math.factorial, range(20), num_workers))
    assert sorted(found) == [math.factorial(n) for n in range(20)]
    if num_workers == 1:
        assert found == sorted(found)


def test_an_error_of_a_task_is_raised():
    with pytest.raises(ValueError, match="negative"):
        list(pool.answers(math.factorial, [1, 2, -1, 3], 2))


def test_a_worker_that_dies_is_told():
    with pytest.raises(ChildProcessError, match="fewer workers"):
        list(pool.answers(os._exit, [1, 1, 1], 2))


def test_who_stops_asking_leaves_the_rest():
    answers = pool.answers(time.sleep, [0.1] * 1000, 2)
    assert next(answers) is None
    start = time.monotonic()
    answers.close()
    assert time.monotonic() - start < 20


SCRIPT = """
import math, time
from deepresolve.system import pool
if __name__ == "__main__":
    for _ in pool.answers(time.sleep, [0.05] * 2000, 2):
        print("done", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path, number):
    (tmp_path / "work.py").write_text(SCRIPT)
    command = [sys.executable, tmp_path / "work.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"done\n"
        process.send_signal(number)
        # The pipe closes when the last worker has ended.
        _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert (b"KeyboardInterrupt" in errors) == (number == signal.SIGINT)


THREADS = """
import json, os
from deepresolve.system import pool
if __name__ == "__main__":
    names = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    print(json.dumps(sorted(map(str, pool.answers(os.getenv, names, 2)))))
    assert "OPENBLAS_NUM_THREADS" not in os.environ
"""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, ["1", "1"]),
        ({"MKL_NUM_THREADS": "3"}, ["1", "3"]),
        ({"OMP_NUM_THREADS": "2"}, ["None", "None"]),
    ],
    ids=str,
)
def test_workers_share_the_cores_but_for_what_the_user_says(tmp_path, said, found):
    (tmp_path / "work.py").write_text(THREADS)
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    others = {name: v for name, v in os.environ.items() if name not in names}
    printed = subprocess.check_output(
        [sys.executable, tmp_path / "work.py"], env=others | said, timeout=120
    )
    assert json.loads(printed) == found


LATER = """
import os
from deepresolve.system import pool
if __name__ == "__main__":
    os.environ["GIVEN_UP"] = "1"
    names = ["LATER", "GIVEN_UP"]
    for later, given_up in (("one", "1"), ("two", None)):
        os.environ["LATER"] = later
        if given_up is None:
            del os.environ["GIVEN_UP"]
        assert set(pool.answers(os.getenv, names, 2)) == {later, given_up}
"""


def test_workers_have_the_environment_of_now(tmp_path):
    """Not that of the first, of which later ones are forks, too."""
    (tmp_path / "work.py").write_text(LATER)
    subprocess.run([sys.executable, tmp_path / "work.py"], check=True, timeout=120)


# The second module is loaded once; a spawned process would load it each.
COUNTED = {
    "work.py": """
from deepresolve.system import pool
import counted
if __name__ == "__main__":
    print(sorted(pool.answers(counted.do, [1, 2, 3], 3)))
    print(sorted(pool.answers(counted.do, [4, 5], 2)))
""",
    "counted.py": """
import os
with open("loaded", "a") as file:
    print(os.getpid(), file=file)
def do(number):
    return number
""",
}


def test_what_workers_need_is_loaded_once(tmp_path):
    for name, text in COUNTED.items():
        (tmp_path / name).write_text(text)
    subprocess.run([sys.executable, "work.py"], cwd=tmp_path, check=True, timeout=120)
    # By this process and by the one that the workers are forks of.
    assert len((tmp_path / "loaded").read_text().split()) == 2
