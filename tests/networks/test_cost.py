import pytest

from deepresolve import networks, presets
from deepresolve.networks import cost
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


def test_published_sr_cnn_costs_what_is_known():
    # METHOD: 1,995,329 parameters and 4.0 MFLOP per voxel, computed from the abstract.
    model = networks.build_model(presets.get("sr_cnn"))
    assert cost.num_parameters(model) == 1_995_329
    flop = cost.flop_per_voxel(model, (32, 32, 32))
    assert flop == 2 * 27 * (64 + 18 * 64 * 64 + 64)
    assert flop == pytest.approx(4.0e6, rel=0.01)


def test_folding_by_three_costs_about_a_third():
    config = SuperResolutionConfig(
        num_layers=4, num_features=8, fold=(1, 1, 3), patch_shape=(32, 32, 33)
    )
    model = networks.build_model(config)
    # By hand: layers of 3 -> 8 -> 8 -> 8 -> 3 features at a third of the voxels.
    expected = 2 * 27 * (3 * 8 + 2 * 8 * 8 + 8 * 3) / 3
    assert cost.flop_per_voxel(model, (4, 5, 9)) == pytest.approx(expected)


def test_unet_by_hand(small_config):
    model = networks.build_model(small_config("seg_cnn", num_levels=2, num_features=4))
    full = 27 * (1 * 4 + 4 * 4) + 27 * (8 * 4 + 4 * 4) + 4 * 3
    half = 27 * (4 * 8 + 8 * 8) + 8 * (8 * 4)  # the second at each place it starts from
    flop = cost.flop_per_voxel(model, (4, 6, 8))
    assert flop == pytest.approx(2 * (full + half / 8))
    # 3 x 5 x 7 voxels are computed as 4 x 6 x 8.
    padded = cost.flop_per_voxel(model, (3, 5, 7))
    assert padded == pytest.approx(flop * (4 * 6 * 8) / (3 * 5 * 7))


def test_slicewise_unet_by_hand(small_config):
    model = networks.build_model(small_config("unet_2d", num_levels=2, num_features=4))
    full = 9 * (1 * 4 + 4 * 4) + 9 * (8 * 4 + 4 * 4) + 4 * 3
    half = 9 * (4 * 8 + 8 * 8) + 4 * (8 * 4)
    flop = cost.flop_per_voxel(model, (4, 6, 5))
    assert flop == pytest.approx(2 * (full + half / 4))


def test_segnet_by_hand(small_config):
    model = networks.build_model(
        small_config("segnet_2d", num_levels=2, num_features=4)
    )
    full = 9 * (1 * 4 + 4 * 4) + 9 * (4 * 4 + 4 * 3)
    half = 9 * (4 * 8 + 8 * 8) + 9 * (8 * 8 + 8 * 4)
    flop = cost.flop_per_voxel(model, (4, 8, 3))
    assert flop == pytest.approx(2 * (full + half / 4))
