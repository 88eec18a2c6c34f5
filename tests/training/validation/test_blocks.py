import math

import numpy as np
import pytest

from deepresolve.metrics.table import Metric
from deepresolve.training.validation.blocks import Block, central_region, mean, measure


@pytest.mark.parametrize(
    ("shape", "wanted", "alignment", "expected"),
    [
        ((10, 11, 12), (4, 4, 20), 1, ((3, 7), (3, 7), (0, 12))),
        # (34 - 12) // 2 = 11 becomes 9, a multiple of 3.
        ((34, 34, 34), (34, 12, 3), 3, ((0, 34), (9, 21), (15, 18))),
    ],
)
def test_region_is_the_middle(shape, wanted, alignment, expected):
    region = central_region(shape, wanted, alignment)
    assert tuple((part.start, part.stop) for part in region) == expected


def test_metric_gets_the_grid_and_its_error_names_the_scan(sagittal):
    volume = sagittal(np.ones((2, 2, 2)))
    block = Block("knee-7", volume, volume)

    def of_grid(reference, estimate, *, spacing_mm, data_range):
        if spacing_mm != (1, 1, 3):
            raise AssertionError
        return float((reference - estimate).sum() * data_range)

    def refused(reference, estimate):
        raise ValueError("too thin")

    needs = ("spacing_mm", "data_range")
    millimetres = Metric(of_grid, "images", "Sum", "", needs=needs)
    refuse = Metric(refused, "images", "Refusal", "")
    assert measure(millimetres, block, volume.array, 0 * volume.array) == 8
    with pytest.raises(ValueError, match="Validation scan 'knee-7': too thin"):
        measure(refuse, block, volume.array, volume.array)


def test_mean_leaves_out_what_is_not_defined():
    assert mean([1.0, math.nan, 4.0]) == 2.5
    assert math.isnan(mean([math.nan]))
    assert math.isnan(mean([]))
