import dataclasses
import io

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import image as matplotlib_image

from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.figures import cartilage
from deepresolve.evaluation.table_1.figures.cartilage import (
    ESTIMATE_LINE,
    MARGINS,
    REFERENCE_LINE,
)
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.reports import layout


def panels(results):
    """The figure without its margins: legend and captions are left out."""
    png = cartilage.draw(results)
    picture = matplotlib_image.imread(io.BytesIO(png), format="png")[..., :3]
    assert picture.shape[1] == layout.WIDTH_PX
    return picture[MARGINS.top : -MARGINS.bottom, MARGINS.left : -MARGINS.right]


def count(picture, line):
    """Pixels of a line's very colour, by thirds from left to right."""
    wanted = np.array(colors.to_rgb(line["color"]))
    found = np.abs(picture - wanted).max(axis=2) < 0.03
    return [int(part.sum()) for part in np.array_split(found, 3, axis=1)]


def with_label_maps(results, reference, label_maps):
    example = results.example
    return dataclasses.replace(
        results,
        example=dataclasses.replace(
            example,
            reference=example.reference.with_array(reference),
            label_maps={
                name: example.reference.with_array(label_maps[name])
                for name in example.label_maps
            },
        ),
    )


def blocks(results):
    """A reference block, and label maps that are equal, apart, and empty."""
    reference, apart, empty = np.zeros((3, *results.example.reference.shape), np.uint8)
    reference[8:16, 8:14, 6:12] = 1
    apart[9:15, 16:20, 6:12] = 1
    return reference, {
        "ground_truth": reference,
        "sr": apart,
        "tci": empty,
        "fourier": empty,
    }


def test_both_outlines_are_drawn_on_each_image_set(full_results):
    picture = panels(with_label_maps(full_results, *blocks(full_results)))
    reference = count(picture, REFERENCE_LINE)
    estimate = count(picture, ESTIMATE_LINE)
    # The same reference on all three, drawn a fraction of a pixel to the side; where
    # the network is right, dashes lie on it.
    assert reference[1] == pytest.approx(reference[2], rel=0.2)
    assert 0 < reference[0] < 0.7 * reference[1]
    assert estimate[0] > 0
    assert estimate[1] > 0
    assert estimate[2] == 0


def test_outline_is_as_long_as_the_block(full_results):
    """Sagittal, 8 rows of 0.5 mm and 6 columns of 0.6 mm: 4 by 3.6 mm, and 8 mm or
    the end of the scan around it: 12 by 13.2 mm fill a panel's width.
    """
    reference, label_maps = blocks(full_results)
    picture = panels(with_label_maps(full_results, reference, label_maps))
    wanted = np.array(colors.to_rgb(REFERENCE_LINE["color"]))
    found = np.abs(picture - wanted).max(axis=2) < 0.3
    last = found[:, 2 * found.shape[1] // 3 :]
    rows, columns = (np.flatnonzero(last.any(axis)) for axis in (1, 0))
    px_per_mm = layout.panel_width(3, MARGINS) / 13.2
    line_px = REFERENCE_LINE["linewidth"] * 100 / 72
    assert np.ptp(rows) == pytest.approx(4 * px_per_mm + line_px, abs=4)
    assert np.ptp(columns) == pytest.approx(3.6 * px_per_mm + line_px, abs=4)


def test_no_segmentation_no_outline(better_results, full_results):
    picture = panels(better_results)
    for line in (REFERENCE_LINE, ESTIMATE_LINE):
        assert count(picture, line) == [0, 0, 0]
    assert len(picture) < len(panels(full_results))  # one row less


def test_tissue_that_the_first_subject_lacks_is_no_hindrance(full_results):
    reference, label_maps = blocks(full_results)
    nothing = with_label_maps(full_results, 0 * reference, label_maps)
    assert count(panels(nothing), REFERENCE_LINE) == [0, 0, 0]


def test_views_of_the_ground_truth_alone_stand_side_by_side(
    make_subject, segment, classes
):
    plan = Plan({"seg": Network("Seg", segment)}, None, classes)
    picture = panels(evaluate([make_subject(0)], plan))
    *coronal_and_zoom, sagittal = count(picture, ESTIMATE_LINE)
    assert coronal_and_zoom == [0, 0]
    assert sagittal > 0
    assert len(picture) < picture.shape[1] / 2
    # Each panel shows something.
    assert all((part > 0.3).any() for part in np.array_split(picture, 3, axis=1))
