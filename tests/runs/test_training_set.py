import functools

import numpy as np
import pytest

from deepresolve import tasks
from deepresolve.imaging.volume import Volume
from deepresolve.runs import training_set
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


def seen_by(config):
    return functools.partial(tasks.find(config.task).seen, config)


SEVERAL = SuperResolutionConfig(downsample_factors=(2, 3))


@pytest.fixture
def scans(smooth_array):
    return [Volume(smooth_array, np.diag([0.5, 0.5, 0.7, 1])) for _ in range(2)]


def test_super_resolution_is_described_as_its_network_sees_it(scans):
    measured = training_set.measure(seen_by(SEVERAL), scans, 2, "abc")
    for factor in (2, 3):
        assert len(measured.inputs(factor)) == 2
        for seen in measured.inputs(factor):
            assert seen.slice_spacing_mm == pytest.approx(0.7 * factor)
            assert seen.slice_thickness_mm == pytest.approx(0.7 * factor)
            assert seen.in_plane_mm == (0.5, 0.5)
    assert measured.inputs(4) == measured.inputs(None) == ()


def test_a_range_of_thickness_is_described_by_its_ends(scans):
    config = SuperResolutionConfig(
        slice_profiles=("rect", "fir"), thickness_range=(0.5, 2.0)
    )
    measured = training_set.measure(seen_by(config), scans[:1], 1, "abc")
    thin, thick = measured.inputs(3)
    assert thin.slice_spacing_mm == thick.slice_spacing_mm == pytest.approx(2.1)
    assert thin.slice_thickness_mm == pytest.approx(1.05)
    assert thick.slice_thickness_mm == pytest.approx(4.2)
    assert training_set.TrainingSet.from_json(measured.to_json()) == measured


def test_segmentation_is_described_by_its_scans(scans):
    config = SegmentationConfig(model="seg_cnn")
    (seen, _) = training_set.measure(seen_by(config), scans, 2, "abc").inputs(None)
    assert (seen.slice_spacing_mm, seen.slice_thickness_mm) == (0.7, None)


def test_it_is_written_once_and_read_back(scans, tmp_path):
    workdir = Workdir(tmp_path)
    assert training_set.load(workdir) is None
    training_set.record(workdir, seen_by(SEVERAL), [], 0, "abc")
    assert training_set.load(workdir) is None  # Nothing to tell of.
    training_set.record(workdir, seen_by(SEVERAL), scans, 2, "abc")
    assert training_set.load(workdir) == training_set.measure(
        seen_by(SEVERAL), scans, 2, "abc"
    )
    before = (tmp_path / training_set.FILE).stat().st_mtime_ns
    training_set.record(workdir, seen_by(SEVERAL), scans[:1], 1, "abc")
    assert (tmp_path / training_set.FILE).stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == [training_set.FILE]


def test_of_many_scans_some_are_read(scans):
    def endless():
        while True:
            yield scans[0]

    measured = training_set.measure(seen_by(SEVERAL), endless(), 1000, "abc")
    assert len(measured.inputs(2)) == training_set.MAX_SCANS
    assert measured.num_scans == 1000


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 2}', '{"version": 1}', "[" * 100_000],
    ids=["cut", "list", "version 2", "empty", "nested"],
)
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / training_set.FILE).write_text(text)
    with pytest.raises(ValueError, match=r"training_set\.json is damaged: "):
        training_set.load(Workdir(tmp_path))
