"""What may be chosen, and what contradicts itself."""

import pytest

from deepresolve.tasks.super_resolution.options import Options


@pytest.mark.parametrize(
    "given", [{"minutes": 10.0}, {"seed": 3}, {"learn_steps": 9}, {"learn_folder": "x"}]
)
def test_what_is_of_learning_needs_learning(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"{name}: nothing is learned of a scan"):
        Options(**given)
    assert getattr(Options(learn="scan", **given), name) == given[name]


def test_minutes_or_steps():
    with pytest.raises(ValueError, match="both say how long"):
        Options(learn="scan", minutes=2.0, learn_steps=9)


def test_a_factor_of_nothing_is_none():
    with pytest.raises(ValueError, match="downsample_factor must be at least 2; got 0"):
        Options(downsample_factor=0)
