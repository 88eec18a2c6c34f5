import functools
import os
import pathlib

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import KDTree
from skimage import measure

from deepresolve.simulation.phantom import (
    LABEL_NAMES,
    bones,
    knee,
    labelled,
    lattice,
    parameters,
    shapes,
    signal,
)

NUMBERS = {name: number for number, name in LABEL_NAMES.items()}
# A whole knee, coarsely.
WHOLE = {"shape": (50, 56, 38), "spacing_mm": (2.5, 2.5, 2.5)}
# The joint between femur and tibia, finely.
JOINT = {"shape": (110, 50, 130), "spacing_mm": (0.5, 0.5, 0.5)}
CLEAN = {"noise_sd": 0.0, "shading": 0.0}


@functools.cache
def whole(seed, side="right"):
    return knee(seed=seed, side=side, **WHOLE, **CLEAN)


@pytest.fixture(scope="module")
def right():
    return whole(1)


@pytest.fixture(scope="module")
def joint():
    return knee(seed=5, **JOINT, **CLEAN)


def world_centre(volume, number):
    """Mean RAS+ position in mm of a label."""
    indices = np.argwhere(volume.array == number)
    return nib.affines.apply_affine(volume.affine, indices.mean(axis=0))


@pytest.mark.parametrize("side", ["right", "left"])
def test_labels_alone_are_those_of_the_knee(side):
    whole_knee = whole(1, side)
    found = labelled(seed=1, side=side, **WHOLE)
    assert found.side == side
    for name in ("label", "thickness_mm", "t2_ms"):
        own, expected = getattr(found, name), getattr(whole_knee, name)
        np.testing.assert_array_equal(own.array, expected.array)
        assert own.array.dtype == expected.array.dtype
        np.testing.assert_array_equal(own.affine, expected.affine)


# --- the volumes ---------------------------------------------------------------------


def test_a_knee_is_laid_out_like_a_sagittal_nifti(right):
    for volume in (right.image, right.label, right.thickness_mm):
        assert volume.shape == WHOLE["shape"]
        assert volume.spacing_mm == pytest.approx(WHOLE["spacing_mm"])
        assert volume.orientation == "PIR"
        assert (volume.plane, volume.slice_axis) == ("sagittal", 2)
        np.testing.assert_array_equal(volume.affine, right.image.affine)
    dtypes = [v.array.dtype for v in (right.image, right.label, right.thickness_mm)]
    assert dtypes == [np.int16, np.uint8, np.float32]


def test_every_label_is_there(right):
    assert set(np.unique(right.label.array)) == {0, *LABEL_NAMES}


def test_the_spacing_of_each_axis_is_its_own():
    subject = knee(seed=0, shape=(9, 7, 1), spacing_mm=(1.5, 2.5, 4.0))
    assert subject.image.shape == (9, 7, 1)
    assert subject.image.spacing_mm == pytest.approx((1.5, 2.5, 4.0))
    assert subject.image.slice_thickness_mm == 4.0


def test_a_seed_is_a_knee():
    small = {"shape": (20, 20, 20), "spacing_mm": (1.5, 1.5, 1.5)}
    once, again, other = (knee(seed=seed, **small) for seed in (1, 1, 2))
    np.testing.assert_array_equal(again.image.array, once.image.array)
    np.testing.assert_array_equal(again.label.array, once.label.array)
    assert np.mean(other.label.array != once.label.array) > 0.01


def test_a_knee_without_lesions_is_the_knee_of_before():
    """Counts and sums of the code that knew no lesions; +-1 where rounding decides."""
    small = {"shape": (24, 24, 20), "spacing_mm": (4.0, 4.0, 4.0)}
    subject = knee(seed=1, side="left", **small)
    counts = np.bincount(subject.label.array.ravel()).tolist()
    expected = [6776, 250, 44, 35, 37, 2476, 1462, 250, 91, 42, 57]
    assert counts == pytest.approx(expected, abs=1)
    image = subject.image.array
    row = [820, 640, 432, 294, 418, 203, 372, 366, 293, 360]
    assert image[12, 0, :10].tolist() == pytest.approx(row, abs=1)
    row = [2042, 2852, 2783, 699, 473, 402, 401, 384, 236, 253]
    assert image[12, 20, :10].tolist() == pytest.approx(row, abs=1)
    assert image.sum(dtype=int) == pytest.approx(11_250_654, rel=1e-5)
    assert subject.thickness_mm.array.sum() == pytest.approx(837.0006, rel=0.002)
    assert subject.t2_ms.array.sum() == pytest.approx(13_511.33, rel=0.002)


def test_the_field_of_view_does_not_change_the_knee(right):
    part = knee(seed=1, shape=(30, 36, 18), spacing_mm=WHOLE["spacing_mm"], **CLEAN)
    # Both grids have the same middle: the smaller one starts ten voxels further in.
    inner = right.label.array[10:-10, 10:-10, 10:-10]
    assert np.mean(part.label.array != inner) < 2e-3


# --- echoes --------------------------------------------------------------------------


def test_cartilage_decays_with_its_t2():
    echoes = knee(seed=5, **JOINT, **CLEAN, later_ms=30.0)
    label, t2_ms = echoes.label.array, echoes.t2_ms.array
    cartilage = (label >= 1) & (label <= 4)
    np.testing.assert_array_equal(t2_ms > 0, cartilage)
    assert 30 <= t2_ms[cartilage].min() < 32 and 43 < t2_ms[cartilage].max() <= 45
    # Of voxels that touch nothing else, from the ratio of both echoes.
    inner = ndimage.binary_erosion(label == 1, np.ones((3, 3, 3)))
    first, second = (e.array[inner] for e in (echoes.image, echoes.second_echo))
    found_ms = -30.0 / np.log(second / first)
    assert found_ms.size > 10_000
    np.testing.assert_allclose(found_ms, t2_ms[inner], rtol=0.002)


def test_t2_grows_from_the_bone_to_the_surface(joint):
    cartilage = (joint.label.array >= 1) & (joint.label.array <= 3)
    is_bone = (joint.label.array == 5) | (joint.label.array == 6)
    height_mm = ndimage.distance_transform_edt(~is_bone, sampling=0.5)[cartilage] - 0.25
    share = height_mm / joint.thickness_mm.array[cartilage]
    t2_ms = joint.t2_ms.array[cartilage]
    deep, superficial = (t2_ms[between] for between in (share < 0.2, share > 0.8))
    assert np.median(deep) < 33 and np.median(superficial) > 42


def test_fluid_stays_bright_and_a_tendon_fades(right):
    later = knee(seed=1, **WHOLE, **CLEAN, later_ms=40.0).second_echo
    first, second = right.image.array.astype(float), later.array
    brightest = first > np.quantile(first, 0.999)
    assert np.median(second[brightest] / first[brightest]) > 0.9
    menisci = ndimage.binary_erosion(right.label.array >= 9)
    assert np.median(second[menisci] / first[menisci]) < 0.15


def test_a_second_echo_has_noise_of_its_own_and_leaves_the_image_as_it_is():
    small = {"shape": (20, 20, 20), "spacing_mm": (1.5, 1.5, 1.5)}
    alone, both = knee(seed=1, **small), knee(seed=1, **small, later_ms=1e-6)
    assert alone.second_echo is None
    np.testing.assert_array_equal(both.image.array, alone.image.array)
    # At the same time both show the same, with a noise of 0.025 of cartilage (2900).
    apart = both.second_echo.array.astype(int) - both.image.array
    bright = both.image.array > 1000
    assert apart[bright].std() == pytest.approx(np.sqrt(2) * 0.025 * 2900, rel=0.05)


@pytest.mark.parametrize("later_ms", [-1.0, np.inf, np.nan])
def test_a_second_echo_comes_later(later_ms):
    with pytest.raises(ValueError, match="later_ms must be finite, 0 or above; got"):
        knee(seed=1, shape=(4, 4, 4), later_ms=later_ms)


# --- sides ---------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "outwards"), [("right", 1), ("left", -1)])
def test_lateral_is_lateral_and_up_is_up(side, outwards):
    label = whole(1, side).label
    centre = {name: world_centre(label, n) for name, n in NUMBERS.items()}
    # World x grows to the patient's right, which is lateral on a right knee.
    for lateral, medial in (
        ("fibula", "tibia"),
        ("lateral meniscus", "medial meniscus"),
        ("lateral tibial cartilage", "medial tibial cartilage"),
    ):
        assert outwards * (centre[lateral][0] - centre[medial][0]) > 10
    assert centre["patella"][1] > centre["femur"][1] + 20
    assert centre["fibula"][1] < centre["tibia"][1] - 10
    assert centre["femur"][2] > centre["medial meniscus"][2] > centre["tibia"][2]


def test_left_mirrors_right():
    right, left = whole(1), whole(1, "left")
    np.testing.assert_array_equal(left.label.array, right.label.array[:, :, ::-1])
    difference = left.image.array - right.image.array[:, :, ::-1].astype(int)
    assert np.abs(difference).max() <= 1


# --- geometry ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cartilage", "bone"),
    [(1, 5), (2, 6), (3, 6)],
)
def test_measured_thickness_is_the_designed_one(joint, cartilage, bone):
    label, spacing = joint.label.array, joint.label.spacing_mm[0]
    covered = (label == cartilage) | (label == bone)
    # Oracle: SciPy's exact Euclidean distance to the bone, at the layer's outermost
    # voxels; both surfaces lie half a voxel from the voxels they part.
    distance = ndimage.distance_transform_edt(label != bone, sampling=spacing)
    outermost = (label == cartilage) & ~ndimage.binary_erosion(covered)
    inner = np.zeros_like(outermost)
    inner[4:-4, 4:-4, 4:-4] = True
    designed = joint.thickness_mm.array[outermost & inner]
    assert designed.size > 500
    error = (distance[outermost & inner] - designed)[designed > 1.0]
    assert abs(np.median(error)) < spacing / 2
    assert np.quantile(np.abs(error), 0.95) < 1.5 * spacing


def test_thickness_is_given_where_there_is_cartilage_and_only_there(joint):
    cartilage = (joint.label.array >= 1) & (joint.label.array <= 4)
    thickness = joint.thickness_mm.array
    np.testing.assert_array_equal(thickness > 0, cartilage)
    typical = np.median(thickness[cartilage])
    assert 1.0 < typical < 3.0
    assert thickness.max() < 5.0


@functools.cache
def one_mm_knee():
    return labelled(seed=1, shape=(72, 40, 80), spacing_mm=(1.0, 1.0, 1.0))


@pytest.mark.parametrize("spacing", [(0.8, 1.0, 1.6), (2.0, 1.0, 1.0)])
def test_volumes_do_not_depend_on_the_voxels(spacing):
    extent = np.array([72.0, 40.0, 80.0])
    counts = np.rint(extent / spacing).astype(int)
    fine = one_mm_knee().label.array
    coarse = labelled(seed=1, shape=counts, spacing_mm=spacing).label.array
    for number in np.flatnonzero(np.bincount(fine.ravel()) > 500)[1:]:
        measured = np.sum(coarse == number) * np.prod(spacing)
        expected = np.sum(fine == number)
        assert measured == pytest.approx(expected, rel=0.03), LABEL_NAMES[number]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_thick_voxel_is_the_mean_of_the_thin_ones(axis):
    shape, spacing = np.array([40, 40, 40]), np.full(3, 0.8)
    thin = knee(seed=6, shape=shape, spacing_mm=spacing, **CLEAN).image.array
    shape[axis], spacing[axis] = 8, 4.0
    thick = knee(seed=6, shape=shape, spacing_mm=spacing, **CLEAN).image.array
    blocks = np.moveaxis(thin, axis, 0).reshape(8, 5, 40, 40).mean(axis=1)
    error = np.moveaxis(thick, axis, 0) - blocks
    # Five cells of 0.8 mm are the same five points; only rounding is left.
    assert np.abs(error).max() <= 1.0


def test_cells_of_other_sizes_average_to_the_same_image():
    thin = knee(seed=6, shape=(40, 40, 60), spacing_mm=(0.8, 0.8, 0.4), **CLEAN)
    thick = knee(seed=6, shape=(40, 40, 20), spacing_mm=(0.8, 0.8, 1.2), **CLEAN)
    blocks = thin.image.array.reshape(40, 40, 20, 3).mean(axis=3)
    error = thick.image.array - blocks
    # Edges are as wide as a cell, so thin layers differ a little.
    assert error.std() < 0.08 * blocks.std()


def test_distance_to_a_sphere_is_exact_whatever_the_slope_of_its_level():
    knots = np.arange(-20.0, 20.1, 1.25)
    grid = lattice.Grid(knots, knots, knots, (1.25,) * 3)
    radius = np.sqrt(sum(c**2 for c in grid.open()))
    # Closed form: |p| - 11. The level's slope is 2 |p| / 11, far from 1.
    level = (radius**2 / 11 - 11).astype(np.float32)
    surface = shapes.measure_surface(level, grid)
    error = surface.distance.values - (radius - 11)
    near = surface.band & (np.abs(radius - 11) < 3.0)
    assert np.abs(error[near]).max() < 0.08
    foot = np.linalg.norm(surface.foot, axis=1)
    np.testing.assert_allclose(foot[near[surface.band]], 11, atol=0.15)


# --- fields --------------------------------------------------------------------------


def test_sampling_a_field_is_exact_for_quadratics():
    # Closed form: cubic convolution reproduces polynomials up to degree 2 (Keys 1981).
    knots = np.arange(0.0, 12.1, 1.5)
    grid = lattice.Grid(knots, knots, knots, (1.5,) * 3)

    def polynomial(points):
        y, z, x = points.open()
        return 0.3 * y**2 - 0.2 * z**2 + x * y - 2 * x + 5

    inside = np.linspace(10.0, 2.0, 7)
    wanted = lattice.Grid(inside, inside, inside, (8 / 6,) * 3)
    field = lattice.Field(polynomial(grid).astype(np.float32), grid)
    np.testing.assert_allclose(field.sample(wanted), polynomial(wanted), atol=1e-4)


def test_a_texture_has_zero_mean_and_unit_variance_and_ignores_the_grid():
    texture = lattice.Texture((0, 1), (2.0, 3.0, 2.5))
    axis = np.arange(-40.0, 40.0, 0.9)
    grid = lattice.Grid(axis, axis, axis, (0.9,) * 3)
    values = texture.sample(grid)
    assert abs(values.mean()) < 0.03
    assert values.std() == pytest.approx(1.0, abs=0.03)
    some = grid.window((slice(5, 9), slice(40, 41), slice(2, 80)))
    np.testing.assert_allclose(
        texture.sample(some), values[5:9, 40:41, 2:80], atol=1e-5
    )


def test_texture_cells_average_points():
    texture = lattice.Texture((0, 2), (2.0, 2.0, 2.0))
    axis = np.arange(-8.0, 8.0, 2.0)
    grid = lattice.Grid(axis, axis, axis, (2.0,) * 3)
    fine = np.add.outer(axis, (np.arange(20) + 0.5) / 10 - 1).ravel()
    points = lattice.Grid(axis, fine, axis, (2.0, 0.1, 2.0))
    mean = texture.sample(points).reshape(8, 8, 20, 8).mean(axis=2)
    cells = texture.sample(grid, cell_mm=(0.0, 2.0, 0.0))
    np.testing.assert_allclose(cells, mean, atol=0.02)


# --- signal --------------------------------------------------------------------------


def test_noise_in_air_is_rayleigh():
    corner = {"shape": (70, 90, 6), "spacing_mm": (2.0, 1.6, 2.0)}
    clean = knee(seed=0, **corner, noise_sd=0.0).image.array
    noisy = knee(seed=0, **corner, noise_sd=0.1).image.array
    air = noisy[clean == 0].astype(float)
    assert air.size > 2000
    # Closed form: a Rician magnitude without signal (Gudbjartsson 1995).
    expected = np.sqrt(np.pi / 2) / np.sqrt(2 - np.pi / 2)
    assert air.mean() / air.std() == pytest.approx(expected, rel=0.05)


def test_rician_noise_on_a_strong_signal_is_gaussian():
    noisy = signal.add_rician_noise(np.full((50, 50, 50), 10.0, np.float32), 0.5, 0)
    # Closed form: mean sqrt(A^2 + sd^2) and standard deviation sd where A >> sd.
    assert noisy.mean() == pytest.approx(np.hypot(10, 0.5), rel=1e-3)
    assert noisy.std() == pytest.approx(0.5, rel=0.02)


def test_tissues_have_the_contrast_of_dess(joint):
    thick = joint.thickness_mm.array > 1.5
    label, image = joint.label.array, joint.image.array
    cartilage = float(np.median(image[(label <= 3) & thick]))
    meniscus = float(np.median(image[label >= 9]))
    marrow = float(np.median(image[label == 6]))
    fluid = float(np.quantile(image, 0.9995))
    # Ranges around what ROIs in a real 3 T DESS scan show, relative to cartilage:
    # meniscus 0.4 to 0.55, marrow 0.11 to 0.15, fluid 2 to 3.
    assert 0.3 < meniscus / cartilage < 0.6
    assert 0.08 < marrow / cartilage < 0.2
    assert 2.0 < fluid / cartilage < 3.2


def test_marrow_is_textured(joint):
    marrow = ndimage.binary_erosion(joint.label.array == 6, iterations=4)
    values = joint.image.array[marrow].astype(float)
    assert 0.15 < values.std() / values.mean() < 0.7


def test_coil_shading_averages_to_one_and_brightens_the_skin():
    axis = np.linspace(-60.0, 60.0, 13)
    shading = signal.coil_shading(lattice.Grid(axis, axis, axis, (10.0,) * 3), 1.0)
    assert shading.mean() == pytest.approx(1.0, rel=1e-5)
    assert shading[0, 6, 6] > 1.2 * shading[6, 6, 6]


def test_cartilage_volumes_are_those_of_a_real_knee():
    folder = os.environ.get("DEEPRESOLVE_DATA")
    if not folder:
        pytest.skip("DEEPRESOLVE_DATA is unset: no real scans to compare with.")
    image = nib.load(pathlib.Path(folder) / "knee_dess_labels.nii.gz")
    real = np.asarray(image.dataobj)
    voxel = np.prod(image.header.get_zooms())
    made = [
        labelled(seed=seed, shape=(51, 56, 54), spacing_mm=(1.5, 1.5, 1.5)).label
        for seed in range(3)
    ]
    voxel_made = 1.5**3
    for name in (
        "femoral cartilage",
        "medial tibial cartilage",
        "lateral tibial cartilage",
    ):
        number = NUMBERS[name]
        ours = np.mean([np.sum(label.array == number) for label in made]) * voxel_made
        assert 0.6 < ours / (np.sum(real == number) * voxel) < 1.7, name


# --- arguments -----------------------------------------------------------------------


def test_distances_in_the_patellas_cartilage_are_those_to_its_bone():
    """Thickness is drawn along them: where they are short, cartilage is too thick."""
    drawn = parameters.draw(7000)
    axes = (np.arange(*ends, 1.25) for ends in ((0, 70), (-5, 75), (-36, 36)))
    grid = lattice.Grid.along(axes, (1.25,) * 3)
    patella = bones.patella(grid, drawn, bones.femur(grid, drawn, bones.fit(drawn)))
    step_mm = 0.5
    axes = (np.arange(*ends, step_mm) for ends in ((32, 62), (9, 58), (-20, 32)))
    fine = lattice.Grid.along(axes, (step_mm,) * 3)
    distance, layer = patella.distance.sample(fine), patella.thickness.sample(fine)
    bone, *_ = measure.marching_cubes(distance, 0.0, spacing=(step_mm,) * 3)
    inside = (distance > 0.3) & (distance < layer)
    true_mm, _ = KDTree(bone).query(np.argwhere(inside) * step_mm)
    off_mm = np.abs(distance[inside] - true_mm)
    assert inside.sum() > 10_000
    assert off_mm.mean() < 0.05 and np.percentile(off_mm, 95) < 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"side": "Left"}, "left.*right.*Left"),
        ({"shape": (10, 10)}, "shape"),
        ({"shape": (10, 0, 10)}, "shape"),
        ({"shape": (10, 10.5, 10)}, "shape"),
        ({"spacing_mm": (1.0, 1.0)}, "spacing_mm"),
        ({"spacing_mm": (1.0, -1.0, 1.0)}, "spacing_mm"),
        ({"spacing_mm": (1.0, float("nan"), 1.0)}, "spacing_mm"),
        ({"noise_sd": -0.1}, "noise_sd"),
        ({"shading": 1.5}, "shading"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        knee(**{"seed": 0, "shape": (4, 4, 4), **arguments})
