"""Files of a graded scan: which there are, and rows that take the place of others."""

import numpy as np
import pytest
from matplotlib import image
from slab_knees import LABEL_NAMES, slab_knee

from deepresolve.imaging import formats
from deepresolve.prediction import region_files, scan_tables
from deepresolve.quantification import sites
from deepresolve.quantification.knee import measure
from deepresolve.tasks.classification.regions import KIND, GradedRegions


def graded_of(regions, probability):
    knee = slab_knee(4, plate=2)
    measured = measure(knee.label, LABEL_NAMES)
    found = sites.along_cartilage(measured)
    if regions == "menisci":
        found = sites.of_menisci(measured, knee.label, LABEL_NAMES)
    told = {"lesion": np.full(len(found), probability)}
    return GradedRegions(regions, measured, knee.label, LABEL_NAMES, found, told)


@pytest.fixture(scope="module")
def graded():
    return graded_of("cartilage", 0.25)


def test_cartilage_has_a_table_a_map_and_a_figure(graded, tmp_path):
    region_files.write(tmp_path, "visit/knee", graded)
    rows = scan_tables.read(tmp_path / "lesions.csv", KIND)
    assert len(rows) == len(graded.sites)
    assert {row[0] for row in rows} == {"visit/knee"}
    on_scan = formats.read_image(tmp_path / "visit" / "knee_lesion.nii.gz")
    is_cartilage = np.isin(graded.label_map.array, (2, 3))
    np.testing.assert_array_equal(on_scan.array, np.where(is_cartilage, 0.25, 0))
    assert image.imread(tmp_path / "visit" / "knee_lesion.png").ndim == 3


def test_menisci_have_rows_alone_that_replace_earlier_ones(tmp_path):
    for probability in (0.5, 0.75):
        region_files.write(tmp_path, "knee", graded_of("menisci", probability))
    rows = scan_tables.read(tmp_path / "lesions.csv", KIND)
    assert [(row[2], row[4]) for row in rows] == [("MM", 0.75), ("LM", 0.75)]
    assert not list(tmp_path.glob("knee*"))
