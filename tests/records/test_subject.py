"""What of a scan travels with its shards."""

import dataclasses

import pytest


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
