"""Really trains a segmentation, for a few steps, on tiny volumes."""

import importlib.util
import shutil

import numpy as np
import pytest
import tensorflow as tf

from deepresolve import networks
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import Metric
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.segmentation.task import Segmentation
from deepresolve.tasks.segmentation.validation import SegmentationValidation
from deepresolve.training import callbacks, initial
from deepresolve.training.fit import fit

ADDONS = importlib.util.find_spec("tensorflow_addons") is not None

CONFIG = SegmentationConfig(
    model="seg_cnn",
    num_levels=2,
    num_features=4,
    dropout=0.25,
    classes=("round ball", "brick"),
    patch_shape=(16, 16, 8),
    patch_sampling="random",
    patches_per_volume=8,
    min_tissue=0.0,
    foreground_rate=0.5,
    random_mirror=True,
    max_noise=0.05,
    loss="dice",
    optimizer="sgd",
    learning_rate=1e-2,
    schedule="step",
    drop=0.6,
    epochs_per_drop=1,
    batch_size=2,
    steps_per_epoch=3,
    num_epochs=3,
    checkpoint_minutes=0.0,  # after every step
    validation_volumes=1,
    validation_shape=(24, 20, 16),
)


@pytest.fixture(scope="module")
def run(recorded, labelled_data, dice, tmp_path_factory):
    """A run of `CONFIG` that nothing disturbed."""
    path = tmp_path_factory.mktemp("run")
    return recorded(lambda path: train(labelled_data, path, dice), path)


def train(data, path, dice, config=CONFIG):
    class MeasuredBy(Segmentation):
        def validation(self, config, label_names):
            return SegmentationValidation(config, label_names, {"dsc": dice})

    return fit(MeasuredBy(), config, data, Workdir(path), verbose=0)


def assert_same(weights, others):
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_array_equal(a, b)


def events(path):
    """Value by (tag, step) of all that TensorBoard shows."""
    return {
        (value.tag, event.step): tf.make_ndarray(value.tensor)
        for file in (path / "tensorboard").rglob("*tfevents*")
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.HasField("tensor")
    }


def test_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    run, labelled_data, dice, tmp_path, killed
):
    with killed(5):  # the second step of the second epoch
        train(labelled_data, tmp_path, dice)
    assert_same(run.weights, train(labelled_data, tmp_path, dice).get_weights())
    rates = [events(tmp_path)["epoch_learning_rate", n] for n in range(3)]
    np.testing.assert_allclose(rates, [1e-2, 4e-3, 1.6e-3], rtol=1e-6)


def test_killed_run_goes_on_with_an_optimizer_of_tensorflow_addons(
    labelled_data, dice, tmp_path, killed
):
    if not ADDONS:
        pytest.skip("needs tensorflow-addons")
    # RectifiedAdam within Lookahead; at the sixth of nine steps the one first rectifies
    # and the other first looks back.
    config = CONFIG.replace(
        optimizer="ranger",
        clip_norm=1.0,
        precision="mixed_bfloat16",
        validation_volumes=0,
    )
    undisturbed = train(labelled_data, tmp_path / "a", dice, config).get_weights()
    with killed(4):  # the rate of the next step is not the checkpoint's
        train(labelled_data, tmp_path / "b", dice, config)
    resumed = train(labelled_data, tmp_path / "b", dice, config).get_weights()
    assert_same(undisturbed, resumed)


def test_tensorboard_has_scores_rate_and_overlays(run):
    shown = events(run.path)
    rates = [shown["epoch_learning_rate", epoch] for epoch in range(3)]
    np.testing.assert_allclose(rates, [1e-2, 4e-3, 1.6e-3], rtol=1e-6)
    for epoch in range(3):
        mean, ball, brick = (
            shown[f"epoch_{name}", epoch]
            for name in ("dsc", "dsc_round_ball", "dsc_brick")
        )
        np.testing.assert_allclose(mean, (ball + brick) / 2, rtol=1e-6)
        assert ("epoch_loss", epoch) in shown
        for plane in ("sagittal", "coronal", "axial"):
            assert (f"reference_cyan_prediction_orange/{plane}", epoch) in shown


def test_log_tells_what_is_measured_and_the_size_of_the_network(run, labelled_data):
    label = labelled_data.validation[0].label.array
    balls, bricks = (np.count_nonzero(label == value) for value in (1, 4))
    assert f"round ball {balls} voxels, brick {bricks} voxels" in run.log
    assert "seg_cnn: " in run.log
    assert "FLOP per voxel" in run.log


def test_provenance_tells_classes_and_labels(run):
    (entry,) = Workdir(run.path).load_provenance()
    assert entry["class_names"] == ["round ball", "brick"]
    assert entry["label_names"] == {"1": "round ball", "4": "brick"}


def test_training_finds_ball_and_brick(labelled_data, dice, tmp_path):
    config = CONFIG.replace(
        loss="dice_cross_entropy",
        optimizer="adam",
        steps_per_epoch=360,
        num_epochs=1,
        num_features=8,
        dropout=0.0,
        checkpoint_minutes=10.0,
    )
    train(labelled_data, tmp_path, dice, config)
    assert events(tmp_path)["epoch_dsc", 0] > 0.9


def test_best_weights_are_those_of_the_best_mean_dice(
    labelled_data, run, tmp_path, monkeypatch
):
    scores = iter([0.2, 0.3, 0.9, 0.5, 0.6, 0.6])  # ball and brick, epoch by epoch
    validate = callbacks.VolumeValidation.on_epoch_end
    after = []

    def keep(callback, *args):
        after.append(callback.model.get_weights())
        validate(callback, *args)

    monkeypatch.setattr(callbacks.VolumeValidation, "on_epoch_end", keep)
    scripted = Metric(lambda *masks: next(scores), "masks", "DSC", "")
    train(*(labelled_data, tmp_path, scripted), CONFIG.replace(checkpoint_minutes=10.0))
    workdir = Workdir(tmp_path)
    assert_same(workdir.load_model("best").get_weights(), after[1])
    assert_same(workdir.load_model("last").get_weights(), run.weights)


@pytest.mark.parametrize("model", ["seg_cnn", "segnet_2d", "unet_2d"])
def test_every_network_trains_in_float16(labelled_data, dice, tmp_path, model):
    slices = 8 if model == "seg_cnn" else 1
    config = CONFIG.replace(
        model=model,
        patch_shape=(16, 16, slices),
        num_epochs=1,
        steps_per_epoch=10,
        foreground_rate=0.0,
        precision="mixed_float16",
        checkpoint_minutes=10.0,
    )
    weights = train(labelled_data, tmp_path, dice, config).get_weights()
    assert all(np.isfinite(weight).all() for weight in weights)
    shown = events(tmp_path)
    assert np.isfinite(shown["epoch_loss", 0])
    # Few of the steps were skipped, and skipping ended.
    assert 2**5 < shown["epoch_loss_scale", 0] <= 2**15
    # Networks of slices, too, are measured on volumes.
    assert ("epoch_dsc_brick", 0) in shown
    assert_same(weights, Workdir(tmp_path).load_model("last").get_weights())


def test_validation_scan_without_labels_is_refused_before_anything_is_written(
    labelled_data, dice, tmp_path
):
    scan = labelled_data.validation[0]._replace(label=None)
    path = tmp_path / "run"
    with pytest.raises(ValueError, match="'knee-2' has no labels"):
        train(labelled_data._replace(validation=[scan]), path, dice)
    assert not path.exists()


def test_class_that_cannot_be_measured_is_refused_before_anything_is_written(
    labelled_data, dice, tmp_path
):
    scan = labelled_data.validation[0]
    label = Volume(0 * scan.label.array, scan.label.affine)
    bare = labelled_data._replace(validation=[scan._replace(label=label)])
    path = tmp_path / "run"
    with pytest.raises(ValueError, match="'round ball' has no voxel"):
        train(bare, path, dice)
    assert not path.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "mean_squared_error"}, "is for task=super_resolution"),
        ({"classes": ("meniscus",)}, "shards: The class 'meniscus'"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_written(
    labelled_data, dice, tmp_path, changes, message
):
    path = tmp_path / "run"
    with pytest.raises(ValueError, match=message):
        train(labelled_data, path, dice, CONFIG.replace(**changes))
    assert not path.exists()


def test_training_begins_with_the_weights_of_another_run(
    run, labelled_data, dice, tmp_path, caplog
):
    still = CONFIG.replace(
        init=str(run.path), learning_rate=0.0, num_epochs=1, steps_per_epoch=1
    )
    best = Workdir(run.path).load_model("best")
    with caplog.at_level("INFO"):
        begun = train(labelled_data, tmp_path / "same", dice, still)
    assert f"begins with the weights of {run.path}." in caplog.text
    kernels = [w for w in begun.trainable_weights if "kernel" in w.name]
    ours = [np.asarray(w) for w in kernels]
    theirs = [np.asarray(w) for w in best.trainable_weights if "kernel" in w.name]
    assert_same(ours, theirs)


# Of another number, and as many, which are others.
@pytest.mark.parametrize("classes", [("brick",), CONFIG.classes[::-1]])
def test_a_layer_for_other_classes_is_fresh(run, classes, caplog):
    config = CONFIG.replace(init=str(run.path), classes=classes)
    best = Workdir(run.path).load_model("best")
    begun = networks.build_model(config)
    with caplog.at_level("INFO"):
        initial.take_over(begun, config)
    assert "'logits' is fresh" in caplog.text
    own, given = (m.get_layer("logits").get_weights()[0] for m in (begun, best))
    assert own.shape[-1] == 1 + len(classes)
    assert own.shape != given.shape or not np.allclose(own, given)
    name = "up_1_2"
    assert_same(begun.get_layer(name).get_weights(), best.get_layer(name).get_weights())


def test_only_the_layers_that_are_named_learn_and_the_first_run_is_needed_once(
    run, labelled_data, dice, tmp_path, caplog
):
    first = tmp_path / "first"
    shutil.copytree(run.path, first)
    best = Workdir(run.path).load_model("best")
    config = CONFIG.replace(
        init=str(first), trained_layers=("log",), num_epochs=1, steps_per_epoch=2
    )
    begun = train(labelled_data, tmp_path / "run", dice, config)
    for layer in begun.layers:
        before, after = best.get_layer(layer.name).get_weights(), layer.get_weights()
        if layer.name == "logits":
            assert not np.allclose(before[0], after[0])
        else:  # statistics of normalisations, too
            assert_same(before, after)
    shutil.rmtree(first)
    caplog.clear()
    with caplog.at_level("INFO"):
        again = train(
            *(labelled_data, tmp_path / "run", dice), config.replace(num_epochs=2)
        )
    assert "begins with" not in caplog.text
    assert_same(*(m.get_layer("down_1_1").get_weights() for m in (best, again)))
    assert not np.allclose(
        *(m.get_layer("logits").get_weights()[0] for m in (begun, again))
    )
    with pytest.raises(ValueError):
        train(labelled_data, tmp_path / "new", dice, config)


def test_a_fresh_layer_must_learn(run, labelled_data, dice, tmp_path):
    config = CONFIG.replace(
        init=str(run.path), trained_layers=("up_1",), classes=("brick",)
    )
    with pytest.raises(ValueError, match=r"'logits' begins anew.*Name it, too"):
        train(labelled_data, tmp_path / "run", dice, config)


def test_a_layer_that_shall_learn_must_be_there(run, labelled_data, dice, tmp_path):
    config = CONFIG.replace(init=str(run.path), trained_layers=("logits", "lost"))
    with pytest.raises(ValueError, match=r"no layer of .* 'lost'.*down_1_1"):
        train(labelled_data, tmp_path / "run", dice, config)


def test_weights_of_another_network_are_refused(run, labelled_data, dice, tmp_path):
    for changes in ({"num_features": 6}, {"num_levels": 3}):
        other = CONFIG.replace(init=str(run.path), **changes)
        with pytest.raises(ValueError, match="has another network"):
            train(labelled_data, tmp_path / str(changes), dice, other)
    with pytest.raises(ValueError, match=r"known: \['seg_knee"):
        train(
            *(labelled_data, tmp_path / "none", dice),
            CONFIG.replace(init="pretrained:nobody"),
        )
