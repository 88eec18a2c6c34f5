"""Names of knees, and readings that number tissues in their own way."""

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import measured_map
from deepresolve.prediction.measured_map import Settings, Source, knee_name, measure_map


def test_knees_are_named_as_their_files(tmp_path):
    assert knee_name(tmp_path, tmp_path / "a/knee.dcm") == "a/knee"
    assert knee_name(tmp_path, tmp_path / "a/knee.nii.gz") == "a/knee"


class _StoppedError(Exception):
    """Before anything is measured."""


@pytest.fixture
def read(monkeypatch, tmp_path):
    """What is measured of a label map of some names and a reading of others."""

    def start(names, names_of_reading, settings=None):
        given, arrays = {}, {}
        for file, of_file in (("a.nii", names), ("b.nii", names_of_reading)):
            path, array = tmp_path / file, np.zeros((2, 2, 2), np.uint8)
            array.ravel()[: len(of_file)] = list(of_file)
            formats.write(path, Volume(array, np.eye(4)))
            arrays[path] = Volume(array, np.eye(4)), of_file
        monkeypatch.setattr(measured_map, "read_label_map", arrays.__getitem__)

        def stop(label_map, label_names, **settings):
            given.update(settings, label_names=label_names)
            raise _StoppedError

        monkeypatch.setattr(measured_map, "measure_with_intervals", stop)
        source = Source(tmp_path / "a.nii", readings=(tmp_path / "b.nii",))
        with pytest.raises(_StoppedError):
            measure_map(source, settings or Settings({}))
        return given

    return start


def test_a_readings_segments_are_known_by_their_names(read):
    given = read(
        {1: "femur", 2: "femoral cartilage"}, {3: "femur", 7: "femoral cartilage"}
    )
    (reading,) = given["readings"]
    assert reading.array.ravel()[:3].tolist() == [1, 2, 0]
    named = Settings({3: "femur", 7: "femoral cartilage"})
    given = read({1: "odd"}, {3: "femur", 7: "femoral cartilage"}, named)
    assert given["readings"][0].array.ravel()[:3].tolist() == [3, 7, 0]


def test_a_reading_of_other_segments_is_refused(read):
    message = r"b\.nii: has the segments menisci, and .* has femur\. Name both alike"
    with pytest.raises(ValueError, match=message):
        read({1: "femur"}, {1: "menisci"})
