import pytest

from deepresolve.evaluation import known_digits


@pytest.mark.parametrize(
    ("metric", "number", "known"),
    [
        ("volume_mm3", 3730.8531484566624, 3730.9),
        ("dsc", 0.891234567, 0.89123),  # tables print 89.12
        ("psnr", 33.58123456, 33.581),
        ("mse", 0.000312345678, 0.0003123),  # four digits at least
        ("hd95", 1.23456, 1.235),
        ("a new one", 1 / 3, 0.333333),
        ("psnr", float("inf"), float("inf")),
    ],
)
def test_a_measurement_keeps_a_digit_more_than_tables_print(metric, number, known):
    assert known_digits.value(metric, number) == known


def test_rows_are_rounded_by_their_unit():
    of_means = {"metric": "dsc", "class": None, "mean": 1 / 3, "sd": 0.01 / 3, "n": 8}
    of_tests = {"metric": "psnr", "mean_difference": 2 / 3, "p": 0.0078125, "n": 8}
    of_volumes = {"class": "femur", "bias": 100 / 3, "upper": 1e4 / 3, "rms_cv": 1 / 30}
    of_seconds = {"network": "sr", "n": 8, "median": 10 / 3, "min": 1.0, "max": 20.123}
    of_readers = {"question": "sharpness", "icc": 2 / 3, "lower": 1 / 7}
    assert known_digits.rows(
        [of_means, of_tests, of_volumes, of_seconds, of_readers]
    ) == [
        {"metric": "dsc", "class": None, "mean": 0.33333, "sd": 0.003333, "n": 8},
        {"metric": "psnr", "mean_difference": 0.6667, "p": 0.0078125, "n": 8},
        {"class": "femur", "bias": 33.33, "upper": 3333.3, "rms_cv": 0.0333333},
        {"network": "sr", "n": 8, "median": 3.333, "min": 1.0, "max": 20.12},
        {"question": "sharpness", "icc": 0.666667, "lower": 0.142857},
    ]
