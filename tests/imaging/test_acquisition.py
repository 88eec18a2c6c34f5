import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from deepresolve.imaging.acquisition import (
    NUM_BINS,
    Acquisition,
    describe,
    histogram_distance,
)
from deepresolve.imaging.volume import Volume

SAGITTAL = np.array([[0, 0, -3, 0], [0, -0.5, 0, 0], [-0.4, 0, 0, 0], [0, 0, 0, 1.0]])


def block(noise_sd=0.0, seed=0):
    """Air at 0 and tissue that rises from 800 to 1200, with noise in the tissue."""
    array = np.zeros((64, 48, 40), np.float32)
    array[:, 8:40] = np.linspace(800, 1200, 64)[:, np.newaxis, np.newaxis]
    noise = np.random.default_rng(seed).normal(0, noise_sd, array.shape)
    return Volume(array + np.where(array > 0, noise, 0), SAGITTAL, 2, 2.5)


@pytest.mark.parametrize("noise_sd", [20, 60])
def test_signal_to_noise_is_that_of_the_tissue(noise_sd):
    found = describe(block(noise_sd)).signal_to_noise
    # Median signal 1000 where all tissue is above the mean of the scan. Scaling maps
    # 0 to 0. Detail at the edge of the tissue adds a few per cent.
    assert found == pytest.approx(1000 / noise_sd, rel=0.1)


def test_a_scan_without_noise_is_valid_json():
    found = describe(block())
    assert found.signal_to_noise == np.inf
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert Acquisition.from_dict(json.loads(text)) == found


def test_geometry():
    found = describe(block(20))
    assert found.plane == "sagittal"
    assert found.in_plane_mm == (0.4, 0.5)  # rows run down, along the first axis
    assert (found.slice_spacing_mm, found.slice_thickness_mm) == (3, 2.5)
    assert found.gap_share == pytest.approx(1 / 6)
    assert found.obliqueness_degrees == 0
    turned = np.radians(20)
    rotation = np.eye(4)
    rotation[:2, :2] = [
        [np.cos(turned), -np.sin(turned)],
        [np.sin(turned), np.cos(turned)],
    ]
    oblique = dataclasses.replace(block(20), affine=rotation @ SAGITTAL)
    assert describe(oblique).obliqueness_degrees == pytest.approx(20)


def test_a_scan_is_described_the_same_in_any_axes():
    scan = block(20)
    assert describe(scan.canonical()) == describe(scan)


def test_distance_of_histograms_is_wassersteins():
    first, second = describe(block(20)), describe(block(200, seed=1))
    places = np.arange(NUM_BINS) / (NUM_BINS - 1)
    expected = stats.wasserstein_distance(
        places, places, first.histogram, second.histogram
    )
    assert expected > 0.01
    assert histogram_distance(first, second) == pytest.approx(expected, rel=1e-3)
    assert histogram_distance(first, first) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"histogram": [1.0]}, "a histogram of 1 steps"),
        ({"histogram": [np.inf] * NUM_BINS}, "shares of a histogram"),
        ({"plane": 3}, "no plane 3"),
        ({"slice_spacing_mm": 0}, "above 0"),
        ({"slice_spacing_mm": "thick"}, "thick"),
        ({"slice_thickness_mm": float("nan")}, "above 0"),
        ({"in_plane_mm": []}, "two in the plane"),
        ({"obliqueness_degrees": [1]}, "not the description"),
    ],
)
def test_something_else_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Acquisition.from_dict(describe(block(20)).to_dict() | change)
