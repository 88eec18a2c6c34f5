"""Scores of benchmarks of segmentation."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.simulation.phantom import LABEL_NAMES
from deepresolve.tasks.segmentation.settings import SegmentationConfig


def test_classes_of_a_run_are_measured_against_labels_of_a_phantom(capsys, monkeypatch):
    monkeypatch.syspath_prepend("benchmarks")
    import label_scores

    names = {name: value for value, name in LABEL_NAMES.items()}
    truth = np.zeros((4, 4, 2), np.uint8)
    truth[0], truth[1] = names["femoral cartilage"], names["medial tibial cartilage"]
    truth[2] = names["lateral tibial cartilage"]
    found = np.zeros_like(truth)
    found[0], found[1:3, :2] = 2, 1
    config = SegmentationConfig(
        classes=(
            "tibial cartilage=medial tibial cartilage+lateral tibial cartilage",
            "femoral cartilage",
        )
    )
    grid = affine_along_axes("IPL", (1.0, 1.0, 1.0))
    scores = label_scores.dsc(config, Volume(found, grid), Volume(truth, grid))
    assert scores == pytest.approx([200 * 8 / (8 + 16), 100])
    label_scores.head(["map"], config.class_names)
    label_scores.row(["one"], scores)
    assert capsys.readouterr().out.splitlines() == [
        "| map | tibial cartilage | femoral cartilage |",
        "|---|---|---|",
        "| one | 66.7 | 100.0 |",
    ]
