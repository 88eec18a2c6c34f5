from deepresolve.reports import palette


def test_no_two_of_many_classes_share_a_line():
    lines = [palette.line(label) for label in range(1, 29)]
    assert len(set(lines)) == 28
    # Colours of Okabe and Ito, jfly.uni-koeln.de/color: all but black.
    assert {line.colour for line in lines} == {
        *("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
    }
    assert all(line.dashes == () for line in lines[:7])
