"""Plates of synthetic and real knees, and what cannot be measured."""

import dataclasses
import os
import pathlib

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial import KDTree

import deepresolve as dr
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom

NAMES = phantom.LABEL_NAMES
PLATES = {"F": 1, "MT": 2, "LT": 3, "P": 4}


@pytest.fixture(scope="module", params=["right", "left"])
def knee(request):
    return phantom.labelled(
        seed=7, side=request.param, shape=(150, 150, 84), spacing_mm=(0.8, 0.8, 1.1)
    )


@pytest.fixture(scope="module")
def measured(knee):
    return dr.measure(knee.label, NAMES)


def test_regions_are_parts_of_plates(measured):
    areas = {n: of.get("tAB") for n, of in measured.quantities.items()}
    volumes = {n: of["VC"] for n, of in measured.quantities.items()}
    for letter in "ML":
        parts = [f"{place}{letter}T" for place in "capei"]
        for of in (areas, volumes):
            assert sum(map(of.get, parts)) == pytest.approx(of[f"{letter}T"])
        central = areas[f"c{letter}T"] / areas[f"{letter}T"]
        assert central == pytest.approx(0.2, abs=0.005)
        for place in "iec":
            third = areas[f"{place}c{letter}F"] / areas[f"c{letter}F"]
            assert third == pytest.approx(1 / 3, abs=0.01)
    femur = ("TrF", "cMF", "pMF", "cLF", "pLF")
    for of in (areas, volumes):
        assert sum(map(of.get, femur)) == pytest.approx(of["F"])
    assert measured.weight_bearing == 0.6


def test_regions_lie_where_they_are_named_after(knee, measured):
    """External is away from the other plate, anterior towards the patella."""
    sagittal = knee.label.in_plane("sagittal")
    middles = {}
    for name, (of, mask) in measured.regions.items():
        vertices = measured.plates[of].bone.vertices[mask]
        middles[name] = vertices.mean(axis=0)
    whole = {n: p.bone.vertices.mean(axis=0) for n, p in measured.plates.items()}
    out = np.sign(whole["MT"][2] - whole["LT"][2])
    for name, value in PLATES.items():  # in the label map's own millimetres
        voxels = np.argwhere(sagittal.array == value).mean(axis=0)
        np.testing.assert_allclose(whole[name], voxels * sagittal.spacing_mm, atol=4)
    assert sagittal.orientation[:2] == "IP"
    for letter, outwards in (("M", out), ("L", -out)):
        for inner, outer in (("i", "e"), ("ic", "ec")):
            bone = "T" if len(inner) == 1 else "F"
            ends = [middles[f"{n}{letter}{bone}"][2] for n in (inner, outer)]
            assert outwards * (ends[1] - ends[0]) > 5
        assert middles[f"p{letter}T"][1] - middles[f"a{letter}T"][1] > 10
        order = [middles[name][1] for name in ("TrF", f"c{letter}F", f"p{letter}F")]
        assert order == sorted(order)
        # The ellipse is about the middle of its plate.
        centre = middles[f"c{letter}T"] - whole[f"{letter}T"]
        assert np.linalg.norm(centre[1:]) < 2
        # The centre of a condyle bears the weight: it is the lowest of the femur.
        assert middles[f"c{letter}F"][0] > middles[f"p{letter}F"][0]


def test_vertices_have_a_place_in_the_world(knee, measured):
    for name, value in PLATES.items():
        indices = np.argwhere(knee.label.array == value)
        world = nib.affines.apply_affine(knee.label.affine, indices)
        # What belongs to the plates of a bone lies within a voxel and a half of it.
        apart, _ = KDTree(world).query(
            measured.in_world(measured.plates[name].articular.vertices)
        )
        assert np.max(apart) < 1.5


def test_compartments_are_sums(measured):
    of = measured.quantities
    for name, tibial, femoral in (("MFTC", "MT", "cMF"), ("cLFTC", "cLT", "ccLF")):
        for quantity in ("VC", "ThCtAB_aMe", "ThCtAB_aMav"):
            expected = of[tibial][quantity] + of[femoral][quantity]
            assert of[name][quantity] == pytest.approx(expected)
        assert np.isnan(of[name]["tAB"]) and f"{name}_tAB" not in measured.table


def test_more_of_a_condyle_bears_weight_where_it_is_said(knee, measured):
    more = measure(knee.label, NAMES, weight_bearing=0.75)
    for name in ("cMF", "cLF"):
        assert more.quantities[name]["tAB"] > 1.1 * measured.quantities[name]["tAB"]
    assert more.weight_bearing == 0.75
    with pytest.raises(ValueError, match=r"weight_bearing: expected 0 to 1; got 60"):
        measure(knee.label, NAMES, weight_bearing=60)


@pytest.fixture(scope="module")
def one_tibia(knee):
    """The knee with cartilage of the tibia in one label, as OAI-ZIB has it."""
    array = np.where(np.isin(knee.label.array, (2, 3)), 2, knee.label.array)
    names = {1: "femoral cartilage", 2: "tibial cartilage", 5: "femur", 6: "tibia"}
    return knee.label.with_array(array), names


def test_without_sides_there_are_no_regions(one_tibia):
    found = measure(*one_tibia)
    assert not found.regions and set(found.quantities) == {"F", "T"}
    assert any(note.startswith("What is medial is not told") for note in found.notes)
    assert found.side == ""


def test_a_fibula_or_the_side_of_the_knee_tells_medial(knee, measured, one_tibia):
    label_map, names = one_tibia
    by_fibula = measure(label_map, {**names, 8: "fibula"})
    by_side = measure(label_map, names, known_side=knee.side)
    moved = label_map.affine.copy()
    moved[0, 3] += 100 if knee.side == "right" else -100
    by_place = measure(dataclasses.replace(label_map, affine=moved), names)
    unused = [note for note in by_side.notes if note.startswith("Not used")]
    assert list(by_side.notes) == unused and len(by_fibula.notes) == 1
    assert "by its place alone" in by_place.notes[-1]
    for found in (by_fibula, by_side, by_place):
        assert found.side == knee.side
        for name in ("cMF", "cLF", "TrF", "MT", "LT", "cMT", "eLT"):
            expected = measured.quantities[name]["VC"]
            assert found.quantities[name]["VC"] == pytest.approx(expected)


def test_what_tags_say_is_checked(knee):
    other = {"right": "left", "left": "right"}[knee.side]
    (note,) = measure(knee.label, NAMES, known_side=other).notes
    assert f"it is a {knee.side} knee, and by what is said of it a {other} one" in note


def test_cartilage_alone_is_as_thick_as_on_its_bones(knee, measured):
    names = {v: name for v, name in NAMES.items() if "cartilage" in name}
    found = measure(knee.label, names)
    text = " ".join(found.notes)
    assert "No label is the femur, the tibia or the patella: cartilage is" in text
    assert found.without_bone == ("F", "MT", "LT", "P")
    for name in ("F", "MT", "LT", "P", "TrF", "cMF", "cLF", "cMT", "cLT"):
        expected = measured.quantities[name]
        thick = found.quantities[name]["ThCtAB_aMe"]
        # The patella's rim is thin, and its denuded bone is not known.
        within = 0.08 if name == "P" else 0.05
        assert thick == pytest.approx(expected["ThCtAB_aMe"], rel=within), name
        assert f"{name}_dABp" not in found.table and f"{name}_dABp" in measured.table
        area = found.quantities[name]["tAB"]
        assert area == pytest.approx(expected["tAB"], rel=0.08), name


def test_plates_are_as_thick_as_they_were_drawn():
    """A voxel stands for an area of its volume over the thickness that it lies in."""
    fine = phantom.labelled(seed=7, shape=(240, 240, 110), spacing_mm=(0.5, 0.5, 0.8))
    measured = measure(fine.label, NAMES)
    for plate, value in PLATES.items():
        inside = fine.label.array == value
        drawn = fine.thickness_mm.array[inside]
        expected_mm = 1 / np.mean(1 / drawn[drawn > 0])
        found_mm = measured.table[f"{plate}_ThCcAB_aMe"]
        assert found_mm == pytest.approx(expected_mm, abs=0.1), plate
        voxels_mm3 = fine.label.voxel_mm3 * np.sum(inside)
        assert measured.table[f"{plate}_VC"] == pytest.approx(voxels_mm3), plate
        assert measured.table[f"{plate}_dABp"] < 1, plate
    assert measured.notes == ()


def test_what_the_scan_cuts_has_no_regions(knee, measured):
    sagittal = knee.label.in_plane("sagittal")
    half = sagittal.crop([slice(None), slice(None), slice(0, sagittal.shape[2] // 2)])
    found = measure(half, NAMES, known_side=knee.side)
    assert {"F", "P"} <= set(found.plates)
    assert not {"TrF", "cMF", "cLF"} & set(found.quantities)
    side = "M" if knee.side == "left" else "L"  # the first slices lie to the right
    assert found.table[f"{side}T_VC"] == measured.table[f"{side}T_VC"]
    (note,) = [note for note in found.notes if "cut by the first" in note]
    assert note.startswith("F, P: cut") or note.startswith("P, F: cut")


def test_labels_that_are_not_used_are_told(knee, measured):
    names = {**NAMES, 2: "medial tibal cartilage"}
    del names[8]
    found = measure(knee.label, names)
    text = " ".join(found.notes)
    assert "is no cartilage, bone or meniscus: 'medial tibal cartilage'." in text
    assert "for they have no name: 8." in text
    assert measured.notes == ()


def test_the_other_knee_measures_the_same(knee, measured):
    label = knee.label
    axis = next(a for a, code in enumerate(label.orientation) if code in "LR")
    mirrored = label.with_array(np.flip(label.array, axis))
    assert measure(mirrored, NAMES).table == measured.table


def test_axes_of_the_file_do_not_matter(knee, measured):
    turned = Volume(
        np.flip(np.moveaxis(knee.label.array, 2, 0), 0).copy(),
        knee.label.affine[:, [2, 0, 1, 3]]
        @ np.array(
            [
                [-1, 0, 0, knee.label.shape[2] - 1],
                [0, 1, 0, 0],
                [0, 0, 1, 0],
                [0, 0, 0, 1],
            ]
        ),
        slice_axis=0,
    )
    found = measure(turned, NAMES).table
    assert found == pytest.approx(measured.table)


def test_a_real_knee_has_plates_of_a_knee():
    if not (data := os.environ.get("DEEPRESOLVE_DATA")):
        pytest.skip("needs DEEPRESOLVE_DATA")
    path = pathlib.Path(data) / "knee_dess_labels.nii.gz"
    labels = formats.read_label_map(path, image=formats.read_image(path))
    table = measure(labels, NAMES).table
    # Mean and two standard deviations of OAI's readings (POMA); healthy ones are
    # thicker.
    for name, low, high in (("MT", 7.2, 15.6), ("LT", 6.5, 14.5)):
        assert low < table[f"{name}_tAB"] < high
        assert 0.8 < table[f"{name}_ThCtAB_aMe"] < 2.9
    assert 1.5 < table["F_ThCtAB_aMe"] < 2.6
    assert 1.0 < table["P_ThCtAB_aMe"] < 3.0


def test_coarse_slices_are_noted():
    drawn = phantom.labelled(seed=3, shape=(120, 120, 30), spacing_mm=(1, 1, 3.5))
    (note,) = measure(drawn.label, NAMES).notes
    assert "Voxels of 3.5 mm" in note and "Super-resolve" in note


@pytest.fixture
def joint():
    """A block of bone with a layer of cartilage on it."""
    array = np.zeros((30, 40, 20), np.uint8)
    array[:20, 5:35, 3:17], array[20:24, 8:32, 5:15] = 5, 1
    return Volume(array, affine_along_axes("IPL", (0.5, 0.5, 1.0)), slice_axis=2)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({1: "tissue", 5: "femur"}, "No cartilage to measure: .* 0, tissue, femur"),
        ({}, "No cartilage"),
        (
            {1: "femoral cartilage", 5: "cartilage of the femur"},
            "Two labels are cartilage of the femur",
        ),
    ],
)
def test_what_is_missing_is_told(joint, names, message):
    with pytest.raises(ValueError, match=message):
        measure(joint, names)


def test_two_values_of_one_plate_are_refused(joint):
    joint.array[24:26, 8:32, 5:15] = 2
    names = {1: "femoral cartilage", 2: "cartilage (femur)", 5: "femur"}
    with pytest.raises(ValueError, match="Two labels are cartilage of the femur"):
        measure(joint, names)


def test_slices_that_step_sideways_are_refused(joint):
    affine = joint.affine.copy()
    affine[1, 2] += 0.3
    sheared = dataclasses.replace(joint, affine=affine)
    with pytest.raises(ValueError, match="not at right angles"):
        measure(sheared, {1: "femoral cartilage", 5: "femur"})


def test_both_sides_of_a_femur_are_one_plate(joint):
    whole = measure(joint, {1: "femoral cartilage", 5: "femur"}).table
    joint.array[:, :20][joint.array[:, :20] == 1] = 2
    joint.array[:, 20:][joint.array[:, 20:] == 5] = 6
    names = {1: "medial femoral cartilage", 2: "lateral femoral cartilage"}
    names |= {5: "lateral femur", 6: "medial femur"}
    joint = dataclasses.replace(joint, affine=affine_along_axes("ILP", (0.5, 0.5, 1)))
    found = measure(joint, names)
    assert found.table["F_VC"] == pytest.approx(whole["F_VC"])
    assert "TrF_VC" in found.table


def test_labels_that_disagree_about_the_sides_are_refused(knee):
    array = knee.label.array.copy()
    array[knee.label.array == 9], array[knee.label.array == 10] = 10, 9
    with pytest.raises(ValueError, match="lie on different sides of the knee: medial"):
        measure(knee.label.with_array(array), NAMES)


def test_a_plate_that_cannot_be_measured_does_not_hide_the_others(knee, measured):
    speck = np.where(knee.label.array == 4, 0, knee.label.array)
    speck[tuple(np.argwhere(knee.label.array == 4)[0])] = 4
    found = measure(knee.label.with_array(speck), NAMES)
    (note,) = found.notes
    assert "'patellar cartilage' is not measured" in note
    assert found.not_measured == {"P": note}
    assert measured.not_measured == {}
    assert found.table["MT_VC"] == measured.table["MT_VC"]
    assert not [name for name in found.table if name.startswith("P_")]


@pytest.mark.parametrize("wrong", [np.nan, 0.3])
def test_images_are_no_label_maps(joint, wrong):
    image = joint.with_array(joint.array + np.float32(wrong))
    with pytest.raises(ValueError, match="A label map holds whole numbers"):
        measure(image, {1: "femoral cartilage", 5: "femur"})
    many = joint.with_array(np.arange(24_000, dtype=np.int32).reshape(30, 40, 20))
    with pytest.raises(ValueError, match="No cartilage") as error:
        measure(many, {})
    assert "and 23988 more" in str(error.value)


def test_cartilage_that_leaves_the_scan_within_a_slice_is_told():
    """A ball of 10 mm with 2.5 mm around it, cut 6.18 mm behind its middle."""
    spacing_mm = (0.36, 0.36, 0.7)
    at = np.moveaxis(np.indices((72, 54, 37)), 0, -1) * spacing_mm
    away = np.linalg.norm(at - (13.03, 6.0, 12.87), axis=-1)
    array = np.select([away < 10, away < 12.5], [5, 1]).astype(np.uint8)
    ball = Volume(array, affine_along_axes("IPL", spacing_mm), slice_axis=2)
    found = measure(ball, {1: "femoral cartilage", 5: "femur"}, known_side="left")
    (note,) = [note for note in found.notes if "left out" in note]
    # Zones as high as the bone goes on below surfaces that lie beyond: 1.24 mm.
    left_out = 2 * np.pi * 10 * 6.18 * (1 - 10 / 12.5)
    assert "mm² of bone at the edge of the scan" in note
    told = float(note.removeprefix("F: ").split(" ")[0])
    assert told == pytest.approx(left_out, rel=0.1)
    assert found.table["F_ThCtAB_aMe"] == pytest.approx(2.5, abs=0.03)


def test_what_is_too_large_for_cartilage_is_told():
    """Here the names are mixed up: the bone is called cartilage."""
    array = np.zeros((20, 20, 12), np.uint8)
    array[4:8, 2:18, 2:10], array[8:16, 2:18, 2:10] = 1, 2
    labels = Volume(array, affine_along_axes("IPL", (5.0, 5.0, 5.0)), slice_axis=2)
    with pytest.raises(ValueError, match=r"128 cm³ are no cartilage's: are the names"):
        measure(labels, {1: "femur", 2: "femoral cartilage"})
