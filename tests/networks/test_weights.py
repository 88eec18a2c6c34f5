import io

import numpy as np
import pytest

from deepresolve import networks
from deepresolve.networks import weights
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

SR = SuperResolutionConfig(
    num_layers=3, num_features=4, fold=(1, 1, 3), patch_shape=(8, 8, 9)
)
SEG = SegmentationConfig(
    model="seg_cnn",
    num_levels=2,
    num_features=2,
    patch_shape=(8, 8, 8),
    loss="dice",
)


def randomised(config, seed):
    model = networks.build_model(config)
    random = np.random.default_rng(seed)
    model.set_weights([random.random(w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("config", [SR, SEG], ids=["convolutions", "normalisation"])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_weights_come_back_into_a_fresh_network(config, precision):
    model = randomised(config, seed=1)
    fresh = networks.build_model(config, precision)
    weights.from_npz(fresh, weights.to_npz(model))
    for expected, actual in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_in_half_precision_kernels_are_half_as_large():
    model, fresh = randomised(SEG, seed=1), networks.build_model(SEG)
    whole, half = weights.to_npz(model), weights.to_npz(model, half=True)
    assert len(half) < len(whole)
    weights.from_npz(fresh, half)
    for expected, actual in zip(model.get_weights(), fresh.get_weights(), strict=True):
        assert actual.dtype == np.float32
        tolerance = 5e-4 if expected.ndim > 1 else 0
        np.testing.assert_allclose(actual, expected, rtol=tolerance)


def test_the_same_weights_are_the_same_bytes():
    model = randomised(SR, seed=1)
    assert weights.to_npz(model) == weights.to_npz(model)


def test_weights_of_another_network_are_refused():
    wider = randomised(SR.replace(num_features=8), seed=1)
    with pytest.raises(ValueError, match=r"another network: .*conv_1/0"):
        weights.from_npz(randomised(SR, seed=1), weights.to_npz(wider))


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def plain_array():
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


def deflated_with_a_wrong_byte():
    file = io.BytesIO()
    np.savez_compressed(file, kernel=np.zeros(1000))
    content = bytearray(file.getvalue())
    start = content.index(b"kernel.npy") + len(b"kernel.npy") + 20
    content[start : start + 8] = b"\xff" * 8
    return bytes(content)


class Program:
    """An object whose unpickling would run code."""

    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        b"PK\x03\x04 cut short",
        weights.to_npz(networks.build_model(SR))[:-200],
        npz(program=np.array([Program()], dtype=object)),
        plain_array(),
        deflated_with_a_wrong_byte(),
    ],
    ids=["empty", "text", "zip", "short", "pickle", "npy", "deflate"],
)
def test_what_is_damaged_or_brings_code_is_refused(content, capsys):
    with pytest.raises(ValueError, match="no NumPy archive"):
        weights.from_npz(networks.build_model(SR), content)
    assert "executed" not in capsys.readouterr().out
