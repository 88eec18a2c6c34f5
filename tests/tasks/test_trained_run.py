"""A run is read once, whoever asks."""

import pathlib

import numpy as np
import pytest

from deepresolve.config.tasks import part
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.trust.report import Trust
from deepresolve.runs.workdir import Workdir
from deepresolve.system import storage
from deepresolve.tasks.trained_run import TrainedRun


@pytest.fixture
def scan():
    array = np.random.default_rng(0).integers(0, 900, (48, 50, 5)).astype(np.int16)
    return Volume(array, np.diag([0.5, 0.5, 3.0, 1.0]))


@pytest.fixture
def counted(monkeypatch):
    """How often each file was read, by the end of its path."""
    counts = {}

    def counting(function):
        def read(path, *arguments):
            name = pathlib.Path(path).name
            counts[name] = counts.get(name, 0) + 1
            return function(path, *arguments)

        return read

    for name in ("read", "sha256"):
        monkeypatch.setattr(storage, name, counting(getattr(storage, name)))
    return counts


@pytest.mark.parametrize("name", ["sr_knee", "seg_knee"])
def test_config_and_training_set_are_read_once(counted, scan, name):
    run = TrainedRun.open(f"pretrained:{name}")
    predictor = run.predictor(dtype="float32")
    for _ in range(2):
        Trust.of(run, predictor.training_factor, (), anonymous=True)
    predictor.predict(scan)
    # The weights once for the network and once for their hash.
    assert counted == {"config.json": 1, "training_set.json": 1, "best.npz": 2}


def test_a_prediction_is_a_value(silent_workdir, scan, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    prediction = TrainedRun.open(silent_workdir.path).predictor().predict(scan)
    assert prediction.image.array.dtype == np.int16
    expected = np.maximum(interpolate(scan, 3).array, scan.array.min())
    assert np.abs(prediction.image.array - expected).max() <= 0.51  # rounded
    assert prediction.summary == ("5 slices 3 mm apart -> 13 slices 1 mm apart, int16")
    assert set(prediction.report) == {
        *("consistency", "slice_profile", "slices", "spread", "undershoot")
    }
    assert [finding.what for finding in prediction.findings] == ["undershoot"]
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr() == ("", "")


def test_options_of_no_task_are_named(silent_workdir):
    run = TrainedRun.open(silent_workdir.path)
    with pytest.raises(ValueError, match="Unknown options flips; a network for super-"):
        run.predictor(flips=True)
    with pytest.raises(ValueError, match="spread must be one of"):
        run.predictor(spread="some")


def test_an_unknown_task_is_an_error():
    with pytest.raises(
        ValueError, match=r"Unknown task 'restoration'; known: \['classif"
    ):
        part("restoration", "predictor")


def test_the_last_epochs_network_is_another(silent_workdir, tmp_path):
    Workdir(tmp_path).start(silent_workdir.load_config())
    Workdir(tmp_path).save_model(silent_workdir.load_model(), "last")
    run = TrainedRun.open(str(tmp_path), "last")
    assert run.network().count_params() == silent_workdir.load_model().count_params()
    with pytest.raises(ValueError, match=r"no best\.keras yet"):
        TrainedRun.open(str(tmp_path)).network()


def test_a_checkpoint_that_no_run_has_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'best' .* or 'last'; got 'worst'"):
        TrainedRun.open("pretrained:sr_knee", "worst")


@pytest.mark.parametrize(
    ("scan", "got"),
    [
        ("scan.nii.gz", "str"),
        (np.ones((8, 8, 8), np.float32), r"\(8, 8, 8\)"),
        (Volume(np.ones((8, 8, 1), np.float32), np.eye(4)), r"\(8, 8, 1\)"),
    ],
)
def test_what_is_no_scan_of_several_slices_is_refused(scan, got):
    run = TrainedRun.open("pretrained:sr_knee")
    with pytest.raises(ValueError, match=f"a Volume as `deepresolve.read`.*{got}"):
        run.predict(scan)
