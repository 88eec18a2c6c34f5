"""A search over folders: a scan of n slices gives n, or what is missing is named."""

import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import scans
from world.test_folders import LINKS, SPOILERS, without_preamble

from deepresolve.imaging import formats

ARRAY = scans.knee((20, 16, 6)).astype(np.uint16)
NUM_SLICES = ARRAY.shape[2]
# How slices of one folder are named; some without an ending, some by UIDs.
NAMES = ("IM{}.dcm", "I{:04d}", "slice {}.IMA", "1.2.826.{}", "MR.{}.x", "{}")
NOISE = {
    "notes.txt": b"left knee",
    "empty.txt": b"",
    "scan.json": b"{}",
    "README": b"of this scan",
    ".hidden": b"x",
    ".DS_Store": b"\0\0\0\1Bud1",
    "._I0001": b"\0\5\26\7" + bytes(100),
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(600),
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """The slices, one file each."""
    folder = tmp_path_factory.mktemp("master")
    scans.dicom_stack(folder, ARRAY, name="{}")
    return folder


places = st.sampled_from(["", "a", "a/b", "by link", "linked file"])
one_slice = st.tuples(
    places, st.booleans(), st.sampled_from([None, None, None, *SPOILERS])
)
folders = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "slices": st.lists(one_slice, min_size=NUM_SLICES, max_size=NUM_SLICES),
        "noise": st.sets(st.sampled_from(sorted(NOISE))),
        "index": st.booleans(),
        "loop": st.sampled_from([None, "..", ".", "/", "../a"]),
        "zipped": st.booleans(),
    }
)


def build(root, master, drawn):
    """Makes the folder; gives the spoilt slices and how."""
    scan, outside = root / "scan", root / "outside"
    for folder in (scan / "a" / "b", outside / "linked"):
        folder.mkdir(parents=True)
    spoilt = {}
    for number, (place, is_bare, way) in enumerate(drawn["slices"], start=1):
        name = drawn["name"].format(number)
        folder = outside / "linked" if place == "by link" else scan / place
        file = outside / name if place == "linked file" else folder / name
        shutil.copy(master / str(number), file)
        if is_bare:
            without_preamble(file)
        if way is not None:
            SPOILERS[way](file)
            spoilt[name] = way
        if place == "linked file":
            (scan / name).symlink_to(file)
    (scan / "to outside").symlink_to("../outside/linked")
    for name in drawn["noise"]:
        (scan / name).write_bytes(NOISE[name])
    if drawn["index"]:
        scans.dicomdir(scan / "DICOMDIR")
    if drawn["loop"]:
        (scan / "a" / "loop").symlink_to(drawn["loop"])
    return scan, spoilt


def is_linked(drawn):
    """Whether a link stands for a slice, which a zip would not hold."""
    place, _, way = drawn
    return "link" in place or SPOILERS.get(way) in LINKS


def pack(scan):
    """Zips a folder's own files."""
    path = scan.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(scan.rglob("*")):
            if file.is_file() and not file.is_symlink():
                packed.write(file, file.relative_to(scan))
    return path


@settings(deadline=None, max_examples=40, derandomize=True, report_multiple_bugs=False)
@given(drawn=folders)
def test_every_slice_is_read_or_named(drawn, master, tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    scan, spoilt = build(root, master, drawn)
    if drawn["zipped"] and not any(map(is_linked, drawn["slices"])):
        scan = pack(scan)
    try:
        volume = formats.read_image(scan)
    except (ValueError, FileNotFoundError) as error:
        assert spoilt
        # What is cut short in its elements or voxels is told once the rest is there.
        absent = [
            n for n, way in spoilt.items() if not way.startswith("cut within the")
        ]
        assert all(name in str(error) for name in absent)
        assert any(name in str(error) for name in spoilt)
    else:
        assert not spoilt
        np.testing.assert_array_equal(volume.array, ARRAY)
        num_found = len(formats.scan_files(scan)) if scan.is_dir() else NUM_SLICES
        assert num_found == NUM_SLICES
    shutil.rmtree(root)
