"""What tests of several rooms share."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

# Before TensorFlow is first imported: no chatter, and no GPU, so that results do not
# depend on the machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


@pytest.fixture(scope="session")
def real_scans():
    """Folder of real scans; tests that need it are skipped without it."""
    folder = os.environ.get("DEEPRESOLVE_DATA")
    if not folder:
        pytest.skip("needs real scans: set DEEPRESOLVE_DATA to their folder")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def smooth_array():
    """A (24, 20, 36) float32 array in 0..1 with structure along every axis."""
    i, j, k = np.meshgrid(*(np.linspace(0, 1, n) for n in (24, 20, 36)), indexing="ij")
    waves = np.sin(9 * i + 5 * k) + np.cos(7 * j - 6 * k) + np.sin(25 * k)
    return ((waves - waves.min()) / np.ptp(waves)).astype(np.float32)


@pytest.fixture(scope="session")
def volume_source():
    """Makes the `volumes` of a training from arrays in 0..1, whatever the seed."""
    import tensorflow as tf  # tests of imaging do without

    signature = {
        "image": tf.TensorSpec((None, None, None)),
        "intensity": tf.TensorSpec((2,)),
    }

    def source(arrays):
        def generate():
            for array in arrays:
                yield {"image": array, "intensity": np.array([0, 1], np.float32)}

        return lambda seed: tf.data.Dataset.from_generator(
            generate, output_signature=signature
        )

    return source


@pytest.fixture
def full_disk():
    """A context in which no file can grow beyond a number of bytes.

    The operating system refuses the write, as a full disk or a quota does. Only for as
    long as the context lasts: pytest's own report may go to a file, too.
    """
    resource = pytest.importorskip("resource")

    @contextlib.contextmanager
    def limit(num_bytes):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture(scope="session")
def files_of_a_run():
    """What a workdir holds when its run is complete, in order."""
    return [
        "best.keras",
        "checkpoints",
        "config.json",
        "last.keras",
        "provenance.json",
        "tensorboard",
    ]


@pytest.fixture(scope="session")
def run_script(tmp_path_factory):
    """Runs a script or module as its user does, but with TensorFlow already loaded.

    See warm_start.py; what a script must not load is tested in other ways.
    """
    tests = pathlib.Path(__file__).parent
    folder = tmp_path_factory.mktemp("streams")
    streams = {"output": str(folder / "output"), "errors": str(folder / "errors")}
    server = subprocess.Popen(
        [sys.executable, tests / "warm_start.py"],
        cwd=tests.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(script, *arguments, seconds=300):
        command = {"script": script, "arguments": [str(a) for a in arguments]}
        print(
            json.dumps(command | streams | {"seconds": seconds}),
            file=server.stdin,
            flush=True,
        )
        status = int(server.stdout.readline())
        texts = (pathlib.Path(path).read_text() for path in streams.values())
        return subprocess.CompletedProcess((script, *arguments), status, *texts)

    with server:
        yield run
        server.stdin.close()
