"""Networks of which we know what they add."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import signal
from scipy.interpolate import CubicSpline

from deepresolve import networks
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.networks.sr_views import NUM_PARTS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.super_resolution.views.restoring import ThickScan
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid, part_centres

GRID = ThinGrid.of_faces(5, 4)
ROW_MM, COLUMN_MM = 0.5, 0.75


@pytest.fixture(scope="module")
def scan():
    """(12, 9, 5): an odd number of columns, which the network must not see."""
    array = np.random.default_rng(0).random((12, 9, 5), np.float32)
    profile = SliceProfile("rect", 2.4)
    return ThickScan(array, (ROW_MM, COLUMN_MM), 3.0, profile)


def nothing(views):
    return tf.zeros((*views.shape[:3], NUM_PARTS))


def pixel_mm(views):
    """A network that adds the distance of pixels beside slices, in slice spacings."""
    return tf.repeat(views[..., 2:3], NUM_PARTS, axis=-1)


def twice(views):
    """One that adds the voxel itself to each of its parts."""
    return tf.repeat(views[..., :1], NUM_PARTS, axis=-1)


@pytest.fixture(scope="module")
def real():
    """A small network, in which everything depends on everything near."""
    config = SuperResolutionConfig(model="sr_views", num_layers=3, num_features=4)
    model = networks.build_model(config)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return restoring.graph_of(model)


@pytest.fixture
def unheld(monkeypatch):
    """Thin slices as the network leaves them."""
    monkeypatch.setattr(restoring.data_consistency, "hold", lambda *_: None)


@pytest.mark.usefixtures("unheld")
def test_a_network_that_adds_nothing_leaves_the_interpolation(scan):
    restored = restoring.restore(nothing, scan, GRID)
    # Four thin slices are two parts each.
    spline = CubicSpline(np.arange(5), scan.array, axis=2)
    parts = spline(np.clip(part_centres(5), 0, 4))
    expected = parts.reshape(12, 9, 20, 2).mean(axis=-1)
    np.testing.assert_allclose(restored.thin, expected, atol=1e-5)
    np.testing.assert_array_equal(restored.thin, restoring.interpolated(scan, GRID))
    assert not restored.difference.any()
    assert restored.thin.dtype == np.float32


def test_at_centres_it_is_the_spline_or_scipys_resample(scan):
    spline = CubicSpline(np.arange(5), scan.array, axis=2)
    expected = spline(np.clip(GRID.centres, 0, 4))
    found = restoring.interpolated_at_centres(scan, GRID, "cubic")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The slices and back again, eight in a period, to two for each.
    period = np.concatenate([scan.array, scan.array[..., -2:0:-1]], axis=2)
    expected = signal.resample(period, 16, axis=2)[..., :9]
    halves = ThinGrid.of_centres(5, 2)
    found = restoring.interpolated_at_centres(scan, halves, "fourier")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_parts_are_averaged_to_thin_slices(scan):
    added = restoring.one_way(twice, scan, GRID)
    np.testing.assert_allclose(added, np.repeat(scan.array, 4, axis=2), atol=1e-6)


@pytest.mark.usefixtures("unheld")
def test_both_ways_are_averaged_and_their_difference_is_told(scan):
    """Views along a row know the distance of columns, those along a column of rows."""
    restored = restoring.restore(pixel_mm, scan, GRID)
    along_rows, along_columns = COLUMN_MM / 3, ROW_MM / 3
    expected = restoring.interpolated(scan, GRID) + (along_rows + along_columns) / 2
    np.testing.assert_allclose(restored.thin, expected, atol=1e-6)
    np.testing.assert_allclose(
        restored.difference, along_rows - along_columns, atol=1e-6
    )


def test_thin_slices_are_held_to_the_acquired_ones(scan, real, monkeypatch):
    held = restoring.restore(real, scan, GRID)
    monkeypatch.setattr(restoring.data_consistency, "hold", lambda *_: None)
    free = restoring.restore(real, scan, GRID)
    np.testing.assert_array_equal(held.difference, free.difference)
    # Slices 2.4 mm thick, 3 mm apart, in four thin ones of 0.75 mm: the two in the
    # middle, and 0.45 mm of either beside them.
    weights = np.array([0.45, 0.75, 0.75, 0.45]) / 2.4

    def missing(thin):
        return scan.array - thin.reshape(12, 9, 5, 4) @ weights

    # One profile does not reach into the next: each is off by a share of its own.
    np.testing.assert_allclose(
        missing(held.thin), missing(free.thin) * 0.3 / 1.3, atol=1e-5
    )


def test_mirrored_views_are_as_good():
    config = SuperResolutionConfig(model="sr_views", num_layers=2, num_features=3)
    model = networks.build_model(config)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    views = rng.random((2, 6, 5, 4), np.float32)
    one = restoring.mirrored_mean(model, tf.constant(views))
    turned = restoring.mirrored_mean(model, tf.constant(views[:, ::-1, ::-1].copy()))
    np.testing.assert_allclose(one, turned[:, ::-1, ::-1, ::-1], atol=1e-6)
    alone = np.asarray(model(views))
    mirrored = np.asarray(model(views[:, ::-1, ::-1].copy()))[:, ::-1, ::-1, ::-1]
    np.testing.assert_allclose(one, (alone + mirrored) / 2, atol=1e-6)
    assert np.abs(alone - mirrored).max() > 0.01


def test_a_turned_scan_gives_the_turned_result(scan, real):
    turned = scan._replace(
        array=scan.array.swapaxes(0, 1), pixels_mm=scan.pixels_mm[::-1]
    )
    one, other = (restoring.restore(real, s, GRID) for s in (scan, turned))
    np.testing.assert_allclose(one.thin, other.thin.swapaxes(0, 1), atol=1e-5)
    np.testing.assert_allclose(
        one.difference, -other.difference.swapaxes(0, 1), atol=1e-5
    )
    assert np.abs(one.difference).max() > 0.01


def test_blocks_of_rows_give_what_one_pass_gives_within_their_memory(
    scan, real, monkeypatch
):
    whole = restoring.restore(real, scan, GRID)
    seen = []

    def watched(views):
        seen.append(tuple(views.shape[:3]))
        return real(views)

    # Rows of 9 columns, padded to 10, by 5 slices: three at once.
    monkeypatch.setattr(restoring, "VOXELS_AT_ONCE", 160)
    blocks = restoring.restore(watched, scan, GRID)
    np.testing.assert_allclose(blocks.thin, whole.thin, atol=1e-6)
    np.testing.assert_allclose(blocks.difference, whole.difference, atol=1e-6)
    assert max(np.prod(shape) for shape in seen) <= 160
    # 12 rows by threes, then 9 columns of 12 rows by twos.
    assert [shape[0] for shape in seen] == [3, 3, 3, 3, 2, 2, 2, 2, 1]
    assert all(shape[1] % 2 == 0 for shape in seen)


def test_the_column_that_is_filled_in_repeats_the_last_one(scan):
    seen = []

    def watched(views):
        seen.append(views.numpy())
        return nothing(views)

    restoring.one_way(watched, scan, GRID)
    (views,) = seen
    np.testing.assert_array_equal(views[:, :9, :, 0], scan.array)
    np.testing.assert_array_equal(views[:, 9, :, 0], scan.array[:, 8])
    np.testing.assert_allclose(views[0, 0, 0, 1:], [0.8, COLUMN_MM / 3, 0], rtol=1e-6)


def first_part(views):
    """One that adds 1 to the first part of each slice alone."""
    return nothing(views) + np.eye(1, NUM_PARTS, dtype=np.float32)[0]


def test_factors_that_divide_no_parts_lose_nothing_of_the_sum(scan):
    grid = ThinGrid.of_faces(5, 3)
    added = restoring.one_way(first_part, scan, grid)
    # 15 slices of 8/3 parts: the mean over each slice is 1/8.
    np.testing.assert_allclose(
        added.reshape(12, 9, 5, 3).mean(axis=-1), 1 / NUM_PARTS, atol=1e-6
    )
    assert added[0, 0, 0] == pytest.approx(3 / 8, abs=1e-6)
