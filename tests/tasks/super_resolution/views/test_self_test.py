"""The test on the scan itself, of networks of which we know what they add."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.interpolate import CubicSpline
from skimage import metrics

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.networks.sr_views import NUM_PARTS
from deepresolve.tasks.super_resolution.views import data_consistency, self_test
from deepresolve.tasks.super_resolution.views.restoring import ThickScan

KEPT = [3]  # of ten


@pytest.fixture(scope="module")
def scan():
    """Ten slices 4 mm apart, pixels of 1 mm: as slices, four pixels each."""
    rows, columns, slices = np.meshgrid(
        *(np.linspace(0, 1, n) for n in (48, 40, 10)), indexing="ij"
    )
    array = np.sin(25 * rows + 3 * slices) + np.cos(31 * columns + rows)
    array = ((array + 2) / 4).astype(np.float32)
    return ThickScan(array, (1.0, 1.0), 4.0, SliceProfile("rect", 4.0))


def nothing(views):
    return tf.zeros((*views.shape[:3], NUM_PARTS))


def noise(views):
    shape = (*views.shape[:3], NUM_PARTS)
    return tf.random.stateless_normal(shape, (1, 2), stddev=0.2)


def measure(network, scan, step=1 / 4):
    return self_test.measure(network, scan, step)


def test_a_block_of_slices_is_kept_and_its_neighbours_are_not_learned_from():
    assert self_test.kept_slices(40).tolist() == [12, 13, 14]
    learned = self_test.learned_slices(40, 1.0).tolist()
    assert learned == [*range(11), *range(16, 40)]
    # Twice as thick as apart: either neighbour shares tissue with the one beyond.
    learned = self_test.learned_slices(40, 2.0).tolist()
    assert learned == [*range(10), *range(17, 40)]
    assert self_test.kept_slices(2).size == 1
    for number in range(4, 60):  # that a scan can learn from
        kept = self_test.kept_slices(number)
        for overlap in (0.7, 1.0, 2.5):
            learned = self_test.learned_slices(number, overlap)
            assert 3 * learned.size >= 2 * number
            assert not set(kept) & set(learned)


def test_the_slices_are_restored_that_were_kept(scan):
    """What lies in the others does not matter."""
    found = measure(nothing, scan)
    array = np.random.default_rng(0).random(scan.array.shape, np.float32)
    array[:, :, KEPT] = scan.array[:, :, KEPT]
    assert measure(nothing, scan._replace(array=array)) == found
    assert found.num_slices == len(KEPT)


def test_of_many_slices_some_are_enough(scan):
    many = scan._replace(array=np.repeat(scan.array, 20, axis=2))
    assert measure(nothing, many).num_slices <= 12


def test_scores_are_those_of_scikit_image(scan):
    found = measure(nothing, scan)
    expected = {"psnr": [], "ssim": []}
    for axis in (0, 1):
        # (slice, beside, along), made thick by means of four pixels.
        truth = np.moveaxis(scan.array[:, :, KEPT], (1 - axis, axis), (-2, -1))
        thick = truth.reshape(*truth.shape[:2], -1, 4).mean(axis=-1)
        count = thick.shape[-1]
        places = np.clip((np.arange(4 * count) + 0.5) / 4 - 0.5, 0, count - 1)
        cubic = CubicSpline(np.arange(count), thick, axis=-1)(places)
        cubic = cubic.astype(np.float32)
        psnr = metrics.peak_signal_noise_ratio(truth, cubic, data_range=1)
        ssim = [
            metrics.structural_similarity(*images, win_size=7, data_range=1.0)
            for images in zip(truth, cubic, strict=True)
        ]
        expected["psnr"].append(psnr)
        expected["ssim"].append(np.mean(ssim))
    cubic = found.scores["cubic"]
    assert cubic.psnr == pytest.approx(np.mean(expected["psnr"]), abs=1e-3)
    assert cubic.ssim == pytest.approx(np.mean(expected["ssim"]), abs=1e-4)


def test_a_network_that_adds_nothing_scores_like_interpolation(scan, monkeypatch):
    held = measure(nothing, scan).scores
    monkeypatch.setattr(data_consistency, "hold", lambda *_: None)
    scores = measure(nothing, scan).scores
    # Of thin slices of two parts each, the means of the spline over them.
    assert scores["network"].psnr == pytest.approx(scores["cubic"].psnr, abs=0.5)
    assert scores["network"].ssim == pytest.approx(scores["cubic"].ssim, abs=0.01)
    # What was measured is worth something even then.
    assert held["network"].psnr > scores["network"].psnr
    assert held["cubic"] == scores["cubic"]


def test_the_gain_is_over_the_better_interpolation(scan):
    found = measure(nothing, scan)
    better = max(found.scores[name].psnr for name in ("cubic", "fourier"))
    assert found.gain_db == found.scores["network"].psnr - better


def test_a_network_that_adds_noise_is_found(scan):
    found = measure(noise, scan)
    assert found.gain_db < -3
    section = found.section(found.better_interpolation)
    (finding,) = section.findings
    assert finding.what == "self_test"
    assert finding.found == pytest.approx(found.gain_db, abs=0.1)
    better = max(("cubic", "fourier"), key=lambda name: found.scores[name].psnr)
    assert f"({better} interpolation is given)" in finding.text
    assert section.values["written"] == better
    (forced,) = found.section("network").findings
    assert "(forced)" in forced.text


def test_a_network_that_knows_the_truth_gains_and_nothing_is_off():
    """Of tissue that is a wave, the spline's share of its amplitude is known."""
    along = np.arange(48)
    wave = 0.5 + 0.4 * np.cos(2 * np.pi * along / 12)
    array = np.broadcast_to(
        wave[:, None, None] * wave[None, :, None], (48, 48, 6)
    ).astype(np.float32)
    scan = ThickScan(array, (1.0, 1.0), 4.0, SliceProfile("rect", 4.0))
    alone = measure(nothing, scan)

    def sharpens(views):
        # Unsharp masking: slices minus the mean of their neighbours.
        image = views[..., 0]
        padded = tf.pad(image, [[0, 0], [0, 0], [1, 1]], "SYMMETRIC")
        detail = image - (padded[..., 2:] + padded[..., :-2]) / 2
        return tf.repeat(0.12 * detail[..., tf.newaxis], NUM_PARTS, axis=-1)

    found = measure(sharpens, scan)
    assert found.scores["network"].psnr > alone.scores["network"].psnr
    assert found.gain_db > 0
    assert found.section("network").findings == ()


def test_pixels_of_either_axis_are_its_own(scan):
    """Slices of 4 mm: of rows 0.8 mm apart nine, of columns 1 mm apart ten."""
    seen = set()

    def watched(views):
        told = views.numpy()[0, 0, 0, 1:]
        seen.add((views.shape[1:3], *(round(float(v), 4) for v in told)))
        return nothing(views)

    measure(watched, scan._replace(pixels_mm=(0.8, 1.0)))
    assert {(tuple(shape), *told) for shape, *told in seen} == {
        ((40, 9), 1.0, 0.25, 0.0),
        ((48, 10), 1.0, 0.2, 0.0),
    }


def test_an_axis_of_coarse_pixels_is_no_truth(scan):
    seen = []

    def watched(views):
        seen.append(tuple(views.shape[1:3]))
        return nothing(views)

    measure(watched, scan._replace(pixels_mm=(0.6, 1.0)))
    assert seen == [(40, 7)]  # 48 rows 0.6 mm apart, beside the columns
