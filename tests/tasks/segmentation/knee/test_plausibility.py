"""Label maps that can be a knee's, and those that cannot."""

import os
import pathlib

import numpy as np
import pytest

from deepresolve.imaging import formats, regridding
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.inference.components import pieces
from deepresolve.simulation import phantom
from deepresolve.tasks.segmentation.knee.plausibility import examine, mean_thickness_mm

NAMES = tuple(phantom.LABEL_NAMES.values())
FEMORAL, MEDIAL, LATERAL = 1, 2, 3


@pytest.fixture(scope="module")
def knee():
    return phantom.labelled(seed=901, shape=(120, 120, 90), spacing_mm=(1, 1, 1.2))


def examined(label, names=NAMES):
    return examine(label, names, pieces(label))


def flags(label, names=NAMES):
    return [finding.what for finding in examined(label, names).findings]


def changed(knee, change):
    array = knee.label.array.copy()
    change(array)
    return knee.label.with_array(array)


@pytest.mark.parametrize(("seed", "side"), [(1, "left"), (5, "right"), (901, "left")])
def test_a_knee_is_plausible(seed, side):
    drawn = phantom.labelled(
        seed=seed, side=side, shape=(140, 140, 100), spacing_mm=(1, 1, 1.1)
    )
    assert flags(drawn.label) == []


def test_real_knees_are_plausible():
    if not (data := os.environ.get("DEEPRESOLVE_DATA")):
        pytest.skip("needs DEEPRESOLVE_DATA")
    path = pathlib.Path(data) / "knee_dess_labels.nii.gz"
    labels = formats.read_label_map(path, image=formats.read_image(path))
    assert flags(labels) == []
    for name in ("oai_labels_a", "oai_labels_b"):
        path = pathlib.Path(data) / f"{name}.nii.gz"
        labels = formats.read_label_map(path, image=formats.read_image(path))
        assert flags(labels, ("femoral cartilage", "tibial cartilage")) == []


def test_thickness_is_that_of_the_drawing(knee):
    inside = knee.label.array == FEMORAL
    found = mean_thickness_mm(inside, knee.label.spacing_mm)
    true = knee.thickness_mm.array[inside]
    assert found == pytest.approx(float(true[true > 0].mean()), rel=0.25)


@pytest.mark.parametrize("thickness", [1, 2, 3, 6])
def test_thickness_of_a_plate(thickness):
    plate = np.zeros((20, 60, 60), bool)
    plate[5 : 5 + thickness, 5:55, 5:55] = True
    found = mean_thickness_mm(plate, (0.5, 0.5, 1.0))
    assert found == pytest.approx(0.5 * thickness, rel=0.15)


@pytest.fixture(scope="module")
def fine():
    return phantom.labelled(
        seed=5, shape=(230, 230, 160), spacing_mm=(0.6, 0.6, 0.7)
    ).label


@pytest.mark.parametrize(
    ("plane", "told"),
    [("sagittal", {1, 2, 3, 4}), ("axial", {4}), ("coronal", {2, 3})],
)
def test_slices_as_thick_as_cartilage_do_not_tell_its_thickness(fine, plane, told):
    label = fine.in_plane(plane)
    rows, columns, _ = label.shape
    slices = regridding.num_voxels(label.num_slices, label.slice_spacing_mm, 3.0)
    array = regridding.resample_labels(label.array, (rows, columns, slices))
    thick = label.resampled(array)
    section = examined(thick)
    of_class = section.values["classes"]
    has = {n for n in (1, 2, 3, 4) if "mean_thickness_mm" in of_class[NAMES[n - 1]]}
    assert has == told
    assert section.findings == ()


def test_too_much_and_too_little_are_told(knee):
    def thick(array):
        array[:40, :, 20:60] = FEMORAL

    def without(array):
        array[array == LATERAL] = 0

    assert "volume: femoral cartilage" in flags(changed(knee, thick))
    found = flags(changed(knee, without))
    assert found == ["volume: lateral tibial cartilage"]
    assert "volume: femur" in flags(changed(knee, lambda array: array.fill(0)))


@pytest.mark.parametrize(
    "names",
    [NAMES, ("femoral cartilage",), ("femoral cartilage", "medial tibial cartilage")],
)
@pytest.mark.parametrize(
    ("axis", "part", "edge"),
    [
        (2, slice(0, 45), "left"),
        (2, slice(45, None), "right"),
        (1, slice(0, 70), "back"),
        (1, slice(60, None), "front"),
    ],
)
def test_part_of_a_knee_is_told(knee, names, axis, part, edge):
    label = knee.label.canonical()
    assert label.orientation == "IPL"
    array = np.where(label.array > len(names), 0, label.array)
    region = tuple(part if a == axis else slice(None) for a in range(3))
    found = examined(label.with_array(array).crop(region), names).findings
    cut = [finding for finding in found if finding.what == "cut: femoral cartilage"]
    assert len(cut) == 1 and f"the {edge} edge of the scan cuts" in cut[0].text


def test_pieces_are_told(knee):
    def strays(array):
        array[2:10, 2:10, 5:25] = FEMORAL

    assert flags(changed(knee, strays)) == ["pieces: femoral cartilage"]
    # As one class tibial cartilage is two pieces.
    names = ("tibial cartilage",)
    tibial = np.isin(knee.label.array, (MEDIAL, LATERAL)).astype(np.uint8)
    assert flags(knee.label.with_array(tibial), names) == []


def test_pieces_that_were_taken_away_are_told_all_the_same(knee):
    def strays(array):
        array[2:10, 2:10, 5:25] = FEMORAL

    before = pieces(changed(knee, strays))
    findings = examine(knee.label, NAMES, before).findings
    assert [finding.what for finding in findings] == ["pieces: femoral cartilage"]


def test_cartilage_that_is_everywhere_too_thick_is_told(knee):
    block = np.zeros_like(knee.label.array)
    block[40:60, 40:70, 20:40] = 1
    assert flags(knee.label.with_array(block), ("femoral cartilage",)) == [
        "thickness: femoral cartilage"
    ]


def test_what_is_upside_down_or_mixed_up_is_told(knee):
    canonical = knee.label.canonical()
    upside_down = canonical.with_array(np.flip(canonical.array, 0))
    assert "order: femur, tibia" in flags(upside_down)

    def mixed(array):
        medial, lateral = array == MEDIAL, array == LATERAL
        array[medial], array[lateral] = LATERAL, MEDIAL

    assert "order: sides" in flags(changed(knee, mixed))


def test_noise_is_told():
    random = np.random.default_rng(0)
    array = random.integers(0, 11, (60, 60, 40)).astype(np.uint8)
    label = Volume(array, affine_along_axes("IPL", (2.0, 2.0, 2.0)))
    assert len(flags(label)) > 5


def test_other_classes_are_left_alone(knee):
    section = examined(knee.label, ("tumour", "vessel"))
    assert section.values == {"measured": False, "classes": {}}
    assert section.findings == ()
