import math

import pytest

from deepresolve.reports.number_text import mean_sd_text, number_text, p_text


@pytest.mark.parametrize(
    ("value", "text"), [(1.005, "+1.00"), (math.nan, "n/a"), (-math.inf, "-inf")]
)
def test_numbers_without_a_value_are_words(value, text):
    assert number_text(value, "+.2f") == text


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (0.902, 0.018, "90.20 ± 1.80"),
        (0.5, math.nan, "50.00 (n = 1)"),
        (math.inf, math.nan, "inf (n = 1)"),
    ],
)
def test_mean_and_deviation_are_scaled_alike(mean, sd, text):
    assert mean_sd_text({"mean": mean, "sd": sd, "n": 1}, 100) == text


@pytest.mark.parametrize(("p", "text"), [(0.0009, "< 0.001"), (0.03125, "0.031")])
def test_p_has_three_decimals(p, text):
    assert p_text(p) == text
