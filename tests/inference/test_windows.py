"""The window that memory allows, worked out by hand."""

import pytest

from deepresolve import presets
from deepresolve.inference.windows import fitting_window

OAI = (384, 384, 160)
DEMO = (144, 144, 121)


@pytest.mark.parametrize(
    ("preset", "shape", "memory_gib", "window"),
    [
        # 110 MiB a slice: 384 x 384 x (6 x 32 features + 2 x 2 outputs) x 4 bytes.
        ("seg_cnn", OAI, 4.0, (384, 384, 32)),  # 37 slices fit; the network takes 16s
        ("seg_cnn", OAI, 18.0, (384, 384, 160)),  # 167 slices
        ("seg_cnn", OAI, 3.0, (288, 288, 32)),  # 27: fewer than a training patch's 32
        ("seg_cnn", (384, 384, 20), 4.0, (384, 384, 20)),
        ("seg_cnn_small", DEMO, 4.0, DEMO),  # 12 features: 0.7 GiB
        # 218 MiB a slice: 64 features.
        ("segnet_2d", OAI, 4.0, (384, 384, 18)),
        ("segnet_2d", OAI, 0.1, (288, 288, 1)),
        ("seg_cnn_small", DEMO, 0.0, (64, 64, 24)),
    ],
)
def test_window_is_as_large_as_memory_allows(preset, shape, memory_gib, window):
    assert fitting_window(shape, presets.get(preset), memory_gib) == window
