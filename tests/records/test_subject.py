"""What of a scan travels with its shards."""

import dataclasses

import pytest

from records.subject import Brings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/ann/My scans/a.nii: there are gaps.", "there are gaps."),
        ("/home/ann/My scans/a.nii/IM1: cut short.", "a.fake/IM1: cut short."),
        (
            "a link to /data/Smith/x.nii, which is not",
            "a link to .../x.nii, which is not",
        ),
        ("I/O or N/A; see https://a.org/b/c.", "I/O or N/A; see https://a.org/b/c."),
    ],
)
def test_no_folder_of_this_machine(make_subject, text, told):
    @dataclasses.dataclass(frozen=True)
    class OnDisk(type(make_subject())):
        paths = {"/home/ann/My scans/a.nii": "a.fake"}  # noqa: RUF012

    assert OnDisk("a", "a").told(text) == told


@pytest.mark.parametrize("name", ["image", "label", "affine", "T2", "2nd", "a/b", ""])
def test_a_name_stands_for_one_thing(name):
    with pytest.raises(ValueError, match="cannot have"):
        Brings(arrays=(name,))
    with pytest.raises(ValueError, match="cannot have"):
        Brings(scalars={name: float})


def test_an_array_and_a_scalar_have_two_names():
    with pytest.raises(ValueError, match="cannot have 'thickness_mm'"):
        Brings(("thickness_mm",), {"thickness_mm": float})


def test_a_scalar_is_of_one_of_three_types():
    with pytest.raises(ValueError, match="'flags': a scalar is float, int or str; got"):
        Brings(scalars={"flags": bool})
