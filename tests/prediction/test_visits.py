"""What repeats of knees vary by."""

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
