"""What tests of several rooms share."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pydicom
import pytest
from pydicom import uid

# Of the synthetic DICOM slices.
SERIES_UID = "1.2.826.0.1.3680043.8.498.11111111"

# Before TensorFlow is first imported: no chatter, and no GPU, so that results do not
# depend on the machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


# A shell starts what runs in the background with Ctrl-C ignored, and so would be all
# that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def real_scans():
    """Folder of real scans; tests that need it are skipped without it."""
    folder = os.environ.get("DEEPRESOLVE_DATA")
    if not folder:
        pytest.skip("needs real scans: set DEEPRESOLVE_DATA to their folder")
    return pathlib.Path(folder)


@pytest.fixture
def new_browser():
    """Makes headless Chromiums; skips where one, its driver or Selenium is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs Selenium")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("needs chromium and chromedriver")

    with contextlib.ExitStack() as opened:

        def make(capabilities=()):
            options = webdriver.ChromeOptions()
            options.binary_location = program
            for flag in ("headless=new", "no-sandbox", "disable-gpu"):
                options.add_argument(f"--{flag}")
            options.add_argument("--window-size=1280,900")
            for name, value in dict(capabilities).items():
                options.set_capability(name, value)
            service = webdriver.ChromeService(driver)
            browser = webdriver.Chrome(options=options, service=service)
            opened.callback(browser.quit)
            return browser

        yield make


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
        "training_set.json",
    ]


class _StartedScript:
    """A script that runs beside the tests.

    Attributes:
      pid: its process.
    """

    def __init__(self, ask, command):
        self.pid = ask(command)
        self._ask = ask
        self._command = command
        self._result = None

    def result(self):
        """Waits for its end."""
        if self._result is None:
            status = self._ask({"wait": self.pid})
            started = self._command
            paths = (pathlib.Path(started[name]) for name in ("output", "errors"))
            texts = (path.read_text("utf-8") for path in paths)
            self._result = subprocess.CompletedProcess(
                (started["script"], *started["arguments"]), status, *texts
            )
        return self._result

    def kill(self):
        """Ends it, if it has not ended."""
        if self._result is None:
            os.kill(self.pid, signal.SIGKILL)
            self.result()


@pytest.fixture(scope="session")
def script_server(tmp_path_factory):
    """Opens a process that has TensorFlow; the context is what runs a script there.

    See warm_start.py. It starts in a folder, with an environment and arguments. What
    runs a script has a `start`, which does not wait for its end.
    """
    tests = pathlib.Path(__file__).parent

    @contextlib.contextmanager
    def open_server(*arguments, folder=tests.parent, environment=None):
        server = subprocess.Popen(
            [sys.executable, tests / "warm_start.py", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(command):
            print(json.dumps(command), file=server.stdin, flush=True)
            return int(server.stdout.readline())

        def start(script, *arguments, seconds=300, **settings):
            streams = tmp_path_factory.mktemp("streams")
            command = {
                "script": str(script),
                "arguments": [str(argument) for argument in arguments],
                "output": str(streams / "output"),
                "errors": str(streams / "errors"),
                "seconds": seconds,
            }
            return _StartedScript(ask, command | settings)

        def run(script, *arguments, **settings):
            return start(script, *arguments, **settings).result()

        run.start = start
        with server:
            yield run
            server.stdin.close()

    return open_server


@pytest.fixture(scope="session")
def run_script(script_server):
    """Runs a script or module as its user does, but with TensorFlow already loaded.

    What a script must not load is tested in other ways.
    """
    with script_server() as run:
        yield run


def _write_dicom_slice(
    path, pixels, *, position, syntax=uid.ExplicitVRLittleEndian, **tags
):
    """Writes one MR slice by pydicom.

    Args:
      path: of the file.
      pixels: (rows, columns) int16 or uint16.
      position: ImagePositionPatient.
      syntax: transfer syntax.
      **tags: other elements by keyword; None leaves a default out.
    """
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = syntax
    dataset = pydicom.dataset.FileDataset(
        str(path),
        {},
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=syntax.is_implicit_VR,
        is_little_endian=syntax.is_little_endian,
    )
    elements = {
        "SOPClassUID": uid.MRImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": SERIES_UID,
        "SeriesNumber": 4,
        "ImagePositionPatient": [float(x) for x in position],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.75],
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    for keyword, value in {**elements, **tags}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    byte_order = "<" if syntax.is_little_endian else ">"
    raw = pixels.astype(pixels.dtype.newbyteorder(byte_order)).tobytes()
    dataset.PixelData = pydicom.encaps.encapsulate([raw]) if _packed(syntax) else raw
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path)


def _packed(syntax):
    return syntax.is_compressed and syntax != uid.DeflatedExplicitVRLittleEndian


@pytest.fixture
def write_slice():
    return _write_dicom_slice


@pytest.fixture
def write_stack(tmp_path):
    """Writes `num_slices` axial slices 4 mm apart; returns their folder and voxels.

    Keyword `each` maps a slice's number to further tags for it. The voxels are the
    (column, row, slice) array that a reader should find.
    """

    def write(name="scan", *, num_slices=4, each=None, **tags):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        voxels = np.random.default_rng(7).integers(
            -500, 2000, (3, 5, num_slices), dtype=np.int16
        )
        for number in range(num_slices):
            own = {"position": (-10, -20, 4 * number), **tags}
            if each is not None:
                own |= each(number)
            file = folder / own.pop("name", f"slice{number}.dcm")
            _write_dicom_slice(file, own.pop("pixels", voxels[:, :, number].T), **own)
        return folder, voxels

    return write
