import pytest

from deepresolve.system import wording


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 slices"), (1, "1 slice"), (2, "2 slices")]
)
def test_one_is_no_plural(number, text):
    assert wording.counted(number, "slice") == text


def test_lengths_have_four_digits_and_a_unit():
    assert wording.millimetres([0.48828, 1 / 3, 3]) == "0.4883 x 0.3333 x 3 mm"


@pytest.mark.parametrize(
    ("texts", "text"), [("", ""), ("abc", "a; b; c"), ("abcde", "a; b; c and 2 more")]
)
def test_of_many_the_first_and_how_many_more(texts, text):
    assert wording.listed(texts, 3, "; ") == text


def test_one_of_several_is_told():
    assert wording.either([".mha", ".mhd", ".nrrd"]) == ".mha, .mhd or .nrrd"
    assert wording.either([".nii", ".toy"], ", or ") == ".nii, or .toy"
    assert wording.either([".nii"]) == ".nii"
