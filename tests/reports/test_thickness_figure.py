"""Colours and sizes of what is drawn, counted in pixels."""

import dataclasses
import io

import numpy as np
import pytest
from matplotlib import image

from deepresolve.quantification.places import REGION_NAMES
from deepresolve.quantification.unrolled import FlatPlate
from deepresolve.reports import thickness_figure
from deepresolve.reports.layout import DPI

STEP_MM = 0.5
PX_A_MM = 0.06 * DPI
# Published with the map (Smith and van der Walt, 2015): its ends.
VIRIDIS_FIRST, VIRIDIS_LAST = (68, 1, 84), (253, 231, 37)
VERMILION = (213, 94, 0)


def plate(name, shape=(60, 40), thickness_mm=9.0, unit="mm", row_mm=STEP_MM):
    """A rectangle of one thickness."""
    rows = (np.arange(shape[0]) + 0.5 - shape[0] / 2) * (1 if unit != "mm" else row_mm)
    return FlatPlate(
        name,
        rows,
        (np.arange(shape[1]) + 0.5 - shape[1] / 2) * STEP_MM,
        unit,
        row_mm,
        ("anterior", "posterior", "medial", "lateral"),
        np.full(shape, thickness_mm),
        np.zeros(shape, bool),
        np.zeros(shape, np.uint8),
        np.full(shape, row_mm * STEP_MM),
    )


def drawn(*plates, headline="knee_7, left knee"):
    png = thickness_figure.draw(plates, headline)
    return np.rint(255 * image.imread(io.BytesIO(png))[..., :3]).astype(int)


def num_pixels(pixels, colour):
    return (np.abs(pixels - colour).max(axis=-1) <= 2).sum()


def test_one_scale_for_every_knee():
    found = thickness_figure.rgb(
        np.array([0.0, 5.0, 9.0, 0.0]), np.array([True, True, True, False])
    )
    assert found.dtype == np.uint8
    assert [tuple(c) for c in found.tolist()] == [
        *(VIRIDIS_FIRST, VIRIDIS_LAST, VIRIDIS_LAST, VERMILION)
    ]


@pytest.mark.parametrize("name", ["F", "MT", "LT", "T", "P"])
def test_a_plate_is_as_large_as_it_is(name):
    """30 x 20 mm at 6 pixels a millimetre, all of it in the last colour."""
    bar = num_pixels(drawn(plate(name, thickness_mm=0.0)), VIRIDIS_LAST)
    found = num_pixels(drawn(plate(name)), VIRIDIS_LAST) - bar
    assert found == pytest.approx(30 * 20 * PX_A_MM**2, rel=0.03)


def test_rows_of_degrees_are_as_long_as_their_arc():
    femur = plate("F", shape=(120, 40), unit="degrees", row_mm=0.45)
    bar = num_pixels(drawn(plate("F", thickness_mm=0.0)), VIRIDIS_LAST)
    found = num_pixels(drawn(femur), VIRIDIS_LAST) - bar
    assert found == pytest.approx(120 * 0.45 * 20 * PX_A_MM**2, rel=0.03)


def test_denuded_bone_has_a_colour_of_its_own():
    whole = plate("MT")
    denuded = np.zeros(whole.denuded.shape, bool)
    denuded[20:30, 10:30] = True
    bare = dataclasses.replace(
        whole, denuded=denuded, thickness_mm=np.where(denuded, 0, whole.thickness_mm)
    )
    legend = num_pixels(drawn(whole), VERMILION)
    assert legend > 100
    found = num_pixels(drawn(bare), VERMILION) - legend
    assert found == pytest.approx(5 * 10 * PX_A_MM**2, rel=0.06)


def test_nothing_is_drawn_where_there_is_no_bone():
    whole = plate("P")
    thickness = whole.thickness_mm.copy()
    thickness[:, :20] = np.nan
    half = dataclasses.replace(whole, thickness_mm=thickness)
    bar = num_pixels(drawn(plate("P", thickness_mm=0.0)), VIRIDIS_LAST)
    found = num_pixels(drawn(half), VIRIDIS_LAST) - bar
    assert found == pytest.approx(30 * 10 * PX_A_MM**2, rel=0.03)


def test_regions_have_white_borders_and_names():
    whole = plate("MT")
    region = np.full(whole.region.shape, 1 + REGION_NAMES.index("aMT"), np.uint8)
    region[30:] = 1 + REGION_NAMES.index("pMT")
    plain, named = drawn(whole), drawn(dataclasses.replace(whole, region=region))
    white = num_pixels(named, (255, 255, 255)) - num_pixels(plain, (255, 255, 255))
    # The border between them alone is 20 mm long, and a pixel and a half wide.
    assert white > 20 * PX_A_MM
    assert num_pixels(named, (0, 0, 0)) > num_pixels(plain, (0, 0, 0))


def test_all_plates_stand_beside_each_other():
    sizes = {"F": (200, 140), "MT": (80, 60), "LT": (70, 60), "P": (60, 80)}
    plates = [plate(name, shape) for name, shape in sizes.items()]
    bar = num_pixels(drawn(plate("P", thickness_mm=0.0)), VIRIDIS_LAST)
    found = num_pixels(drawn(*plates), VIRIDIS_LAST) - bar
    area_mm2 = sum(a * b for a, b in sizes.values()) * STEP_MM**2
    assert found == pytest.approx(area_mm2 * PX_A_MM**2, rel=0.02)


def test_a_name_is_no_formula():
    assert drawn(plate("P"), headline="knee_$x_1$, left knee").shape[1] >= 700


def test_notes_stand_below_and_within_the_figure():
    shape = drawn(plate("P")).shape
    note = "Voxels of 3 mm are as large as cartilage is thick, $x_1$. " * 4
    png = thickness_figure.draw([plate("P")], "knee_7", [note])
    pixels = np.rint(255 * image.imread(io.BytesIO(png))[..., :3]).astype(int)
    assert pixels.shape[0] > shape[0] and pixels.shape[1] == shape[1]
    assert (pixels[:, -15:] == 255).all()
    written = (pixels[shape[0] - pixels.shape[0] - 20 :] < 128).any(axis=-1)
    assert written.any(axis=1).sum() > 20


def test_what_stands_above_a_narrow_plate_is_within_the_figure():
    wide, narrow = plate("F", (60, 300)), plate("LT", (60, 50))
    pixels = drawn(wide, plate("MT"), narrow)
    is_ink = (pixels != 255).any(axis=(0, 2))
    margin = pixels.shape[1] - 1 - np.flatnonzero(is_ink)[-1]
    assert margin >= 3
