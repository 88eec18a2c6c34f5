import base64
import gzip

import numpy as np
import pytest

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.reports.preview.packing import eight_bit, pack


@pytest.mark.parametrize("shape", [(1, 2, 3), (7, 31, 29), (3, 200, 333)])
def test_text_holds_the_volume(shape):
    volume = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    text = "".join(pack(iter(volume)))
    stored = gzip.decompress(base64.b64decode(text, validate=True))
    differences = np.frombuffer(stored, np.uint8).reshape(shape)
    restored = np.cumsum(differences, axis=2, dtype=np.uint8)
    np.testing.assert_array_equal(restored, volume)


def test_smooth_rows_take_less():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 64, 1))
    assert len("".join(pack(ramp))) < ramp.size / 50


def test_eight_bits_are_rounded_and_clipped():
    scale = IntensityScale(100, 355)  # one unit is one step
    pixels = np.array([0, 100, 100.4, 100.6, 228, 355, 9000])
    assert eight_bit(pixels, scale).tolist() == [0, 0, 0, 1, 128, 255, 255]
