"""Pieces of a scan whose every voxel says where it lies."""

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import crops
from deepresolve.quantification.sites import Site

TURNED = np.array([[0, 0.6, -0.8], [0, 0.8, 0.6], [-1, 0, 0]])
CENTRE_MM = np.array([3.0, -20.0, 25.0])
COEFFICIENTS = np.array([2.0, -3.0, 5.0])


def scan_of(orientation, dtype=np.float32):
    """A scan that grows linearly in the world, which linear interpolation keeps."""
    plain = affine_along_axes(orientation, (0.7, 0.8, 1.1))
    shape = (100, 100, 80)
    middle = nib.affines.apply_affine(plain, (np.array(shape) - 1) / 2)
    plain[:3, 3] = CENTRE_MM - middle
    points = nib.affines.apply_affine(plain, np.indices(shape).reshape(3, -1).T)
    values = (points @ COEFFICIENTS + 1000).reshape(shape)
    return Volume(values.astype(dtype), plain)


def site(axes=TURNED):
    return Site("F", "ccMF", 0, 0.0, 0.0, CENTRE_MM, axes)


@pytest.mark.parametrize("kind", crops.KINDS.values(), ids=crops.KINDS)
@pytest.mark.parametrize("orientation", ["IPL", "RAS", "LSA"])
def test_each_voxel_of_a_piece_is_where_the_site_says(kind, orientation):
    found = crops.cut(scan_of(orientation), site(), kind)
    assert found.shape == kind.shape and found.array.dtype == np.float32
    assert found.spacing_mm == pytest.approx(kind.spacing_mm)
    kind.check(found)
    middle = (np.array(kind.shape) - 1) / 2
    for index in [(0, 0, 0), (3, 1, 2), tuple(np.array(kind.shape) - 1)]:
        steps = (index - middle) * kind.spacing_mm + (kind.outwards_mm, 0, 0)
        expected = (CENTRE_MM + steps @ TURNED) @ COEFFICIENTS + 1000
        assert found.array[index] == pytest.approx(expected, abs=0.02)


def test_whole_numbers_are_rounded_and_stay_whole():
    kind = crops.KINDS["cartilage"]
    exact = crops.cut(scan_of("IPL"), site(), kind).array
    found = crops.cut(scan_of("IPL", np.int16), site(), kind).array
    assert found.dtype == np.int16
    # The scan was rounded towards 0, too.
    assert np.abs(found - exact).max() <= 1.5


def test_beyond_the_scan_all_is_air():
    scan = scan_of("IPL")
    far = site()._replace(centre_mm=CENTRE_MM + 500)
    assert not crops.cut(scan, far, crops.KINDS["cartilage"]).array.any()


def test_a_whole_scan_is_no_piece():
    kind = crops.KINDS["cartilage"]
    with pytest.raises(ValueError, match=r"32 x 20 x 5 voxels of 0\.5 x 0\.5 x 1\.5"):
        kind.check(scan_of("IPL"))
    other = Volume(np.zeros(kind.shape), affine_along_axes("IPL", (1, 1, 1)))
    with pytest.raises(ValueError, match="deepresolve lesions"):
        kind.check(other)
