"""Colours of thickness, against those that were published."""

from deepresolve.reports import palette, thickness_scale


def test_ends_are_viridis():
    """Smith and van der Walt, 2015."""
    assert thickness_scale.stops(3) == ["#440154", "#21918c", "#fde725"]


def test_denuded_bone_is_vermilion():
    """One of Okabe and Ito's colours, as outlines are; none of the scale's."""
    known = [palette.line(label).colour for label in range(1, 8)]
    assert thickness_scale.DENUDED in known
    assert thickness_scale.DENUDED not in thickness_scale.stops(256)
