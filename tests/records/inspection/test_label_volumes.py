"""Voxels and volumes of labels over many scans."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from records import stored
from records.inspection.label_volumes import LabelVolumes


@pytest.fixture
def make_stored(make_subject, label_names):
    """A scan whose label map has so many voxels of each value."""

    def make(counts, spacing_mm=(0.5, 0.4, 2.0)):
        affine = np.diag([*spacing_mm, 1.0])
        array = np.zeros(60, np.uint8)
        array[: sum(counts.values())] = np.repeat(list(counts), list(counts.values()))
        image = Volume(np.arange(60).reshape(3, 4, 5), affine)
        subject = make_subject(image=image, labelled=False)
        object.__setattr__(subject, "label", image.with_array(array.reshape(3, 4, 5)))
        return stored.load(subject, label_names)

    return make


def rows(volumes):
    """Cells of the table by label value."""
    header, _, *lines = volumes.describe().splitlines()
    assert header.split() == (
        ["label", "name", "scans", "voxels", "smallest_mm3", "mean_mm3", "largest_mm3"]
    )
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_voxels_and_volumes_are_told_for_each_label(make_stored, label_names):
    volumes = LabelVolumes(label_names)
    volumes.add(make_stored({1: 10, 2: 5}))  # 0.4 mm3 a voxel
    volumes.add(make_stored({1: 20}))
    volumes.add(make_stored({1: 6}, spacing_mm=(1, 1, 1.5)))  # 1.5 mm3 a voxel
    assert rows(volumes) == {
        # By hand: 4, 8 and 9 mm3; their mean is 7.
        "1": ["cartilage", "3", "of", "3", "36", "4.0", "7.0", "9.0"],
        # Only where it occurs: the other two scans are no 0.
        "2": ["bone", "1", "of", "3", "5", "2.0", "2.0", "2.0"],
        "3": ["meniscus", "0", "of", "3", "0", "-", "-", "-"],
    }


def test_the_volume_of_an_oblique_voxel(make_subject, label_names):
    scan = stored.load(make_subject(), label_names)
    volumes = LabelVolumes(label_names)
    volumes.add(scan)
    # The determinant of the affine of conftest.py, by Sarrus, row by row.
    voxel_mm3 = abs(
        0.05 * (0.03 * 0.01 + 0.31 * 0.1) + 1.48 * (0.31 * 0.39 - 0.02 * 0.01)
    )
    expected = np.count_nonzero(scan.label.array == 1) * voxel_mm3
    assert float(rows(volumes)["1"][-1]) == pytest.approx(expected, abs=0.051)


def test_labels_without_a_name_have_a_row(make_stored):
    # As of shards that were made before labels had names.
    volumes = LabelVolumes({})
    volumes.add(make_stored({2: 5}))
    assert rows(volumes) == {
        "2": ["(no", "name)", "1", "of", "1", "5", "2.0", "2.0", "2.0"]
    }


def test_without_label_maps_there_is_no_table(make_subject, label_names):
    volumes = LabelVolumes({})
    assert volumes.describe() == ""
    volumes.add(stored.load(make_subject(labelled=False), {}))
    assert volumes.describe() == ""
