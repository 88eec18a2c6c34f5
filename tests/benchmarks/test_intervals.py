"""How often intervals hold the truth, of numbers that are given."""

from types import SimpleNamespace

import pytest


def knee(numbers, intervals=()):
    return SimpleNamespace(
        quantities={place: {"VC": number} for place, number in numbers.items()},
        intervals={place: {"VC": ends} for place, ends in dict(intervals).items()},
        plates=("MT", "LT"),
        regions=("cMT",),
    )


def test_scores_of_plates_and_of_regions(monkeypatch):
    monkeypatch.syspath_prepend("benchmarks")
    import intervals

    found = knee(
        {"MT": 10.0, "LT": 20.0, "cMT": 5.0},
        {"MT": (8.0, 11.0), "LT": (19.0, 25.0), "cMT": (4.0, 6.0)},
    )
    # A place that is truly not there counts for neither.
    truths = knee({"MT": 8.0, "LT": 18.0, "cMT": 6.5}), knee({"MT": 9.0, "cMT": 5.0})
    plates, regions = intervals.scores([found, found], truths, "VC")
    title, error, half_width, held, count, none = plates
    assert (title, count, none) == ("plates", 3, 0)
    assert error == pytest.approx((2 + 2 + 1) / 3)
    assert half_width == pytest.approx(1.5)  # the median of 1.5, 1.5 and 3
    assert held == pytest.approx(200 / 3)
    assert regions == ("regions", pytest.approx(0.75), 1.0, 50.0, 2, 0)


def test_a_number_without_an_interval_is_counted_beside(monkeypatch):
    monkeypatch.syspath_prepend("benchmarks")
    import intervals

    nan = float("nan")
    found = knee(
        {"MT": 10.0, "LT": 20.0, "cMT": 5.0},
        {"MT": (8.0, 11.0), "LT": (nan, nan), "cMT": (4.0, 6.0)},
    )
    truth = knee({"MT": 9.0, "LT": 19.0, "cMT": 5.5})
    plates, _ = intervals.scores([found], [truth], "VC")
    assert plates == ("plates", 1.0, 1.5, 100.0, 2, 1)
