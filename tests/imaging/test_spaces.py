"""Both forms of a NIfTI header go through whatever is done to a volume."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepresolve.imaging import spaces
from deepresolve.imaging import volume as volumes

SHAPE = (4, 5, 6)
FEW = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def affines(draw):
    """Rotations about the axes with voxels of 0.3 to 4 mm, nearest to any axes."""
    angles = draw(st.tuples(*[st.floats(-40, 40)] * 3))
    sizes = draw(st.tuples(*[st.floats(0.3, 4)] * 3))
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from([-1, 1])] * 3))
    rotation = nib.eulerangles.euler2mat(*np.deg2rad(angles))
    affine = np.eye(4)
    affine[:3, :3] = (rotation * signs * sizes)[:, order]
    affine[:3, 3] = draw(st.tuples(*[st.floats(-200, 200)] * 3))
    return affine


@st.composite
def operations(draw):
    """A few operations, each of which keeps (3, ...) axes of two voxels or more."""
    steps = {
        "canonical": lambda v: v.canonical(),
        "restore": lambda v: v.restore(),
        "crop": lambda v: v.crop([slice(0, 4), slice(1, 5), slice(0, 3)]),
        "mask": lambda v: v.with_array(v.array > 7),
        "thin": lambda v: v.resliced(
            np.repeat(v.array, 2, axis=v.slice_axis), step=0.5
        ),
    }
    return [steps[name] for name in draw(st.lists(st.sampled_from(list(steps))))]


@FEW
@given(affines(), affines(), operations(), st.sampled_from([0, 1, 2]))
def test_both_forms_are_moved_alike(affine, other, steps, slice_axis):
    """Where other = T @ affine, that stays so: T takes mm to mm, whatever the grid."""
    form = spaces.OtherForm("mni", other, is_sform=True)
    volume = volumes.Volume(
        np.arange(120).reshape(SHAPE), affine, slice_axis, 1.0, None, "aligned", form
    )
    between = other @ np.linalg.inv(affine)
    for step in steps:
        try:
            volume = step(volume)
        except ValueError:  # A crop of what is too small by now.
            continue
    assert volume.space == "aligned"
    assert (volume.other_form.space, volume.other_form.is_sform) == ("mni", True)
    np.testing.assert_allclose(
        volume.other_form.affine, between @ volume.affine, rtol=1e-8, atol=1e-6
    )


def test_the_names_are_niftis():
    """nifti1.h, NIFTI_XFORM_*: 0 to 5, by nibabel's table."""
    codes = nib.nifti1.xform_codes
    assert [codes[name] for name in spaces.SPACES] == [0, 1, 2, 3, 4, 5]


def test_other_names_are_refused():
    volume = volumes.Volume(np.zeros(SHAPE), np.eye(4))
    assert (volume.space, volume.other_form) == ("scanner", None)
    with pytest.raises(ValueError, match=r"one of unknown, scanner, .*'MNI'"):
        dataclasses.replace(volume, space="MNI")
    with pytest.raises(ValueError, match="A space is one of"):
        spaces.OtherForm("sform", np.eye(4), is_sform=True)
