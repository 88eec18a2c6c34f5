import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.segmentation.classes import Classes


def test_classes_are_found_among_the_labels_by_name_and_merged():
    names = {3: "medial", 5: "lateral", 9: "femoral"}
    classes = Classes.of(("femoral", "tibial=medial+lateral"), names)
    assert classes.names == ("femoral", "tibial")
    array = np.array([0, 3, 5, 9, 3], np.uint8).reshape(5, 1, 1)
    found = classes.reference(Volume(array, np.eye(4))).array
    assert found.ravel().tolist() == [0, 2, 2, 1, 2]
    assert found.dtype == np.uint8


def test_a_class_that_the_study_lacks_is_refused():
    with pytest.raises(ValueError, match=r"'patella'.*the records have: femur"):
        Classes.of(("patella",), {1: "femur"})
