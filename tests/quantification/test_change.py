"""Change between visits, and the smallest that can be told from none."""

import math

import numpy as np
import pytest

from deepresolve.quantification.change import changes, smallest_detectable

KEY = ("MT", "ThCtAB_aMe")


def test_changes_are_of_what_a_visit_has():
    before = {KEY: 2.0, ("MT", "VC"): 0.0, ("LT", "VC"): 9.0, ("P", "VC"): math.nan}
    after = {KEY: 1.9, ("MT", "VC"): 5.0, ("P", "VC"): 3.0}
    none = {("P", "tAB"): math.nan}
    found = changes(before | none, after, {KEY: 0.08, ("LT", "VC"): 1.0})
    assert list(found) == [KEY, ("MT", "VC"), ("LT", "VC"), ("P", "VC")]
    change = found[KEY]
    assert change.absolute == pytest.approx(-0.1)
    assert change.percent == pytest.approx(-5)
    assert change.is_detected is True
    assert found["MT", "VC"].is_detected is None
    assert math.isnan(found["MT", "VC"].percent)
    # What one of them lacks has no change, and none that is detected or not.
    for key, numbers in {
        ("LT", "VC"): (9.0, math.nan),
        ("P", "VC"): (math.nan, 3.0),
    }.items():
        lost = found[key]
        np.testing.assert_array_equal((lost.before, lost.after), numbers)
        assert math.isnan(lost.absolute) and math.isnan(lost.percent)
        assert lost.is_detected is None
    # A meniscus that ended 1 mm before the plate's edge has no percent.
    (extruded,) = changes({KEY: -1.0}, {KEY: -0.5}, {}).values()
    assert extruded.absolute == 0.5 and math.isnan(extruded.percent)
    assert changes(before, after, {KEY: 0.11})[KEY].is_detected is False


def test_chance_passes_the_smallest_detectable_change_one_time_in_twenty():
    generator = np.random.default_rng(0)
    thickness = generator.uniform(1, 3, (4000, 1))

    def measured(count):
        return thickness + generator.normal(0, 0.05, (len(thickness), count))

    repeats = [[{KEY: float(n)} for n in knee] for knee in measured(2)]
    least = smallest_detectable(repeats)[KEY]
    assert least == pytest.approx(1.96 * math.sqrt(2) * 0.05, rel=0.03)
    unchanged = measured(2)
    share = np.mean(np.abs(unchanged[:, 1] - unchanged[:, 0]) > least)
    assert share == pytest.approx(0.05, abs=0.01)


def test_repeats_of_a_table():
    # Standard deviations 0.1 √2 / 2 and 0.3 √2 / 2: squares of 0.005 and 0.045.
    repeats = [[{KEY: 2.0}, {KEY: 2.1}], [{KEY: 1.0}, {KEY: 1.3}]]
    expected = 1.96 * math.sqrt(2 * 0.025)
    assert smallest_detectable(repeats) == {KEY: pytest.approx(expected)}
    # One knee says nothing of others, nor does what a measurement lacks.
    assert smallest_detectable([repeats[0], [{KEY: 1.0}, {}]]) == {}
    with pytest.raises(ValueError, match="two measurements of a knee or more"):
        smallest_detectable([[{KEY: 1.0}]])
