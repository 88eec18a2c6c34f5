"""Each file is opened as seldom as can be: on a network each time costs."""

import collections
import contextlib
import os
import pathlib
import pickle
import shutil
import sys

import numpy as np
import pytest
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice

ARRAY = scans.knee((16, 14, 6)).astype(np.uint16)
_counting: list[collections.Counter] = []


def _count(event, arguments):
    if event == "open" and _counting and isinstance(arguments[0], str | bytes):
        _counting[-1][os.fsdecode(arguments[0])] += 1


@pytest.fixture(scope="module", autouse=True)
def _hook():
    sys.addaudithook(_count)  # Of the whole process, for good: quiet but when asked.


@contextlib.contextmanager
def opens(root):
    """How often files below a folder are opened, by path, once the context ends."""
    found = collections.Counter()
    _counting.append(collections.Counter())
    try:
        yield found
    finally:
        counted = _counting.pop()
    for path, number in counted.items():
        if pathlib.Path(path).is_relative_to(root):
            found[path] = number


def assert_each(found, number, num_files=ARRAY.shape[2]):
    assert len(found) == num_files
    assert set(found.values()) == {number}, found


@pytest.fixture
def folder(tmp_path):
    scans.dicom_stack(tmp_path / "scan", ARRAY)
    return tmp_path / "scan"


def test_a_slice_is_judged_once_its_header_and_its_pixels_read_once(folder):
    with opens(folder) as found:
        formats.read_image(folder)
    assert_each(found, 3)


def test_what_a_search_judged_is_not_judged_again(folder):
    with opens(folder) as found:
        (scan,) = formats.search(folder.parent).scans
    assert_each(found, 1)
    with opens(folder) as found:
        image = formats.read_image(scan)
    assert_each(found, 2)
    np.testing.assert_array_equal(image.array, formats.read_image(folder).array)
    with opens(folder) as found:
        formats.contents(scan)
    assert_each(found, 1)
    with opens(folder) as found:
        assert formats.sha256(scan) == formats.sha256(folder)
    assert_each(found, 1 + 2)  # Without the search a file is judged, too.
    with opens(folder) as found:
        assert formats.scan_files(scan) == sorted(folder.iterdir())
    assert not found


def test_a_result_takes_headers_that_are_read_whole(folder):
    with opens(folder) as found:
        read_source(folder)
    assert_each(found, 3)


def test_halves_of_a_series_are_not_read_again_as_the_whole(folder, tmp_path):
    for file in sorted(folder.iterdir())[1::2]:
        half = tmp_path / "scan" / "half"
        half.mkdir(exist_ok=True)
        shutil.move(file, half / file.name)
    (tmp_path / "scan" / "other").mkdir()
    for file in sorted(folder.glob("*.dcm")):
        shutil.move(file, folder / "other" / file.name)
    (folder / "half" / "notes.txt").write_text("left knee")
    with opens(folder) as found:
        (scan,) = formats.search(folder).scans
        image = formats.read_image(scan)
    slices = {path: n for path, n in found.items() if path.endswith(".dcm")}
    # The first of each half tells which folders may be halves.
    assert sorted(slices.values()) == [3, 3, 3, 3, 4, 4]
    np.testing.assert_array_equal(image.array, formats.read_image(folder).array)


def test_a_zip_is_opened_for_what_it_holds_and_to_read_it(folder, tmp_path):
    shutil.make_archive(tmp_path / "packed", "zip", folder)
    with opens(tmp_path / "packed.zip") as found:
        image = formats.read_image(tmp_path / "packed.zip")
    # By two formats that it is none of, for the end that a zip has, and twice as one.
    assert sum(found.values()) <= 4
    np.testing.assert_array_equal(image.array, formats.read_image(folder).array)
    (scan,) = formats.search(tmp_path / "packed.zip").scans
    with opens(tmp_path / "packed.zip") as found:
        assert formats.read_image(scan).shape == image.shape
    assert sum(found.values()) == 1


def test_a_nifti_file_is_opened_for_its_header_and_its_voxels(tmp_path):
    path = scans.nifti(tmp_path / "scan.nii.gz")
    with opens(tmp_path) as found:
        formats.read_image(path, choice=Choice())
    # Its first bytes, whether it is packed, and all of it.
    assert_each(found, 3, num_files=1)


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_found_goes_to_other_processes(folder, tmp_path, packed):
    path = folder
    if packed:
        path = pathlib.Path(shutil.make_archive(tmp_path / "packed", "zip", folder))
    (scan,) = formats.search(path).scans
    there = pickle.loads(pickle.dumps(scan))  # noqa: S301 -- our own.
    with opens(path) as found:
        image = formats.read_image(there)
    assert set(found.values()) == {1 if packed else 2}
    np.testing.assert_array_equal(image.array, formats.read_image(folder).array)


def test_a_scan_that_was_searched_tells_of_a_slice_that_is_gone(folder):
    (scan,) = formats.search(folder).scans
    gone = sorted(folder.iterdir())[2]
    gone.unlink()
    with pytest.raises(ValueError, match=f"the header of {gone.name} cannot be read"):
        formats.read_image(scan)
    assert formats.search(folder).scans[0].num_slices == ARRAY.shape[2] - 1
