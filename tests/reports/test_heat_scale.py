import numpy as np
from matplotlib import pyplot

from deepresolve.reports import heat_scale


def test_nothing_is_clear_and_all_is_bright():
    table = heat_scale.table()
    assert table.shape == (256, 4)
    assert table[0, 3] == 0
    # 0.7 of 255, and a quarter of that at one half.
    assert table[255, 3] == 178
    assert abs(int(table[128, 3]) - 178 / 4) < 1
    assert (np.diff(table[:, 3].astype(int)) >= 0).all()
    expected = np.rint(255 * np.array(pyplot.colormaps["plasma"](1.0)[:3]))
    np.testing.assert_array_equal(table[255, :3], expected)


def test_colours_are_those_of_the_table():
    assert heat_scale.colours()[255] == "#{:02x}{:02x}{:02x}{:02x}".format(
        *heat_scale.table()[255]
    )


def test_probabilities_are_rounded():
    found = heat_scale.eight_bit(np.array([0, 0.5, 0.999, 1.0], np.float32))
    assert found.tolist() == [0, 128, 255, 255]
    assert heat_scale.HALF == 128
