"""The picture of one scan, on a small stand-in of its two volumes."""

import io
import pathlib
import sys

import matplotlib.image
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def one_scan():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import one_scan

        yield one_scan
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def scan():
    """Sagittal, bright on the patient's right, where it begins: (32, 32, 8)."""
    affine = np.array([[0, 0, -4.0, 0], [0, 1.0, 0, 0], [-1.0, 0, 0, 0], [0, 0, 0, 1]])
    array = np.broadcast_to(np.linspace(1, 0, 8, dtype=np.float32), (32, 32, 8))
    return Volume(array.copy(), affine, slice_axis=2)


def test_panels_stand_as_a_radiologist_reads_them(one_scan, scan):
    for plane, top in (("coronal", "S"), ("axial", "A")):
        shown = one_scan.panel(scan, plane)
        assert shown.edges[0] == top and shown.edges[1] == "L"
        assert shown.pixel_mm == (1.0, 4.0)
        assert (shown.pixels[0, 0], shown.pixels[0, -1]) == (1, 0)


def test_the_picture_has_a_column_a_volume(one_scan, scan):
    thin = scan.resliced(
        np.repeat(scan.array, 2, axis=2), step=0.5, first=-0.25, slice_thickness_mm=2.0
    )
    smooth = one_scan.cubic(scan, thin)
    assert smooth.shape == thin.shape
    # A spline through a straight line, held past the ends.
    np.testing.assert_allclose(
        smooth.array[0, 0, 1:-1], np.linspace(1, 0, 29)[1:-1:2], atol=1e-5
    )
    png = one_scan.draw({"acquired": scan, "cubic": smooth, "computed": thin})
    image = matplotlib.image.imread(io.BytesIO(png))
    assert image.shape[1] == 2000 and image[..., :3].max() > 0.9
