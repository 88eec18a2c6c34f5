"""Lesions as they are drawn, and what they do to a knee."""

import functools

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve.simulation.phantom import (
    LABEL_NAMES,
    LESION_NAMES,
    knee,
    labelled,
    lesions,
)
from deepresolve.simulation.phantom.lesions import (
    CartilageLesion,
    MarrowLesion,
    MeniscalTear,
)

NUMBERS = {name: number for number, name in LABEL_NAMES.items()}
LESIONS = {name: number for number, name in LESION_NAMES.items()}
STEP_MM = 0.6
# The joint between femur and tibia; coarser where it is painted; a knee.
JOINT = {"shape": (92, 50, 134), "spacing_mm": (STEP_MM,) * 3}
PAINTED = {"shape": (69, 38, 100), "spacing_mm": (0.8,) * 3}
WHOLE = {"shape": (50, 56, 38), "spacing_mm": (2.0, 2.0, 2.0)}
# Signal of cartilage, and of what fills a lesion in relation to it.
UNITS, FLUID, WET_MARROW, MARROW = 2900.0, 2.6, 0.6, 0.13


@functools.cache
def truth(*found, side="right"):
    return labelled(seed=5, side=side, lesions=found, **JOINT)


@functools.cache
def painted(*found):
    return knee(seed=5, lesions=found, **PAINTED, noise_sd=0.0, shading=0.0)


def added(*found):
    """What lesions add to the signal of a knee."""
    return painted(*found).image.array - painted().image.array.astype(float)


def extent_mm(mask, axis):
    """Length of a mask along an axis."""
    others = tuple(other for other in range(3) if other != axis)
    return np.sum(np.any(mask, axis=others)) * STEP_MM


def dilated(mask, iterations=2):
    """A mask and the voxels around it: an edge is as wide as a cell."""
    return ndimage.binary_dilation(mask, np.ones((3, 3, 3)), iterations=iterations)


def world_to_voxel(volume, place_mm):
    inverse = np.linalg.inv(volume.affine)
    return tuple(np.rint(nib.affines.apply_affine(inverse, place_mm)).astype(int))


# --- cartilage -----------------------------------------------------------------------

PLATEAU = CartilageLesion(region="medial tibial plateau", depth=0.5, width_mm=8.0)


@pytest.mark.parametrize(
    ("region", "tissue", "depth", "width_mm"),
    [
        ("medial tibial plateau", "medial tibial cartilage", 0.5, 8.0),
        ("medial tibial plateau", "medial tibial cartilage", 1.0, 8.0),
        ("lateral tibial plateau", "lateral tibial cartilage", 1.0, 6.0),
        ("lateral femoral condyle", "femoral cartilage", 0.5, 8.0),
        ("lateral femoral condyle", "femoral cartilage", 1.0, 6.0),
    ],
)
def test_a_defect_has_the_volume_that_was_asked_for(region, tissue, depth, width_mm):
    field = {"shape": (90, 48, 170), "spacing_mm": (0.35,) * 3}
    lesion = CartilageLesion(region=region, depth=depth, width_mm=width_mm)
    before, after = (labelled(seed=5, lesions=some, **field) for some in ((), [lesion]))
    is_cartilage = before.label.array == NUMBERS[tissue]
    lost = is_cartilage & (after.label.array != NUMBERS[tissue])
    thickness_mm = before.thickness_mm.array[lost].mean()
    # Closed form: of a smooth slope of width s around a radius r, the mean of the
    # squared radius is r^2 + s^2 / 20.
    expected = depth * thickness_mm * np.pi * ((width_mm / 2) ** 2 + 1.5**2 / 20)
    assert lost.sum() * 0.35**3 == pytest.approx(expected, rel=0.06)
    # All of it is marked, nothing else is, and nothing else changes.
    found = after.lesion.array == LESIONS["cartilage lesion"]
    np.testing.assert_array_equal(found, after.lesion.array > 0)
    np.testing.assert_array_equal(found, before.label.array != after.label.array)
    assert np.mean(lost[found]) > 0.97


def test_a_defect_is_as_deep_and_as_wide_as_was_asked_for():
    before, after = truth().thickness_mm.array, truth(PLATEAU).thickness_mm.array
    kept = after > 0
    share = 1 - after[kept] / before[kept]
    assert share.max() == pytest.approx(0.5, abs=1e-6)
    # Half of the depth is gone within the width: seen from above, on a flat plateau.
    deep = np.zeros(kept.shape, bool)
    deep[kept] = share > 0.25
    assert extent_mm(deep, 0) == pytest.approx(8.0, abs=STEP_MM)
    assert extent_mm(deep, 2) == pytest.approx(8.0, abs=STEP_MM)
    untouched = share[share < 1e-6]
    assert untouched.size > 0.9 * share.size


def test_bone_is_bare_where_all_of_the_cartilage_is_gone():
    lesion = CartilageLesion(region="medial tibial plateau", depth=1.0, width_mm=8.0)
    after = truth(lesion)
    medial = after.label.array == NUMBERS["medial tibial cartilage"]
    i, j, k = world_to_voxel(after.label, after.findings[0].place_mm)
    column = slice(j - 3, j + 4)
    assert not medial[i - 3 : i + 4, column, k - 3 : k + 4].any()
    assert truth().thickness_mm.array[i, j, k] > 1.0


def test_a_defect_is_filled_with_fluid():
    lesion = CartilageLesion(region="medial tibial plateau", depth=1.0, width_mm=8.0)
    inside = painted(lesion).lesion.array == LESIONS["cartilage lesion"]
    before, after = (p.image.array[inside] for p in (painted(), painted(lesion)))
    assert np.median(before) == pytest.approx(UNITS, rel=0.15)
    assert np.median(after) == pytest.approx(FLUID * UNITS, rel=0.02)
    assert not added(lesion)[~dilated(inside)].any()


# --- menisci -------------------------------------------------------------------------


def tear(orientation, width_mm, zone="body"):
    return MeniscalTear(
        meniscus="lateral meniscus",
        zone=zone,
        orientation=orientation,
        width_mm=width_mm,
    )


def test_a_cleft_is_as_wide_as_was_asked_for():
    torn = truth(tear("radial", 2.0)).lesion.array == LESIONS["meniscal tear"]
    # In the middle of the body the rim runs along the first axis.
    assert extent_mm(torn, 0) == pytest.approx(2.0, abs=STEP_MM)
    torn = truth(tear("vertical", 2.0)).lesion.array == LESIONS["meniscal tear"]
    across = np.sum(torn, axis=2) * STEP_MM
    assert np.median(across[across > 0]) == pytest.approx(2.0, abs=STEP_MM)
    assert extent_mm(torn, 0) == pytest.approx(
        6.0, abs=STEP_MM
    )  # extent_mm, its default
    torn = (
        truth(tear("horizontal", 2.0, "posterior horn")).lesion.array
        == LESIONS["meniscal tear"]
    )
    high = np.sum(torn, axis=1) * STEP_MM
    assert np.median(high[high > 0]) == pytest.approx(2.0, abs=STEP_MM)


def test_signal_of_a_cleft_grows_with_its_width_however_thin():
    sums = [np.sum(added(tear("radial", width))) for width in (0.25, 0.5, 1.0)]
    # Partial volume: what a voxel gains is the part of it that is cleft.
    assert sums[1] / sums[0] == pytest.approx(2, rel=0.03)
    assert sums[2] / sums[0] == pytest.approx(4, rel=0.03)


@pytest.mark.parametrize("zone", lesions.ZONES)
@pytest.mark.parametrize("orientation", lesions.ORIENTATIONS)
def test_a_tear_reaches_the_surface_and_stays_in_its_meniscus(orientation, zone):
    before, after = truth(), truth(tear(orientation, 1.0, zone))
    np.testing.assert_array_equal(before.label.array, after.label.array)
    torn = after.lesion.array == LESIONS["meniscal tear"]
    meniscus = before.label.array == NUMBERS["lateral meniscus"]
    np.testing.assert_array_equal(torn, after.lesion.array > 0)
    assert torn.sum() > 20 and not torn[~meniscus].any()
    # The second axis runs downwards: what lies above and below each voxel.
    is_open = [torn & ~np.roll(meniscus, step, axis=1) for step in (1, -1)]
    if orientation == "horizontal":
        assert (dilated(torn, 1) & ~meniscus).any()
    else:
        assert is_open[0].any() and is_open[1].any()


def test_a_tear_changes_no_signal_outside_of_its_meniscus():
    lesion = tear("horizontal", 1.0, "posterior horn")
    near = dilated(painted().label.array == NUMBERS["lateral meniscus"])
    changed = added(lesion) != 0
    assert changed.any() and not changed[~near].any()


# --- marrow --------------------------------------------------------------------------


@pytest.mark.parametrize("diameter_mm", [8.0, 12.0])
@pytest.mark.parametrize("region", ["medial tibial plateau", "lateral tibial plateau"])
def test_a_marrow_lesion_is_as_large_as_was_asked_for(region, diameter_mm):
    field = {"shape": (50, 66, 90), "spacing_mm": (0.7,) * 3}
    lesion = MarrowLesion(region=region, diameter_mm=diameter_mm)
    found = labelled(seed=5, lesions=[lesion], **field).lesion.array == 3
    for axis in (0, 2):
        others = tuple(other for other in range(3) if other != axis)
        across_mm = np.sum(np.any(found, axis=others)) * 0.7
        assert across_mm == pytest.approx(diameter_mm, abs=0.75)
    # Closed form: a ball whose cap of height h = 0.4 r is cut off by the cortex.
    radius, height = diameter_mm / 2, 0.4 * diameter_mm / 2
    ball = 4 / 3 * np.pi * radius**3
    cap = np.pi * height**2 * (3 * radius - height) / 3
    assert found.sum() * 0.7**3 == pytest.approx(ball - cap, rel=0.06)


def test_a_marrow_lesion_is_bright_in_its_middle_and_fades_over_its_edge():
    lesion = MarrowLesion(region="medial femoral condyle", diameter_mm=8.0)
    after, gain = painted(lesion), added(lesion)
    np.testing.assert_array_equal(after.label.array, painted().label.array)
    femur = after.label.array == NUMBERS["femur"]
    assert not gain[~dilated(femur, 1)].any()
    indices = np.moveaxis(np.indices(femur.shape), 0, -1)
    offset = nib.affines.apply_affine(after.label.affine, indices)
    offset -= after.findings[0].place_mm
    away_mm = np.where(offset[..., 2] > 0, np.linalg.norm(offset, axis=-1), np.inf)
    means = [np.mean(gain[np.abs(away_mm - at_mm) < 0.5]) for at_mm in (1, 4, 6.6)]
    # Patchy: within a third of its mean.
    assert means[0] == pytest.approx((WET_MARROW - MARROW) * UNITS, rel=0.33)
    assert means[1] / means[0] == pytest.approx(0.5, abs=0.1)
    assert means[2] == 0


# --- a knee and its lesions ----------------------------------------------------------

ALL = (
    CartilageLesion(region="medial femoral condyle", depth=1.0, width_mm=6.0),
    tear("radial", 1.3),
    MarrowLesion(region="medial tibial plateau", diameter_mm=9.0),
)


def test_a_left_knee_mirrors_its_lesions():
    right, left = truth(*ALL), truth(*ALL, side="left")
    for name in ("lesion", "label"):
        own, other = (getattr(knee, name).array for knee in (left, right))
        np.testing.assert_array_equal(own, other[:, :, ::-1])
    own, other = (knee.thickness_mm.array for knee in (left, right))
    # In float32 a processor may sum what is mirrored in another order.
    np.testing.assert_allclose(own, other[:, :, ::-1], rtol=1e-6)
    for ours, theirs in zip(left.findings, right.findings, strict=True):
        x, y, z = theirs.place_mm
        assert ours.place_mm == pytest.approx((-x, y, z), abs=1e-4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_lesion_is_found_at_its_place(side):
    after = truth(*ALL, side=side)
    assert [finding.lesion for finding in after.findings] == list(ALL)
    for finding, number in zip(after.findings, (1, 2, 3), strict=True):
        index = world_to_voxel(after.lesion, finding.place_mm)
        assert after.lesion.array[index] == number
        # The medial side faces the other knee: x of RAS+ grows to the right.
        is_right_of_middle = finding.place_mm[0] > 0
        is_medial = finding.lesion.region.startswith("medial")
        assert is_right_of_middle == (is_medial == (side == "left"))


def test_a_knee_stays_itself_with_its_lesions():
    """Pairs with and without: anatomy and noise are the same."""
    field = {**PAINTED, "later_ms": 30.0}
    without, with_all = (knee(seed=5, **field, lesions=some) for some in ((), ALL))
    near = dilated(with_all.lesion.array > 0, 4)
    for name in ("image", "second_echo", "label", "thickness_mm", "t2_ms"):
        before, after = (getattr(k, name).array for k in (without, with_all))
        assert np.any(before != after)
        np.testing.assert_array_equal(before[~near], after[~near])
    assert not without.lesion.array.any() and without.findings == ()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_drawn_lies_in_the_usual_field_of_view(seed):
    drawn = [lesions.draw(kind, seed) for kind in lesions.KINDS]
    found = labelled(seed=seed, side="left", lesions=drawn, **WHOLE).findings
    assert [finding.lesion for finding in found] == drawn


def test_a_lesion_must_lie_in_the_field_of_view():
    lesion = CartilageLesion(region="patella", depth=0.5, width_mm=5.0)
    with pytest.raises(ValueError, match=r"patella is not in the field of view"):
        truth(lesion)
    # The lattice reaches further than the voxels.
    narrow = {"shape": (40, 40, 20), "spacing_mm": (1.5, 1.5, 1.5)}
    with pytest.raises(ValueError, match=r"body is not in the field of view"):
        labelled(seed=5, lesions=[tear("radial", 1.0)], **narrow)


# --- drawing -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", lesions.KINDS)
def test_a_seed_is_a_lesion(kind):
    drawn = [lesions.draw(kind, seed) for seed in range(300)]
    assert drawn == [lesions.draw(kind, seed) for seed in range(300)]
    assert len(set(drawn)) == 300
    assert {lesion.kind for lesion in drawn} == {kind}


def test_places_and_grades_of_what_is_drawn_are_balanced():
    drawn = [lesions.draw("cartilage", seed) for seed in range(1200)]
    # Binomial: three standard deviations of a share p of n draws.
    for value, shares, p in (
        *((grade, [d.grade for d in drawn], 1 / 3) for grade in (2, 3, 4)),
        *((name, [d.region for d in drawn], 1 / 6) for name in lesions.REGIONS),
    ):
        within = 3 * np.sqrt(p * (1 - p) / len(drawn))
        assert np.mean([share == value for share in shares]) == pytest.approx(
            p, abs=within
        )


def test_kinds_are_independent_and_a_larger_share_keeps_those_of_a_smaller():
    found = {
        (kind, share): np.array(
            [lesions.occurs(kind, seed, share) for seed in range(2000)]
        )
        for kind in lesions.KINDS
        for share in (0.0, 0.3, 0.6, 1.0)
    }
    for kind in lesions.KINDS:
        assert not found[kind, 0.0].any() and found[kind, 1.0].all()
        assert found[kind, 0.3].mean() == pytest.approx(0.3, abs=0.035)
        assert found[kind, 0.6][found[kind, 0.3]].all()
    both = found["cartilage", 0.6] & found["marrow", 0.6]
    assert both.mean() == pytest.approx(0.36, abs=0.035)


@pytest.mark.parametrize(("depth", "grade"), [(0.3, 2), (0.5, 3), (0.9, 3), (1.0, 4)])
def test_the_grade_follows_the_depth(depth, grade):
    lesion = CartilageLesion(region="patella", depth=depth, width_mm=5.0)
    assert lesion.grade == grade


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CartilageLesion(region="knee", depth=0.5, width_mm=5), "region.*knee"),
        (
            lambda: CartilageLesion(region="patella", depth=0, width_mm=5),
            "depth.*got 0",
        ),
        (lambda: CartilageLesion(region="patella", depth=1, width_mm=1), "width_mm"),
        (lambda: tear("oblique", 1.0), "orientation.*horizontal.*oblique"),
        (lambda: tear("radial", 9.0), "width_mm must lie in 0.2..4; got 9"),
        (lambda: MarrowLesion(region="patella", diameter_mm=2), "diameter_mm"),
        (
            lambda: MarrowLesion(region="patella", diameter_mm=5, across=2),
            "across must lie in -1..1; got 2",
        ),
        (lambda: lesions.draw("ligament", 0), "kind must be one of.*ligament"),
        (lambda: lesions.draw("marrow", -1), "seed must be a whole number"),
    ],
)
def test_bad_lesions_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
