"""What every entry of the tables must do; a new metric is tested here unasked."""

import inspect
import math

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.metrics import table
from deepresolve.metrics.table import METRICS, Metric, of

SPACING_MM = (0.3646, 0.3646, 0.7)
GIVEN = {
    "spacing_mm": SPACING_MM,
    "data_range": 1.0,
    "voxel_mm3": float(np.prod(SPACING_MM)),
}
OF_VOXELS = of("images") | of("masks")
COMPARED = {n: m for n, m in METRICS.items() if m.takes == ("reference", "estimate")}
MASK_SCORES = {n: m for n, m in of("masks").items() if m.best is not None}

# Perfect, then worst, where one mask is empty: (no estimate, no reference).
STATED_ANSWERS = {
    "dsc": (1, (0, 0)),
    "voe": (0, (1, 1)),
    "volume_difference": (0, (-1, math.inf)),
    "assd": (0, (math.inf, math.inf)),
    "hd95": (0, (math.inf, math.inf)),
}


def measure(name, reference, estimate):
    return table.measure(METRICS[name], reference, estimate, **GIVEN)


def smooth_noise(seed, shape):
    noise = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(noise, 1.5)


def pair_of(kind):
    """A reference, and an estimate that differs from it."""
    random = np.random.default_rng(0)
    truth = random.random((8, 9, 10), np.float32)
    values = random.uniform(100, 200, 12)
    return {
        "images": (truth, truth[::-1].copy()),
        "masks": tuple(smooth_noise(seed, (8, 9, 10)) > 0 for seed in (0, 1)),
        "values": (values, values[::-1].copy()),
        "classes": (np.arange(12) % 3, np.arange(12) % 2),
        "probabilities": (values > 150, values[::-1] / 200),
    }[kind]


def perfect(metric):
    """A reference and the estimate that is right."""
    reference, _ = pair_of(metric.of)
    same = reference.astype(float) if metric.of == "probabilities" else reference
    return reference, same.copy()


def broken_promises(name, metric):
    """What an entry promises and does not keep; a sentence each."""
    parameters = inspect.signature(metric.function).parameters.values()
    by_keyword = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    num_arrays = len(list(parameters)) - len(by_keyword)
    if sorted(by_keyword) != sorted(metric.needs) or num_arrays != len(metric.takes):
        yield "the function takes something else than the entry says"
        return
    if not metric.title or not metric.meaning:
        yield "it does not say what it is"
    if len(metric.takes) == 2 and metric.function.__name__ != name:
        yield "its function has another name"
    if metric.over != ("subject" if metric.of in ("images", "masks") else "cohort"):
        yield "what it compares is of a subject, or of a cohort"
    if 10 ** round(math.log10(metric.table_scale)) != metric.table_scale:
        yield "digits cannot be counted: the scale is no power of ten"
    yield from broken_by_values(metric)


def broken_by_values(metric):
    reference, estimate = pair_of(metric.of)
    copies = reference.copy(), estimate.copy()
    value = table.measure(metric, reference, estimate, **GIVEN)
    if type(value) is not float or not np.isfinite(value):
        yield f"{value!r} is no finite float"
    if not all(map(np.array_equal, (reference, estimate), copies)):
        yield "it writes into its inputs"
    best = table.measure(metric, *perfect(metric), **GIVEN)
    worse = {
        "highest": value < best,
        "lowest": value > best,
        "zero": abs(value) >= abs(best),
        None: True,
    }
    if not worse[metric.best]:
        yield f"an estimate that differs has {value}, a perfect one {best}"


@pytest.mark.parametrize("name", METRICS)
def test_an_entry_keeps_what_the_table_promises(name):
    assert list(broken_promises(name, METRICS[name])) == []


def in_place(reference, estimate):
    reference -= estimate
    return float(np.abs(reference).mean())


def mae(reference, estimate):
    return float(np.abs(reference - estimate).mean())


def unused(reference, estimate, *, data_range):
    return 1.0 - mae(reference, estimate)


@pytest.mark.parametrize(
    ("name", "metric", "broken"),
    [
        ("mae", Metric(mae, "images", "MAE", "0 is best"), "a perfect one"),
        ("unused", Metric(unused, "images", "MAE", "1 is best"), "something else"),
        (
            "mae",
            Metric(mae, "images", "MAE", "", best="lowest", needs=("spacing_mm",)),
            "something else",
        ),
        ("mae", Metric(mae, "images", "MAE", "", best="lowest"), "does not say"),
        ("other", Metric(mae, "images", "MAE", "0", best="lowest"), "another name"),
        (
            "in_place",
            Metric(in_place, "images", "MAE", "0 is best", best="lowest"),
            "writes into",
        ),
        (
            "mae",
            Metric(mae, "images", "MAE", "0", best="lowest", table_scale=50),
            "power of ten",
        ),
        (
            "mae",
            Metric(mae, "images", "MAE", "0", best="lowest", over="cohort"),
            "of a subject, or of a cohort",
        ),
    ],
)
def test_a_bad_entry_is_found(name, metric, broken):
    assert any(broken in sentence for sentence in broken_promises(name, metric))


def test_the_measures_of_the_paper_come_first():
    assert list(of("images"))[:2] == ["ssim", "psnr"]
    assert list(of("masks"))[:2] == ["dsc", "voe"]


def test_what_a_metric_needs_must_be_given():
    reference, estimate = pair_of("images")
    with pytest.raises(ValueError, match="SSIM needs data_range; got None"):
        table.measure(METRICS["ssim"], reference, estimate, spacing_mm=SPACING_MM)


@pytest.mark.parametrize("name", METRICS)
def test_is_not_nan_for_identical_ones(name):
    assert not np.isnan(measure(name, *perfect(METRICS[name])))


@pytest.mark.parametrize("name", COMPARED)
def test_refuses_other_shapes(name):
    reference, estimate = pair_of(METRICS[name].of)
    with pytest.raises(ValueError, match=r"one shape|one value of each"):
        measure(name, reference, estimate[:-1])


@pytest.mark.parametrize("name", MASK_SCORES)
def test_empty_masks_have_a_stated_answer(name):
    some, _ = pair_of("masks")
    empty = np.zeros_like(some)
    best, worst = STATED_ANSWERS[name]
    assert measure(name, some, some.copy()) == best
    assert measure(name, empty, empty) == best
    assert (measure(name, some, empty), measure(name, empty, some)) == worst
    for value in (measure(name, some, empty), measure(name, empty, empty)):
        assert type(value) is float


def knee(seed, side):
    """One knee stored as a right or, mirrored across the body's middle, a left one.

    Slices are sagittal. The mirrored knee has the same voxels at mirrored places, so
    that canonical slices run the other way through its joint.
    """
    right = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt("IPL"), (16, 15, 14)
    ) @ np.diag([*SPACING_MM, 1.0])
    mirror = np.diag([-1.0 if side == "left" else 1.0, 1.0, 1.0, 1.0])
    return Volume(smooth_noise(seed, (16, 15, 14)), mirror @ right).canonical()


@pytest.mark.parametrize("name", OF_VOXELS)
def test_a_left_and_a_right_knee_score_the_same(name):
    def score(side):
        reference, estimate = knee(0, side), knee(1, side)
        np.testing.assert_allclose(reference.spacing_mm, SPACING_MM)
        arrays = reference.array, 0.7 * reference.array + 0.3 * estimate.array
        if METRICS[name].of == "masks":
            arrays = [array > 0.05 for array in arrays]
        return measure(name, *arrays)

    assert not np.array_equal(knee(0, "left").array, knee(0, "right").array)
    assert score("left") == pytest.approx(score("right"), rel=1e-9)


@pytest.mark.parametrize("name", of("masks"))
def test_a_left_and_a_right_knee_of_real_labels_score_the_same(name, real_scans):
    scan = nib.load(real_scans / "knee_dess_labels.nii.gz")
    array = np.asarray(scan.dataobj)[100:280:2, 100:220:2, 30:140:2]

    def score(mirror):
        affine = np.diag([mirror, 1.0, 1.0, 1.0]) @ scan.affine
        true = Volume(array, affine).canonical().array == 1
        found = Volume(np.roll(array, (1, 0, 2), (0, 1, 2)), affine).canonical()
        return measure(name, true, found.array == 1)

    assert score(-1.0) == pytest.approx(score(1.0), rel=1e-9)
