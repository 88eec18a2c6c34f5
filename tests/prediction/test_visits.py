"""What repeats of knees vary by."""

import math

import numpy as np
import pytest

from deepresolve.prediction import scan_tables, visits
from deepresolve.prediction.measured_map import TABLE


def test_a_share_of_many_digits_is_that_of_the_table(tmp_path):
    """A table has seven of them."""
    share, path = 2 / 3, tmp_path / "repeats.csv"
    numbers = dict.fromkeys(TABLE.columns, 1.0)
    lines = []
    for name in ("a/first", "a/second", "b/first", "b/second"):
        told = numbers | {"place": "MT", "weight_bearing": share}
        lines.append((name, *told.values()))
    scan_tables.add(path, TABLE, lines)
    assert visits.detectable(path, share)
    with pytest.raises(ValueError, match=r"0\.6666667, and this is 0\.6"):
        visits.detectable(path, 0.6)


def test_what_a_visit_lacks_is_told():
    numbers = {**dict.fromkeys(TABLE.columns, 1.0), "side": "left"}
    first, second = (
        {place: numbers | {"place": place} for place in of}
        for of in (("F", "MT", "eMT"), ("F", "P"))
    )
    least = {("MT", "ThCtAB_aMe"): 0.1}
    lines, told = visits.rows("knee", first, second, least)
    assert told == (
        "F +0.00 mm (+0.0%), MT not measured at the second visit, "
        "P not measured at the first visit"
    )
    by_place = {line[1]: line for line in lines if line[2] == "ThCtAB_aMe"}
    assert list(by_place) == ["F", "MT", "eMT", "P"]
    nan = math.nan
    np.testing.assert_array_equal(by_place["MT"][3:8], [1, nan, nan, nan, 0.1])
    assert by_place["MT"][8] == "" and by_place["F"][3:6] == (1, 1, 0)
