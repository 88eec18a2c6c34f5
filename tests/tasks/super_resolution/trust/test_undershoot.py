import numpy as np
import pytest

from deepresolve import networks
from deepresolve.imaging.floor import Undershoot
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.trust.report import Trust
from deepresolve.tasks.super_resolution.predictor import ThinSlicePredictor
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver, resolve
from deepresolve.tasks.super_resolution.trust import undershoot


def darkening(by):
    """A network that takes `by` of the intensity range off every voxel."""
    config = SuperResolutionConfig(num_layers=2, num_features=1)
    model = networks.build_model(config)
    *weights, bias = (np.zeros_like(w) for w in model.get_weights())
    model.set_weights([*weights, bias - np.float32(by)])
    return SuperResolver(model, config)


@pytest.fixture
def magnitude():
    """Half of it air of 0 to 9, half tissue of 500 to 999; no voxel is negative."""
    rng = np.random.default_rng(5)
    array = rng.integers(0, 10, (12, 10, 6)).astype(np.uint16)
    array[6:] = rng.integers(500, 1000, (6, 10, 6))
    array[0, 0] = 0
    return Volume(array, np.diag([0.5, 0.5, 3, 1]), 2)


@pytest.mark.parametrize("keep_dtype", [True, False])
def test_a_magnitude_image_stays_one_and_the_report_tells_the_share(
    magnitude, keep_dtype
):
    prediction = ThinSlicePredictor(darkening(0.1), 3, keep_dtype).predict(magnitude)
    assert prediction.image.array.min() == 0
    expected = magnitude.array.dtype if keep_dtype else np.float32
    assert prediction.image.array.dtype == expected
    content, findings = Trust(None, 3, {}, ()).examine(magnitude, prediction)
    told = content["undershoot"]
    # All of the air, and little of the tissue: 6 of 12 rows.
    assert told["measured"]
    assert told["held_at"] == 0
    assert told["share"] == pytest.approx(0.5, abs=0.05)
    assert 0.09 < told["largest"] < 0.5
    (finding,) = [f for f in findings if f.what == "undershoot"]
    assert "held at 0" in finding.text
    assert finding.found > finding.expected[1]


def test_a_scan_with_negative_voxels_is_held_at_its_own(magnitude):
    lower = magnitude.with_array(magnitude.array.astype(np.int16) - 300)
    thin, held = resolve(darkening(0.1).enhance, lower, 3)
    assert thin.array.min() == held.floor == -300
    thin, _ = resolve(darkening(0.0).enhance, lower, 3)
    assert thin.array.min() < 0


def test_there_is_no_ceiling(magnitude):
    thin, _ = resolve(darkening(-0.1).enhance, magnitude, 3)
    assert thin.array.max() > magnitude.array.max()


def test_rounding_about_zero_is_told_and_not_flagged():
    found = Undershoot(floor=0.0, share=0.4, share_far=0.001, largest=0.02)
    assert undershoot.to_dict(found)["share"] == 0.4
    assert not undershoot.findings(found)
