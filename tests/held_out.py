"""Makers of small held-out subjects, for tests of what measures them."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.volume import Volume


@dataclasses.dataclass(frozen=True)
class FakeSubject:
    subject: str
    person: str
    image: Volume
    label: Volume | None
    scale: IntensityScale
    arrays: dict = dataclasses.field(default_factory=dict)
    scalars: dict = dataclasses.field(default_factory=dict)


def label_map(scaled):
    """Bright voxels are class 1, dark ones class 2: right for the ground truth.

    Takes a scaled Volume, as a network does, or its voxels.
    """
    scaled = getattr(scaled, "array", scaled)
    return (np.where(scaled > 0.6, 1, 0) + np.where(scaled < 0.4, 2, 0)).astype(
        np.uint8
    )


def tci(thick, factor, progress=False):
    """What a super-resolution gives that adds nothing to interpolation."""
    return interpolate(thick, factor).array


def smooth_subject(seed, person=None, shape=(24, 22, 20), axcodes="IPL"):
    """A smooth random image of 1000 +- 300 units; the slice axis is the last one."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    array = (1000 + 300 * smooth / smooth.std()).astype(np.int16)
    affine = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt(axcodes), shape
    ) @ np.diag([0.5, 0.6, 0.8, 1.0])
    image = Volume(array, affine, slice_axis=2).canonical()
    scale = estimate_scale(image.array)
    values = np.array([1, 4, 7], np.uint8)  # what is neither bright nor dark is femur
    label = image.with_array(values[label_map(scale.apply(image.array))])
    name = f"knee-{seed}"
    return FakeSubject(name, person or name, image, label, scale)


@pytest.fixture(scope="session")
def make_subject():
    return smooth_subject


@pytest.fixture(scope="session")
def segment():
    return label_map
