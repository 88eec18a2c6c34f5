import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.tasks import TASKS


@pytest.fixture
def stored():
    image = np.random.default_rng(0).normal(300, 50, (6, 7, 40)).astype(np.float32)
    return {"image": tf.constant(image), "intensity": tf.constant([100.0, 500.0])}


@pytest.mark.parametrize("in_dataset", [False, True])
def test_super_resolution_pairs_a_scan_with_its_tci(stored, in_dataset):
    config = Config(downsample_factors=(2, 3))
    task = TASKS["super_resolution"]
    if in_dataset:
        dataset = tf.data.Dataset.from_tensors(stored).map(lambda v: task(v, config))
        inputs, target = next(iter(dataset))
    else:
        inputs, target = task(stored, config)
    scaled = (stored["image"].numpy() - 100) / 400
    np.testing.assert_allclose(target[..., 0], scaled, atol=1e-6)
    for variant, factor in enumerate((2, 3)):
        thin = Volume(scaled, np.eye(4))
        tci = interpolate(thicken(thin, factor), factor).array
        spanned = inputs[variant, :, :, : tci.shape[-1], 0]
        np.testing.assert_allclose(spanned, tci, atol=1e-5)
