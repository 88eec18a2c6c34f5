"""The knee that was segmented, in millimetres."""

import dataclasses

import numpy as np
import pytest

import deepresolve as dr
from deepresolve import presets
from deepresolve.simulation import phantom
from deepresolve.tasks.segmentation.knee import measures
from deepresolve.tasks.segmentation.predictor import LabelMapPredictor

CLASSES = presets.get("seg_knee").class_names
# The medial and the lateral one of what is on both sides.
SIDED = tuple(
    tuple(CLASSES.index(f"{side} {name}") + 1 for side in ("medial", "lateral"))
    for name in ("tibial cartilage", "meniscus")
)


@pytest.fixture(scope="module")
def knee():
    """A phantom's label map in the numbers of the classes."""
    drawn = phantom.labelled(
        seed=7, shape=(110, 110, 60), spacing_mm=(1.1, 1.1, 1.4)
    ).label
    numbers = {name: value for value, name in enumerate(CLASSES, start=1)}
    table = np.zeros(256, np.uint8)
    for value, name in phantom.LABEL_NAMES.items():
        table[value] = numbers.get(name, 0)
    return drawn.with_array(table[drawn.array])


@pytest.fixture(scope="module")
def segmenter(one_convolution):
    """A voxel is of the class whose number its brightness is nearest to."""
    count = len(CLASSES) + 1
    levels = np.arange(count) / (count - 1)
    kernel = np.zeros((3, 3, 3, count))
    # -(x - level)², but for x², which is the same for all.
    kernel[1, 1, 1] = 2000 * levels
    return one_convolution(kernel, -1000 * levels**2, CLASSES)


def test_a_prediction_has_the_measures_of_its_label_map(segmenter, knee):
    predictor = LabelMapPredictor(
        segmenter, min_piece=0.1, measure=True, probabilities=True
    )
    found = predictor.predict(knee.with_array(knee.array.astype(np.float32)))
    assert np.mean(found.label_map.array != knee.array) < 1e-4  # but for islands
    expected = dr.measure(
        *(found.label_map, found.labels.label_names),
        probabilities=found.value_probabilities,
    )
    assert found.knee.table == pytest.approx(expected.table)
    columns = list(predictor.tables["cartilage"].columns)
    lines = found.tables["cartilage"]
    rows = {line[0]: dict(zip(columns, line, strict=True)) for line in lines}
    assert rows["MT"]["side"] == expected.side == "right"
    assert rows["MT"]["ThCtAB_aMe"] == pytest.approx(expected.table["MT_ThCtAB_aMe"])
    low, high = found.knee.intervals["MT"]["ThCtAB_aMe"]
    assert (rows["MT"]["ThCtAB_aMe_low"], rows["MT"]["ThCtAB_aMe_high"]) == (low, high)
    assert found.summary.endswith(expected.summary)
    section = found.report["measures"].values
    assert section["measured"] and section["side"] == "right"
    rims = "half a voxel of each plate's rim"
    assert section["intervals"] == f"probabilities from 0.3 to 0.7 and {rims}"


@pytest.fixture
def one_sided(knee):
    """As bright as a knee all of whose sides are called lateral: as its last class."""
    array = knee.array.copy()
    for medial, lateral in SIDED:
        array[array == medial] = lateral
    return knee.with_array(array.astype(np.float32))


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_known_side_tells_where_both_plates_are_called_lateral(
    segmenter, one_sided, side
):
    predictor = LabelMapPredictor(segmenter, measure=True, side=side)
    found = predictor.predict(one_sided)
    np.testing.assert_array_equal(found.label_map.array, one_sided.array)
    assert (found.knee.side, found.knee.side_from) == (side, "given")
    assert {"MT", "LT"} <= set(found.knee.plates)


@pytest.mark.parametrize("from_header", [False, True])
def test_its_label_map_has_the_known_side(segmenter, knee, one_sided, from_header):
    side, scan = "right", one_sided
    if from_header:
        side, scan = "", dataclasses.replace(scan, side="right")
    predictor = LabelMapPredictor(segmenter, min_piece=0.1, measure=True, side=side)
    found = predictor.predict(scan)
    told_by = "header" if from_header else "given"
    assert (found.knee.side, found.knee.side_from) == ("right", told_by)
    for of_both in SIDED:
        for value in of_both:
            own, of_knee = found.label_map.array == value, knee.array == value
            assert np.count_nonzero(own != of_knee) < 0.01 * of_knee.sum()
    assert [f.what for f in found.report["anatomy"].findings] == ["sides"]
    unknown = LabelMapPredictor(segmenter, min_piece=0.1).predict(one_sided)
    assert not np.isin(unknown.label_map.array, [medial for medial, _ in SIDED]).any()


def test_a_side_that_nothing_asks_for_is_refused(segmenter):
    with pytest.raises(ValueError, match="--side=left: with --min_piece=0 only with"):
        LabelMapPredictor(segmenter, side="left")


def test_the_mirror_image_is_a_reading(segmenter, knee):
    predictor = LabelMapPredictor(
        segmenter, min_piece=0.1, measure=True, spread="report"
    )
    found = predictor.predict(knee.with_array(knee.array.astype(np.float32)))
    section = found.report["measures"].values
    assert section["intervals"].startswith("1 other label map, probabilities ")
    # This network says of the mirror image what it says of the scan.
    alone = LabelMapPredictor(segmenter, min_piece=0.1, measure=True)
    expected = alone.predict(knee.with_array(knee.array.astype(np.float32))).knee
    of_both = found.knee.intervals["F"]["ThCtAB_aMe"]
    assert of_both == pytest.approx(expected.intervals["F"]["ThCtAB_aMe"])


def test_what_cannot_be_measured_is_told_and_the_label_map_stays(segmenter, knee):
    # Menisci, the brightest, stay: they set the scale.
    others = np.where(knee.array >= 5, knee.array, 0).astype(np.float32)
    predictor = LabelMapPredictor(segmenter, measure=True)
    found = predictor.predict(knee.with_array(others))
    assert found.knee is None and "cartilage" not in found.tables
    why = found.report["measures"].values["why"]
    assert why.startswith("not measured: No cartilage to measure")
    assert why in found.summary
    assert found.label_map.array.any()


def test_who_does_not_ask_is_told_how(segmenter, knee):
    predictor = LabelMapPredictor(segmenter)
    found = predictor.predict(knee.with_array(knee.array.astype(np.float32)))
    assert set(predictor.tables) == {"volumes"} == set(found.tables)
    assert found.report["measures"].values["why"] == "not asked for: --measure"


def test_runs_without_cartilage_have_nothing_to_measure():
    with pytest.raises(ValueError, match="segments none: its classes are femur, tib"):
        measures.check(("femur", "tibia"))
