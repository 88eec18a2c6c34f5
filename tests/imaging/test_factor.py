import pytest

from deepresolve.imaging.factor import check_factor


@pytest.mark.parametrize("factor", [2, 3, 8, 4.0])
def test_whole_factors_of_the_published_range_pass(factor):
    assert check_factor(factor) == factor


@pytest.mark.parametrize("factor", [-3, 0, 1, 9, 2.5])
def test_others_are_refused(factor):
    with pytest.raises(ValueError, match=f"from 2 to 8; got {factor}"):
        check_factor(factor)
