"""An image of a scan, and a label map of that image."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.prediction.chained import Chained, on_slices_of
from deepresolve.tasks.findings import Section
from deepresolve.tasks.prediction import Image, Labels, Prediction, TableKind


@pytest.fixture
def thin():
    """A bright ball, (24, 20, 15), slices 1 mm apart."""
    array = np.zeros((24, 20, 15), np.float32)
    i, j, k = np.indices(array.shape)
    array[(i - 11) ** 2 + (j - 9) ** 2 + (k - 7) ** 2 < 36] = 100
    return Volume(array, affine_along_axes("IPL", (1.0, 1.0, 1.0)), slice_axis=2)


class Restorer:
    """Gives the thin slices, whatever it is given."""

    kind = Image()
    title, announcement, memory_advice = "computed", "", "less"
    volume_names = ("spread",)
    tables: ClassVar = {}
    training_factor = 3

    def __init__(self, thin):
        self.thin = thin

    def predict(self, scan, *, progress=False):
        volumes = {"image": self.thin, "spread": self.thin}
        report = {"slices": Section({"steps": 1}), "spread": Section({"of": "image"})}
        return Prediction(self.kind, volumes, report, "15 slices", derivation="rect")


class Segmenter:
    """Bright is a ball."""

    kind = Labels(("ball",))
    tables: ClassVar = {"volumes": TableKind("volumes", {"class": str})}
    given = None

    def predict(self, scan, *, progress=False):
        self.given = scan
        bright = scan.array > 50
        volumes = {
            "label_map": scan.with_array(bright.astype(np.uint8)),
            "probability_ball": scan.with_array(bright.astype(np.float32)),
        }
        report = {"anatomy": Section({"ball": 1}), "spread": Section({"of": "labels"})}
        return Prediction(
            *(self.kind, volumes, report, "ball 900 mm3"), {"volumes": [("ball",)]}
        )


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ("thin", ["label_map"]),
        ("thick", ["label_map_thick"]),
        ("both", ["label_map", "label_map_thick"]),
    ],
)
def test_the_image_of_the_one_is_segmented_by_the_other(thin, grid, names):
    segmenter = Segmenter()
    chained = Chained(Restorer(thin), segmenter, grid)
    scan = thicken(thin, 3)
    found = chained.predict(scan)
    assert segmenter.given is found.image
    assert list(chained.volume_names) == ["spread", *names]
    assert set(found.volumes) == {"image", *chained.volume_names}
    assert found.kind == chained.kind == Image()
    assert found.tables == {"volumes": [("ball",)]} and set(chained.tables) == {
        "volumes"
    }
    assert found.summary == "15 slices; ball 900 mm3"
    assert found.derivation == "rect" and chained.training_factor == 3
    assert set(found.report) == {"slices", "spread", "anatomy"}
    assert found.report["spread"].values == {"of": "image"}
    if "label_map" in names:
        assert found.volumes["label_map"].shape == thin.shape
    if "label_map_thick" in names:
        thick = found.volumes["label_map_thick"]
        assert thick.shape == scan.shape and thick.array.dtype == np.uint8
        np.testing.assert_allclose(thick.affine, scan.affine)


def test_slices_get_what_most_of_them_is(thin):
    """Thin slices three to a thick one: the majority, which here is the median."""
    label_map = thin.with_array((thin.array > 50).astype(np.uint8))
    share = thin.with_array(label_map.array.astype(np.float32))
    affine = thin.affine.copy()
    affine[:3, 2] *= 3
    affine[:3, 3] += thin.affine[:3, 2]  # between the three
    scan = Volume(np.zeros((24, 20, 5), np.float32), affine, slice_axis=2)
    found = on_slices_of(scan, label_map, [share])
    expected = np.median(label_map.array.reshape(24, 20, 5, 3), axis=-1)
    np.testing.assert_array_equal(found.array, expected)
    np.testing.assert_allclose(found.affine, affine)


def test_what_was_cleaned_up_does_not_come_back(thin):
    bright = (thin.array > 50).astype(np.uint8)
    stray = np.zeros_like(bright)
    stray[1:4, 1:4, :] = 1
    share = thin.with_array((bright | stray).astype(np.float32))
    found = on_slices_of(thin, thin.with_array(bright), [share])
    np.testing.assert_array_equal(found.array, bright)


def test_axes_of_the_file_do_not_matter(thin):
    label_map = thin.with_array((thin.array > 50).astype(np.uint8))
    turned = [
        dataclasses.replace(
            volume,
            array=np.flip(volume.array.transpose(2, 0, 1), 0),
            affine=volume.affine
            @ np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 14], [0, 0, 0, 1.0]]),
            slice_axis=0,
        )
        for volume in (label_map, label_map.with_array(label_map.array.astype("f4")))
    ]
    found = on_slices_of(turned[1], turned[0], [turned[1]])
    np.testing.assert_array_equal(found.array, turned[0].array)


def test_networks_that_do_not_suit_are_refused(thin):
    with pytest.raises(ValueError, match="--segment is for networks that give images"):
        Chained(Segmenter(), Segmenter())
    with pytest.raises(ValueError, match="must be a run that gives label maps"):
        Chained(Restorer(thin), Restorer(thin))


def test_what_a_clean_up_decided_holds_on_thick_slices(thin):
    """A ball of which the network said one thing, and the clean-up another."""
    ball = thin.array > 50
    label = thin.with_array(np.where(ball, 2, 0).astype(np.uint8))
    shares = [
        thin.with_array((ball * share).astype(np.float32)) for share in (0.6, 0.3)
    ]
    found = on_slices_of(thicken(thin, 3), label, shares)
    assert set(np.unique(found.array)) == {0, 2}
    gone = label.with_array(np.zeros_like(label.array))
    assert not on_slices_of(thicken(thin, 3), gone, shares).array.any()
