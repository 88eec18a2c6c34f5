"""Cylinders and slabs, whose length, area and thickness are known, laid flat."""

import csv
import io

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import unrolled
from deepresolve.quantification.knee import measure
from deepresolve.quantification.places import REGION_NAMES
from deepresolve.quantification.unrolled import STEP_MM, flatten

SPACING_MM = (0.5, 0.5, 0.75)
RADIUS_MM, THICK_MM, LONG_MM, DEGREES = 20.0, 2.5, 30.0, 100
KNEE = {
    **{2: "medial tibial cartilage", 3: "lateral tibial cartilage", 6: "tibia"},
    **{4: "patellar cartilage", 7: "patella"},
}


@pytest.fixture(scope="module")
def cylinder():
    """A femur that is a cylinder, with 2.5 mm of cartilage 100 degrees each way."""
    shape = (104, 104, 60)
    down, back, left = np.indices(shape) * np.reshape(SPACING_MM, (3, 1, 1, 1)) - [
        [[[25.6]]],
        [[[26.1]]],
        [[[22]]],
    ]
    away = np.hypot(down, back)
    array = np.where(away < RADIUS_MM, 5, 0)
    within = np.abs(np.degrees(np.arctan2(back, down))) < DEGREES
    within &= np.abs(left) < LONG_MM / 2
    array[(array == 0) & (away < RADIUS_MM + THICK_MM) & within] = 1
    label = Volume(array.astype(np.uint8), affine_along_axes("IPL", SPACING_MM))
    return measure(label, {1: "femoral cartilage", 5: "femur"})


def test_a_cylinder_becomes_a_rectangle_of_its_length(cylinder):
    found = flatten(cylinder, "F")
    # A closed form: an arc of 200 degrees around 20 mm, and what is measured beyond
    # the cartilage's border: half a voxel on each side.
    assert np.degrees(found.row_mm) == pytest.approx(RADIUS_MM, rel=0.01)
    assert found.row_unit == "degrees"
    for end in (found.rows[0], -found.rows[-1]):
        assert end == pytest.approx(-DEGREES, abs=3)
    assert np.ptp(found.columns_mm) == pytest.approx(LONG_MM, abs=1.5)
    inner = np.abs(found.rows) < DEGREES - 8
    middle = np.abs(found.columns_mm) < LONG_MM / 2 - 3
    inside = np.ix_(inner, middle)
    apart = found.thickness_mm[inside] - THICK_MM
    assert abs(apart.mean()) < 0.05 and np.percentile(np.abs(apart), 95) < 0.2
    assert found.stretch[inside].mean() == pytest.approx(1, abs=0.02)
    assert found.stretch[inside].std() < 0.15
    expected = np.radians(2 * DEGREES) * RADIUS_MM * LONG_MM
    assert found.area_mm2.sum() == pytest.approx(expected, rel=0.05)
    assert found.edges == ("anterior", "posterior", "left", "right")


def test_means_over_the_map_are_those_of_the_surface(cylinder):
    found, plate = flatten(cylinder, "F"), cylinder.plates["F"]
    assert found.area_mm2.sum() == pytest.approx(plate.bone.areas_mm2.sum())
    mean = np.average(np.nan_to_num(found.thickness_mm), weights=found.area_mm2)
    expected = np.average(plate.thickness_mm, weights=plate.bone.areas_mm2)
    assert mean == pytest.approx(expected, rel=1e-3)


def test_a_circle_through_points_of_an_arc():
    angles = np.radians(np.linspace(-40, 95, 30))
    points = np.stack(
        [300 + 27.5 * np.cos(angles), -40 + 27.5 * np.sin(angles)], axis=1
    )
    weights = np.linspace(1, 5, len(points))
    outlier, nothing = np.append(points, [[0, 0]], axis=0), np.append(weights, 0)
    centre, radius = unrolled.fit_circle(outlier, nothing)
    np.testing.assert_allclose([*centre, radius], [300, -40, 27.5])


def knee_label(medial_first):
    """A knee of slabs: tibial plates 3 (medial) and 2 mm thick, and a patella.

    The medial plate is bare in 6 x 7.5 mm, towards the front and outwards.
    """
    array = np.zeros((80, 70, 90), np.uint8)  # Down, back, to the left.
    array[60:] = 6
    array[56:60, 20:60, 50:82], array[54:60, 20:60, 8:40] = 3, 2
    array[54:60, 26:38, 14:24] = 0
    array[10:50, :8, 10:70], array[20:44, 8:13, 20:60] = 7, 4
    if not medial_first:
        array = np.flip(array, 2)
    return Volume(array, affine_along_axes("IPL", SPACING_MM))


def knee_of(medial_first):
    return measure(knee_label(medial_first), KNEE)


@pytest.fixture(scope="module")
def knees():
    """A left knee, whose medial side is to the patient's right, and a right one."""
    return {"left": knee_of(True), "right": knee_of(False)}


def test_a_slab_lies_flat_as_it_is(knees):
    for name, thick_mm in (("MT", 3.0), ("LT", 2.0)):
        found = flatten(knees["right"], name)
        inside = ~np.isnan(found.thickness_mm)
        core = np.abs(found.rows)[:, None] < 8
        core = inside & core & (np.abs(found.columns_mm) < 9) & ~found.denuded
        assert np.median(found.thickness_mm[core]) == pytest.approx(thick_mm, abs=0.05)
        assert found.stretch[core].mean() == pytest.approx(1, abs=0.02)
        # 20 mm from front to back, 24 mm across.
        assert inside.any(axis=1).sum() * STEP_MM == pytest.approx(20, abs=1.5)
        assert inside.any(axis=0).sum() * STEP_MM == pytest.approx(24, abs=1.5)


def test_denuded_bone_lies_where_it_was_cut_out(knees):
    found = flatten(knees["right"], "MT")
    rows, columns = np.nonzero(found.denuded)
    assert found.denuded.sum() * STEP_MM**2 == pytest.approx(6 * 7.5, rel=0.25)
    # Its middle lies 4 mm in front of the plate's and 3.75 mm further outwards.
    assert found.rows[rows].mean() == pytest.approx(-4, abs=0.6)
    assert found.columns_mm[columns].mean() == pytest.approx(-3.75, abs=0.6)
    assert (found.thickness_mm[found.denuded] == 0).all()
    assert not flatten(knees["right"], "LT").denuded.any()


def test_without_a_label_of_the_bone_nothing_is_denuded(knees):
    """A hole in a plate is no bone then; the map is of the cartilage alone."""
    label = knee_label(True)
    bare = label.with_array(np.where(label.array > 5, 0, label.array))
    knee = measure(bare, {v: name for v, name in KNEE.items() if v < 5})
    plate, found = knee.plates["MT"], flatten(knee, "MT")
    assert not plate.covered.all() and not found.denuded.any()
    covered_mm2 = plate.bone.areas_mm2[plate.covered].sum()
    assert found.area_mm2.sum() == pytest.approx(covered_mm2)
    assert np.nanmin(found.thickness_mm) > 0


def test_regions_lie_as_a_reader_expects_them(knees):
    """Front up, medial on the left: external is left of a medial plate's middle."""
    for name, outwards in (("MT", -1), ("LT", 1)):
        found = flatten(knees["right"], name)
        assert found.edges == ("anterior", "posterior", "medial", "lateral")
        middles = {}
        for number, region in enumerate(REGION_NAMES, start=1):
            rows, columns = np.nonzero(found.region == number)
            if len(rows):
                middles[region[0]] = (
                    found.rows[rows].mean(),
                    found.columns_mm[columns].mean(),
                )
        assert set(middles) == set("caepi")
        assert middles["a"][0] < -4 and middles["p"][0] > 4
        assert outwards * middles["e"][1] > 4 and outwards * middles["i"][1] < -4
        assert np.abs(middles["c"]).max() < 1
        assert (found.region[np.isnan(found.thickness_mm)] == 0).all()


def test_a_patella_stands_upright(knees):
    found = flatten(knees["right"], "P")
    assert found.edges == ("superior", "inferior", "medial", "lateral")
    inside = ~np.isnan(found.thickness_mm)
    # 12 mm down and 30 mm across, 2.5 mm thick.
    assert inside.any(axis=1).sum() * STEP_MM == pytest.approx(12, abs=1.5)
    assert inside.any(axis=0).sum() * STEP_MM == pytest.approx(30, abs=1.5)
    assert np.nanmedian(found.thickness_mm) == pytest.approx(2.5, abs=0.06)
    assert not found.region.any()


def test_a_left_knee_has_the_map_of_the_right_one(knees):
    assert [knee.side for knee in knees.values()] == ["left", "right"]
    for name in ("MT", "LT", "P"):
        left, right = (flatten(knees[side], name) for side in ("left", "right"))
        np.testing.assert_allclose(left.columns_mm, right.columns_mm)
        np.testing.assert_allclose(left.thickness_mm, right.thickness_mm, atol=1e-6)
        np.testing.assert_array_equal(left.region, right.region)
        np.testing.assert_allclose(left.area_mm2, right.area_mm2, atol=1e-6)


def test_a_table_has_a_line_for_each_cell(knees):
    plates = [flatten(knees["right"], name) for name in ("MT", "P")]
    rows = list(csv.DictReader(io.StringIO(unrolled.to_csv(plates, "knee_1", "ab12"))))
    for plate in plates:
        own = [row for row in rows if row["plate"] == plate.name]
        assert len(own) == np.isfinite(plate.thickness_mm).sum()
        area = sum(float(row["area_mm2"]) for row in own)
        assert area == pytest.approx(plate.area_mm2.sum(), rel=1e-3)
        for row in own[:: len(own) // 7]:
            (i,) = np.flatnonzero(np.isclose(plate.rows, float(row["row"])))
            (j,) = np.flatnonzero(np.isclose(plate.columns_mm, float(row["column_mm"])))
            assert float(row["thickness_mm"]) == pytest.approx(
                plate.thickness_mm[i, j], abs=6e-4
            )
            assert bool(int(row["denuded"])) == plate.denuded[i, j]
            assert row["region"] == ("", *REGION_NAMES)[plate.region[i, j]]
            assert row["row_unit"] == "mm"
            assert (row["scan"], row["fingerprint"]) == ("knee_1", "ab12")
