"""Small scans as subjects, and the results of an evaluation of them."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve.evaluation.subjects import evaluate_super_resolution
from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.volume import Volume


@dataclasses.dataclass(frozen=True)
class FakeSubject:
    subject: str
    person: str
    image: Volume
    scale: IntensityScale


def _make_subject(seed, person=None, shape=(24, 22, 20), axcodes="IPL"):
    """A smooth random image of 1000 +- 300 units; the slice axis is the last one."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    array = (1000 + 300 * smooth / smooth.std()).astype(np.int16)
    affine = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt(axcodes), shape
    ) @ np.diag([0.5, 0.6, 0.8, 1.0])
    image = Volume(array, affine, slice_axis=2).canonical()
    name = f"knee-{seed}"
    return FakeSubject(name, person or name, image, estimate_scale(image.array))


@pytest.fixture(scope="session")
def make_subject():
    return _make_subject


@pytest.fixture(scope="session")
def subjects():
    return [_make_subject(seed) for seed in range(3)]


@pytest.fixture(scope="session")
def results(subjects):
    """SR that equals TCI."""
    return evaluate_super_resolution(subjects, lambda tci: tci, downsample_factor=3)


@pytest.fixture(scope="session")
def better_results(subjects):
    """SR half as wrong as TCI: the mean of TCI and truth, one subject after another."""
    truths = iter(subjects)

    def halve_the_error(interpolated):
        image = next(truths).image
        truth = estimate_scale(thicken(image, 3).array).apply(image.array)
        return (interpolated + truth[..., :19]) / 2  # 0, 3, .., 18 are acquired

    return evaluate_super_resolution(subjects, halve_the_error, downsample_factor=3)
