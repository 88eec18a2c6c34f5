import itertools

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.volume import Volume
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver, with_dtype
from deepresolve.tasks.trained_run import TrainedRun


@pytest.fixture(scope="module")
def silent(silent_workdir):
    return SuperResolver.from_run(TrainedRun.open(silent_workdir.path))


def scan(slice_axis=2, codes="PIR"):
    """A small oblique scan of 7 slices whose axes grow towards `codes`."""
    shape = [10, 9, 8]
    shape[slice_axis] = 7
    ornt = nib.orientations.axcodes2ornt(codes)
    affine = np.zeros((4, 4))
    spacing = (0.4, 0.5, 3.0)
    for axis, (world, direction) in enumerate(ornt):
        affine[int(world), axis] = direction * spacing[axis]
    turn = nib.eulerangles.euler2mat(0.1, -0.2, 0.15)
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:, 3] = (3, -4, 5, 1)
    array = np.random.default_rng(0).integers(0, 900, shape).astype(np.int16)
    return Volume(array, affine, slice_axis=slice_axis)


ORIENTATIONS = [
    "".join(signs[axis] for axis, signs in zip(order, picks, strict=True))
    for order in itertools.permutations(range(3))
    for picks in itertools.product(("RAS", "LPI"), repeat=3)
]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_silent_network_gives_tci_in_all_48_orientations(silent, codes):
    thick = scan(codes=codes)
    thin = silent.super_resolve(thick, 3)
    expected = interpolate(thick, 3)
    assert thin.orientation == codes
    np.testing.assert_allclose(thin.affine, expected.affine, atol=1e-9)
    held = np.maximum(expected.array, thick.array.min())
    np.testing.assert_allclose(thin.array, held, atol=1e-2)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_acquired_slices_keep_their_place_in_the_patient(silent, slice_axis):
    thick = scan(slice_axis)
    thin = silent.super_resolve(thick, 3)
    assert thin.num_slices == 19  # (7 - 1) * 3 + 1
    assert thin.slice_axis == slice_axis
    for number in range(7):
        index = np.array([2.0, 3.0, 4.0, 1.0])
        index[slice_axis] = number
        thin_index = index.copy()
        thin_index[slice_axis] = 3 * number
        np.testing.assert_allclose(
            thin.affine @ thin_index, thick.affine @ index, atol=1e-9
        )


def test_in_plane_grid_is_untouched(silent):
    thick = scan()
    thin = silent.super_resolve(thick, 3)
    assert thin.shape[:2] == thick.shape[:2]
    np.testing.assert_allclose(thin.affine[:, :2], thick.affine[:, :2], atol=1e-12)


def test_canonical_scan_stays_canonical(silent):
    thick = scan().canonical()
    assert silent.super_resolve(thick, 3).orientation == thick.orientation


def test_integers_come_back_rounded():
    volume = Volume(np.array([[[0.4, 1.6, 70000.0]]]), np.eye(4))
    np.testing.assert_array_equal(
        with_dtype(volume, np.uint16).array, np.array([[[0, 2, 65535]]], np.uint16)
    )


def test_factor_is_the_trained_one(silent):
    assert silent.choose_factor(None) == 3
    assert silent.choose_factor(3) == 3
    with pytest.raises(ValueError, match=r"factors \(3,\); 4 was asked for"):
        silent.choose_factor(4)


def test_network_of_several_factors_needs_a_choice(silent_workdir):
    config = SuperResolutionConfig(downsample_factors=(2, 3))
    resolver = SuperResolver(silent_workdir.load_model(), config)
    assert resolver.choose_factor(2) == 2
    with pytest.raises(ValueError, match="none was given"):
        resolver.choose_factor(None)


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        SuperResolver.from_run(TrainedRun.open(str(tmp_path)))


def test_run_without_weights_yet(tmp_path):
    Workdir(tmp_path).start(SuperResolutionConfig())
    with pytest.raises(ValueError, match=r"no best\.keras yet"):
        SuperResolver.from_run(TrainedRun.open(str(tmp_path)))
