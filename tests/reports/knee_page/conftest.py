"""A synthetic knee, measured; and Chromiums that draw in three dimensions."""

import base64
import gzip
import shutil

import numpy as np
import pytest

from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom


class Measured:
    """A knee, its numbers, and what it is known to be.

    Attributes:
      knee: its `KneeMeasures`.
      image: the scan.
      label: its label map.
      side: "left" or "right".
    """

    def __init__(self, side):
        drawn = phantom.knee(
            seed=7, side=side, shape=(100, 100, 60), spacing_mm=(1.2, 1.2, 1.4)
        )
        self.side, self.image, self.label = side, drawn.image, drawn.label
        self.knee = measure(drawn.label, phantom.LABEL_NAMES)


@pytest.fixture(scope="session")
def left():
    return Measured("left")


@pytest.fixture(scope="session")
def right():
    return Measured("right")


@pytest.fixture(scope="session")
def names():
    return phantom.LABEL_NAMES


@pytest.fixture(scope="session")
def rows_of():
    """Reads rows of bytes out of the text of a page, by the standard library."""

    def read(text, length):
        stored = gzip.decompress(base64.b64decode(text, validate=True))
        differences = np.frombuffer(stored, np.uint8).reshape(-1, length)
        return np.cumsum(differences, axis=1, dtype=np.uint8).astype(int)

    return read


@pytest.fixture(scope="session")
def drawing_browser():
    """A Chromium whose WebGL a processor draws; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs Selenium")
    known = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, known)), None)
    driver = shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("headless=new", "no-sandbox", "enable-unsafe-swiftshader"):
        options.add_argument(f"--{flag}")
    for flag in ("use-gl=angle", "use-angle=swiftshader", "window-size=700,520"):
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService(driver)
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()
