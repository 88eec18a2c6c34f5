"""What is given where slices are thicker or thinner than the network learned."""

import dataclasses

import numpy as np
import pytest

from deepresolve import networks
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.predictor import ThinSlicePredictor
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver


def brightening(**changes):
    """A network that adds 0.1 of the intensity range to every voxel."""
    config = SuperResolutionConfig(num_layers=2, num_features=1, **changes)
    model = networks.build_model(config)
    *weights, bias = (np.zeros_like(w) for w in model.get_weights())
    model.set_weights([*weights, bias + np.float32(0.1)])
    return SuperResolver(model, config)


def scan(thickness):
    """Slices 1.5 mm apart, and `thickness` times as thick."""
    array = np.random.default_rng(3).integers(0, 900, (9, 8, 7)).astype(np.float32)
    thickness_mm = None if thickness is None else 1.5 * thickness
    affine = np.diag([0.4, 0.5, 1.5, 1])
    return Volume(array, affine, 2, slice_thickness_mm=thickness_mm)


def tci(thick):
    return np.maximum(interpolate(thick, 3).array, thick.array.min())


@pytest.mark.parametrize(
    ("learned", "thickness"),
    [
        ((1.0, 1.0), None),
        ((1.0, 1.0), 1.0),
        ((1.0, 1.0), 1.14),
        ((1.0, 1.0), 0.88),
        ((0.5, 2.0), 2.0),
    ],
)
def test_what_the_network_learned_is_left_to_it(learned, thickness):
    thick = scan(thickness)
    predictor = ThinSlicePredictor(brightening(thickness_range=learned), 3)
    prediction = predictor.predict(thick)
    assert np.mean(prediction.image.array - tci(thick)) > 50
    section = prediction.report["slice_profile"]
    assert section.findings == ()
    assert section.values["given"] == "network"
    assert section.values["measured"] == (thickness is not None)
    assert "interpolated" not in prediction.summary


@pytest.mark.parametrize(
    ("learned", "thickness", "text"),
    [
        (
            (1.0, 1.0),
            2.0,
            "3 mm thick and 1.5 mm apart, 2 times as thick as apart; the",
        ),
        ((1.0, 1.0), 1.16, "the network learned 1 times"),
        ((1.0, 1.0), 0.86, "the network learned 1 times"),
        ((1.5, 2.0), 1.0, "the network learned 1.5 to 2 times"),
    ],
)
def test_another_thickness_is_interpolated_and_told(learned, thickness, text):
    thick = scan(thickness)
    predictor = ThinSlicePredictor(
        brightening(thickness_range=learned), 3, spread="volume"
    )
    prediction = predictor.predict(thick)
    np.testing.assert_allclose(prediction.image.array, tci(thick), atol=0.01)
    section = prediction.report["slice_profile"]
    (finding,) = section.findings
    assert finding.what == "slice_profile"
    assert (finding.found, finding.expected) == (thickness, list(learned))
    assert text in finding.text
    assert "Interpolation (TCI) is given" in finding.text
    assert "--learn=scan" in finding.text
    assert section.values["given"] == "interpolation"
    assert "interpolated: not the slice profile" in prediction.summary
    assert prediction.title == "computed cubic interpolation x3"
    assert "was not used" in prediction.derivation
    # Interpolation says the same of mirrored slices; this network is not asked.
    assert prediction.report["spread"].values["largest"] < 1e-5
    assert prediction.volumes["spread"].shape == prediction.image.shape


def test_forced_the_network_has_its_say_and_the_finding_stays():
    thick = scan(2.0)
    prediction = ThinSlicePredictor(brightening(), 3, force=True).predict(thick)
    touching = dataclasses.replace(thick, slice_thickness_mm=1.5)
    expected = ThinSlicePredictor(brightening(), 3).predict(touching).image.array
    np.testing.assert_array_equal(prediction.image.array, expected)
    (finding,) = prediction.report["slice_profile"].findings
    assert "--force: its output is given all the same" in finding.text
    assert "interpolated" not in prediction.summary
