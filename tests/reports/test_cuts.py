"""Cuts against nibabel's reorientation, in all orientations there are."""

import itertools

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.reports.cuts import cut

AXCODES = [
    "".join(letters)
    for order in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*order)
]


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial"])
def test_cut_takes_a_volume_to_its_plane(plane):
    """In all 48 orientations, slices stepping sideways."""
    for axcodes in AXCODES:
        shape = (4, 5, 6)
        affine = nib.orientations.inv_ornt_aff(
            nib.orientations.axcodes2ornt(axcodes), shape
        ) @ np.diag([0.5, 0.6, 0.8, 1.0])
        affine[:3, 2] += 0.1
        volume = Volume(np.arange(120).reshape(shape), affine)
        turned, found = (
            volume.in_plane(plane),
            cut(volume.orientation, volume.spacing_mm, plane),
        )
        array = volume.array.transpose(found.axes)
        array = array[tuple(slice(None, None, -1 if f else 1) for f in found.flipped)]
        np.testing.assert_array_equal(array, turned.array)
        assert found.pixel_mm == turned.spacing_mm[:2]
        # As a radiologist stands before it: top, right, bottom, left.
        expected = {"sagittal": "SPIA", "coronal": "SLIR", "axial": "ALPR"}
        assert "".join(found.edges) == expected[plane]
