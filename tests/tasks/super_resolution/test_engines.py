"""A network that is no chain trains, predicts and is served like one that is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve import networks
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.networks import Model
from deepresolve.networks.layers import Fold, Unfold
from deepresolve.runs.workdir import Workdir
from deepresolve.serving import saved_model
from deepresolve.tasks.servable import ServingOptions
from deepresolve.tasks.super_resolution.models import MODELS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver
from deepresolve.tasks.trained_run import TrainedRun

CONFIG = SuperResolutionConfig(
    model="two_branches", num_features=3, fold=(1, 1, 3), patch_shape=(6, 6, 6)
)


def two_branches(config, precision="float32"):
    """What is near beside what is further off, on the folded grid."""
    interpolated = keras.Input((None, None, None, 1), dtype="float32")
    folded = Fold(config.fold, dtype=precision)(interpolated)
    branches = [
        keras.layers.Conv3D(
            config.num_features,
            3,
            padding="same",
            activation="relu",
            dilation_rate=dilation,
            dtype=precision,
        )(folded)
        for dilation in (1, 2)
    ]
    joined = keras.layers.Concatenate(dtype=precision)(branches)
    residual = keras.layers.Conv3D(3, 3, padding="same", dtype=precision)(joined)
    thin = Unfold(config.fold, dtype="float32")([residual, interpolated])
    improved = keras.layers.Add(dtype="float32")([interpolated, thin])
    return keras.Model(interpolated, improved)


def reach(config):
    """2 voxels of the dilated convolution and 1 of the last; a block of each fold."""
    return tuple(3 * fold + fold - 1 for fold in config.fold)


@pytest.fixture(scope="module", params=["windows", "whole"])
def run(request, tmp_path_factory):
    """A run that was trained by one step."""
    entry = Model(
        two_branches,
        "Two branches",
        request.param,
        slice_multiple=lambda config: config.fold[2],
        live_channels=lambda config: 6 * config.num_features,
        reach=reach,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(MODELS, "two_branches", entry)
        workdir = Workdir(tmp_path_factory.mktemp(request.param) / "run")
        workdir.start(CONFIG)
        model = networks.build_model(CONFIG)
        model.compile(keras.optimizers.Adam(0.1), networks.build_loss(CONFIG))
        batch = np.random.default_rng(0).random((2, 4, 6, 6, 6, 1), np.float32)
        before = [np.array(w) for w in model.get_weights()]
        model.train_on_batch(*batch)
        after = model.get_weights()
        assert any(np.any(w != b) for w, b in zip(after, before, strict=True))
        workdir.save_model(model, "best")
        yield TrainedRun.open(workdir.path)


@pytest.fixture
def scan():
    array = np.random.default_rng(1).integers(0, 900, (17, 19, 24)).astype(np.float32)
    return Volume(array, np.eye(4), to_source=np.eye(3, 2))


def one_pass(run, scan):
    """By Keras's own call, and no better than what was acquired."""
    scale = estimate_scale(scan.array)
    scaled = interpolate(scan.with_array(scale.apply(scan.array)), 3).array
    output = run.workdir.load_model()(scaled[np.newaxis, ..., np.newaxis])
    sharp = scale.invert(np.asarray(output)[0, ..., 0])
    return np.maximum(sharp, scan.array.min())


def close_to(expected):
    return {"rtol": 0, "atol": 1e-5 * np.ptp(expected)}


@pytest.mark.parametrize("memory_gib", [4.0, 0.1])
def test_a_prediction_equals_one_pass(run, scan, memory_gib):
    expected = one_pass(run, scan)
    assert np.abs(expected - interpolate(scan, 3).array).max() > 1
    predictor = run.predictor(dtype="float32", memory_gib=memory_gib)
    image = predictor.predict(scan).image
    np.testing.assert_allclose(image.array, expected, **close_to(expected))


@pytest.mark.parametrize("window", [(7, 8, 25), (9, 19, 40), (17, 9, 28)])
@pytest.mark.parametrize("run", ["windows"], indirect=True)
def test_windows_equal_one_pass(run, scan, window):
    """As far as the network looks, 11 slices, they leave each other the word."""
    expected = one_pass(run, scan)
    image = run.predictor(dtype="float32", window=window).predict(scan).image
    np.testing.assert_allclose(image.array, expected, **close_to(expected))
    with pytest.raises(ValueError, match="too small: its network looks 11 voxels"):
        run.predictor(window=(17, 19, 8)).predict(scan)


@pytest.mark.parametrize("run", ["whole"], indirect=True)
def test_one_pass_sees_no_window(run):
    with pytest.raises(ValueError, match="its engine is 'whole'"):
        run.predictor(window=(7, 8, 25))


def test_bfloat16_stays_near(run, scan):
    exact = SuperResolver.from_run(run).super_resolve(scan, 3).array
    fast = SuperResolver.from_run(run, "bfloat16").super_resolve(scan, 3).array
    assert 0 < np.abs(fast - exact).max() < 0.05 * np.ptp(exact)


@pytest.mark.parametrize("memory_gib", [4.0, 1e-5])
def test_what_is_served_equals_the_prediction(run, scan, tmp_path, memory_gib):
    pytest.importorskip("tensorflow_serving")
    options = ServingOptions("float32", 16, memory_gib)
    folder = saved_model.export(run, str(tmp_path / "models" / "sr"), 1, options)
    graph = tf.saved_model.load(folder).signatures["super_resolve_x3"]
    actual = graph(scan=tf.constant(scan.array[np.newaxis]))["thin"].numpy()[0]
    expected = one_pass(run, scan)
    np.testing.assert_allclose(actual, expected, **close_to(expected))


def test_a_chain_that_is_none_is_named(monkeypatch):
    entry = Model(two_branches, "Two branches", "stream")
    monkeypatch.setitem(MODELS, "two_branches", entry)
    with pytest.raises(ValueError, match="it cannot be streamed"):
        SuperResolver(networks.build_model(CONFIG), CONFIG)


def test_a_network_of_views_takes_no_interpolated_volume(views_workdir):
    with pytest.raises(ValueError, match="sr_views takes thick slices as they are"):
        SuperResolver.from_run(TrainedRun.open(views_workdir.path))


def test_a_chain_takes_no_window(silent_workdir):
    run = TrainedRun.open(silent_workdir.path)
    assert run.takes("output_dtype")
    assert not run.takes("window")
    assert not run.takes("flips")
    with pytest.raises(ValueError, match="sr_cnn does not"):
        run.predictor(window=(8, 8, 8))
