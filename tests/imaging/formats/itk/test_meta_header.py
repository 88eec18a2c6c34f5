"""Headers of MetaImages, before ITK sees them."""

import re

import pytest

from deepresolve.imaging.formats.itk import meta_header

# As SimpleITK 2.5 writes it.
HEADER = b"""ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = True
CompressedDataSize = 167
TransformMatrix = 1 0 0 0 1 0 0 0 -1
Offset = 1 -2.5 3e1
CenterOfRotation = 0 0 0
AnatomicalOrientation = RAI
ElementSpacing = 0.5 0.69999999999999996 3
DimSize = 5 6 4
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_whole_header_passes(line_end):
    meta_header.check(HEADER.replace(b"\n", line_end))


def test_keys_of_other_programs_pass():
    own = "0008|0060 = MR\nComment = près du genou\nHeaderSize = -1\n".encode()
    meta_header.check(own + HEADER)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"NDims = 3", b"NDims = 999999999", "one 3D volume .*; NDims is 999999999"),
        (b"NDims = 3\n", b"", "lacks NDims"),
        (b"DimSize = 5 6 4", b"DimSize = 5 6", "has DimSize = '5 6'"),
        (b"DimSize = 5", b"DimSize = -5", "has DimSize"),
        (b"DimSize = 5", b"DimSize = 99999999999", "has DimSize"),
        (b"Size = 167", b"Size = 0", "has CompressedDataSize"),
        (b"Offset = 1", b"Offset = inf", "has Offset"),
        (b"Offset = 1", b"Offset = 1 1", "has Offset"),
        (b"Spacing = 0.5", b"Spacing = nan", "has ElementSpacing"),
        (b"Matrix = 1 0", b"Matrix = 1 x", "has TransformMatrix"),
        (b"MET_SHORT", b"MET_STRING", "has ElementType"),
        (b"BinaryData = True", b"BinaryData = T\x00ue", "is none of its kind"),
        (b"Data = True", b"Data = yes", "has BinaryData"),
        (b"RAI\n", b"RAI\n" + b"Name = " + b"x" * 1000 + b"\n", "is none of its kind"),
        (b"RAI\n", b"RAI\nHeaderSize = 99999999\n", "has HeaderSize"),
        (b"RAI\n", b"RAI\nNDims = 3\n", "has NDims twice"),
        (b"RAI\n", b"RAI\nnotes\n", "is none of its kind"),
    ],
)
def test_a_wrong_header_is_refused(old, new, message):
    changed, count = re.subn(re.escape(old), lambda _: new, HEADER, count=1)
    assert count == 1
    with pytest.raises(ValueError, match=message):
        meta_header.check(changed)
