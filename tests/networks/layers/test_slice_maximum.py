"""The maximum over slices, and what never is one."""

import numpy as np
import pytest

from deepresolve.networks.layers import SliceMaximum


@pytest.mark.parametrize("within", ["mean", "max"])
def test_is_numpys_of_the_slices_that_show_something(within):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 4, 5, 6)).astype(np.float32) - 9
    image = rng.random((2, 7, 8, 5, 1)).astype(np.float32)
    features[:, :, :, 3:] = 50  # of slices that were filled in
    image[:, :, :, 3:] = 0.25
    pooled = getattr(np, within)(features[:, :, :, :3], axis=(1, 2)).max(axis=1)
    found = SliceMaximum(within)([features, image])
    np.testing.assert_allclose(found, pooled, rtol=1e-5)


def test_its_config_makes_it_again():
    layer = SliceMaximum("max", name="pooled")
    assert SliceMaximum.from_config(layer.get_config()).within == "max"
