import decimal
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepresolve.metrics import rounding


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (3730.8531484566624, 3730.9),
        (-12.3456, -12.35),  # four digits at least
        (0.0933123, 0.09331),  # a single voxel of a knee scan
        (0.0, 0.0),
        (123456.78, 123456.8),
    ],
)
def test_volumes_are_known_to_a_tenth_of_a_cubic_millimetre(value, known):
    assert rounding.mm3(value) == known


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_stays(value):
    assert rounding.to_decimals(value, 2) == value


def test_nan_stays():
    assert math.isnan(rounding.to_decimals(math.nan, 2))
    assert math.isnan(rounding.to_significant(math.nan))


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.floats(-1e12, 1e12, allow_nan=False).filter(lambda x: abs(x) > 1e-12))
def test_what_is_rounded_is_near_and_stays_as_it_is(value):
    for function in (rounding.mm3, rounding.to_significant):
        once = function(value)
        assert function(once) == once  # a table that is read and written again
        assert abs(once - value) <= 0.51e-3 * abs(value)
    digits = (
        decimal.Decimal(repr(rounding.to_significant(value))).normalize().as_tuple()
    )
    assert len(digits.digits) <= 6
