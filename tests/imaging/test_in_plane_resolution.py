"""In-plane resolution, of scans whose k-space was filled up by a known factor."""

import functools

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.in_plane_resolution import in_plane_resolution_mm
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.simulation.phantom import knee

# Another one along each axis: neither is taken for the other.
SPACING_MM = (0.6, 0.8, 4.0)
NUM_PIXELS = 192
UNITS = 1000


@functools.cache
def tissue(seed):
    """(rows, columns, slices) without noise; bright tissue is about 1."""
    phantom = knee(
        seed=seed,
        shape=(NUM_PIXELS, NUM_PIXELS, 8),
        spacing_mm=(0.75, 0.75, 4.0),
        noise_sd=0,
        shading=0.3,
    )
    return phantom.image.array / np.percentile(phantom.image.array, 99)


def scan_of(array):
    # Canonical already: rows run down, columns to posterior.
    return Volume(array, affine_along_axes("IPL", SPACING_MM))


def acquired(array, factor, axis, *, noise_sd=0.03, keep=None, units=UNITS):
    """The magnitude image of a complex one whose k-space was filled up along an axis.

    Signal has a phase that changes over the field of view, and noise in both channels,
    which is filled up as the signal is: Rician in the magnitude.
    """
    i, j = np.meshgrid(*(np.linspace(-1, 1, n) for n in array.shape[:2]), indexing="ij")
    phase = np.exp(1j * (1.3 * i - 0.9 * j + 2 * i * j + 1.5 * i**2))[:, :, None]
    real, imaginary = np.random.default_rng(4).normal(0, noise_sd, (2, *array.shape))
    lines = np.moveaxis(array * phase + real + 1j * imaginary, axis, -1)
    num_pixels = lines.shape[-1]
    frequencies = np.abs(np.fft.fftfreq(num_pixels) * num_pixels)
    share = frequencies / (num_pixels / factor / 2)  # 1 at the edge of k-space
    weights = (share <= 1) * (1 if keep is None else keep(share))
    filled = np.fft.ifft(np.fft.fft(lines) * weights)
    return np.rint(units * np.abs(np.moveaxis(filled, -1, axis)))


def masked(array):
    """Air set to 0, as programs do that anonymise or segment."""
    blurred = ndimage.gaussian_filter(array, (1.5, 1.5, 0))
    inside = blurred > 0.12 * array.max()
    return array * ndimage.binary_opening(inside, np.ones((5, 5, 1)))


def share_found(array):
    """By axis: how much coarser than the pixels."""
    return np.array(in_plane_resolution_mm(scan_of(array))) / SPACING_MM[:2]


@pytest.mark.parametrize("noise_sd", [0, 0.03, 0.06])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("factor", [1.25, 1.5, 2])
def test_what_was_filled_up_is_found_along_its_axis_alone(factor, axis, noise_sd):
    found = share_found(acquired(tissue(3), factor, axis, noise_sd=noise_sd))
    assert found[axis] == pytest.approx(factor, rel=0.05)
    assert found[1 - axis] == 1


def test_both_axes_may_be_filled_up_and_the_scan_lie_in_any_axes():
    array = acquired(tissue(11), 1.5, 0)
    both = acquired(array / UNITS, 2, 1)
    expected = pytest.approx((1.5 * 0.6, 2 * 0.8), rel=0.05)
    assert in_plane_resolution_mm(scan_of(both)) == expected
    turned = Volume(
        np.ascontiguousarray(np.flip(both.transpose(2, 1, 0), 0)),
        affine_along_axes("RPI", (4.0, 0.8, 0.6)),
        slice_axis=0,
    )
    assert in_plane_resolution_mm(turned) == expected


@pytest.mark.parametrize("factor", [1.25, 1.5, 2])
def test_a_mask_does_not_hide_it(factor):
    array = masked(acquired(tissue(3), factor, 0))
    assert np.mean(array == 0) > 0.2
    assert share_found(array) == pytest.approx((factor, 1), rel=0.05)


def test_a_crop_does_not_hide_it():
    array = acquired(tissue(3), 1.5, 0)[40:-40, 40:-40]
    assert share_found(array) == pytest.approx((1.5, 1), rel=0.05)


def test_of_a_fermi_filter_the_half_power_is_taken():
    # 1 / (1 + exp) is the root of a half at exp = sqrt(2) - 1.
    found = share_found(
        acquired(
            tissue(3), 1.5, 0, keep=lambda share: 1 / (1 + np.exp((share - 0.9) / 0.03))
        )
    )
    half = 0.9 + 0.03 * np.log(np.sqrt(2) - 1)
    assert found == pytest.approx((1.5 / half, 1), rel=0.05)


def test_a_hamming_filter_does_not_hide_it_where_there_is_little_noise():
    array = acquired(
        tissue(3),
        1.5,
        0,
        noise_sd=0.005,
        keep=lambda share: 0.54 + 0.46 * np.cos(np.pi * share),
    )
    assert share_found(array) == pytest.approx((1.5, 1), rel=0.05)


@pytest.mark.parametrize("seed", [3, 11])
@pytest.mark.parametrize("noise_sd", [0, 0.03, 0.06])
def test_what_was_not_filled_up_has_the_resolution_of_its_pixels(seed, noise_sd):
    array = acquired(tissue(seed), 1, 0, noise_sd=noise_sd)
    assert in_plane_resolution_mm(scan_of(array)) == pytest.approx(SPACING_MM[:2])
    assert tuple(share_found(masked(array))) == (1, 1)


@pytest.mark.parametrize("units", [60, 1000])
@pytest.mark.parametrize("noise_sd", [0, 0.02])
@pytest.mark.parametrize("width", [0.7, 1.2, 2.0])
def test_a_spectrum_that_fades_smoothly_into_noise_is_no_edge(width, noise_sd, units):
    """Noise of the scanner, or of rounding to whole numbers alone."""
    blurred = ndimage.gaussian_filter(tissue(3), (width, width, 0))
    array = acquired(blurred, 1, 0, noise_sd=noise_sd, units=units)
    assert tuple(share_found(array)) == (1, 1)


@pytest.mark.parametrize("shape", [(192, 192, 1), (40, 192, 3), (12, 8, 2)])
@pytest.mark.parametrize("value", [0, 7])
def test_nothing_is_found_where_nothing_is(shape, value):
    assert tuple(share_found(np.full(shape, value, np.int16))) == (1, 1)


@pytest.mark.parametrize("share", [0.5, 0.65, 0.8])
@pytest.mark.parametrize("noise_sd", [0, 0.03, 0.06])
def test_an_edge_on_one_side_of_k_space_is_no_filling_up(share, noise_sd):
    """Partial Fourier: what lies beyond was measured, on the other side."""
    array = acquired(tissue(11), 1, 0, noise_sd=noise_sd) / UNITS
    frequencies = np.fft.fftfreq(NUM_PIXELS) * 2
    i = np.linspace(-1, 1, NUM_PIXELS)[:, None, None]
    lines = np.fft.fft(array * np.exp(1.5j * i**2), axis=0)
    partial = np.fft.ifft(lines * (frequencies > -share)[:, None, None], axis=0)
    assert tuple(share_found(np.rint(UNITS * np.abs(partial)))) == (1, 1)


@pytest.mark.parametrize("echo", [1, 2])
def test_a_real_scan_with_an_edge_on_one_side(real_scans, echo):
    # (0018,1310) AcquisitionMatrix of its files: 256 by 256, as Rows and Columns.
    scan = formats.read_image(real_scans / "knee_mese_dicom", choice=Choice(echo=echo))
    assert in_plane_resolution_mm(scan) == pytest.approx((0.625, 0.625), rel=1e-4)


def test_a_real_scan_that_was_not_filled_up(real_scans):
    scan = formats.read_image(real_scans / "brain_t1_small.nii.gz")
    expected = scan.canonical().spacing_mm[:2]
    assert in_plane_resolution_mm(scan) == pytest.approx(expected)
