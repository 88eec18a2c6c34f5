"""The exported folder: what it holds, and what it answers to strangers."""

import hashlib
import json
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.serving import saved_model
from deepresolve.system import locking
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid
from deepresolve.tasks.trained_run import TrainedRun

VIEWS_INPUTS = {"thick", "spacing_mm", "slice_thickness_mm", "phase_encoded"}


def canonical(seed, *shape):
    array = np.random.default_rng(seed).integers(-20, 900, shape).astype(np.float32)
    return Volume(array, np.eye(4), to_source=np.eye(3, 2))


def assert_super_resolved(scan, actual, workdir):
    expected = (
        SuperResolver.from_run(TrainedRun.open(workdir.path))
        .super_resolve(scan, 3)
        .array
    )
    assert actual.dtype == np.float32
    assert actual.shape == expected.shape
    full_scale = np.ptp(scan.array.astype(np.float32))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * full_scale)


def test_super_resolution_of_a_stranger_is_ours(models, sr_workdir, ask_a_stranger):
    scans = {"odd": canonical(1, 21, 17, 9), "one_slice": canonical(2, 6, 5, 1)}
    answers = ask_a_stranger(
        models / "sr" / "1",
        "super_resolve_x3",
        **{name: scan.array for name, scan in scans.items()},
    )
    for name, scan in scans.items():
        assert_super_resolved(scan, answers[f"{name}/thin"], sr_workdir)


def test_real_knee_of_a_stranger_is_ours(
    models, sr_workdir, ask_a_stranger, real_scans
):
    scan = formats.read_image(
        real_scans / "knee_mese_dicom", choice=Choice(echo=1)
    ).canonical()
    answers = ask_a_stranger(
        models / "sr" / "1", "super_resolve_x3", scan=scan.array.astype(np.float32)
    )
    assert_super_resolved(scan, answers["scan/thin"], sr_workdir)


def test_views_of_a_stranger_are_ours(models, views_workdir, ask_a_stranger):
    scan = canonical(1, 22, 17, 9)
    inputs = {
        "thick": scan.array[np.newaxis],
        "spacing_mm": np.array([0.5, 0.6, 3.0], np.float32),
        "slice_thickness_mm": np.float32(2.5),
        "phase_encoded": np.bool_(True),
    }
    answers = ask_a_stranger(models / "views" / "1", "super_resolve_x4", odd=inputs)
    scale = estimate_scale(scan.array)
    thick = restoring.ThickScan(
        scale.apply(scan.array), (0.5, 0.6), 3.0, SliceProfile("fir", 2.5)
    )
    network = restoring.graph_of(TrainedRun.open(views_workdir.path).network())
    thin = restoring.restore(network, thick, ThinGrid.of_centres(9, 4)).thin
    expected = np.maximum(scale.invert(thin), scan.array.min())
    actual = answers["odd/thin"]
    assert actual.shape == (22, 17, 33)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.ptp(scan.array))


def test_segmentation_of_a_stranger_is_ours(models, seg_workdir, ask_a_stranger):
    scans = {"odd": canonical(1, 21, 17, 9), "small": canonical(2, 3, 5, 1)}
    answers = ask_a_stranger(
        models / "seg" / "1", "segment", **{n: s.array for n, s in scans.items()}
    )
    segmenter = Segmenter.from_run(TrainedRun.open(seg_workdir.path))
    for name, scan in scans.items():
        labels, by_class = segmenter.segment_with_probabilities(scan)
        assert answers[f"{name}/label_map"].dtype == np.uint8
        np.testing.assert_array_equal(answers[f"{name}/label_map"], labels.array)
        probabilities = answers[f"{name}/probabilities"]
        np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
        for channel, volume in enumerate(by_class.values(), start=1):
            np.testing.assert_allclose(
                probabilities[..., channel], volume.array, rtol=0, atol=1e-5
            )


@pytest.mark.parametrize(
    ("name", "signatures"),
    [
        ("sr", {"super_resolve_x2", "super_resolve_x3"}),  # no factor is the default
        ("tci", {"super_resolve_x3", "serving_default"}),
        ("seg", {"segment", "label_map", "serving_default"}),
        ("views", {f"super_resolve_x{factor}" for factor in range(2, 9)}),
    ],
)
def test_signatures_are_as_described(models, name, signatures):
    folder = models / name / "1"
    loaded = tf.saved_model.load(str(folder)).signatures
    text = (folder / "assets.extra" / "deepresolve.json").read_text()
    described = json.loads(text)["signatures"]
    assert set(loaded) == set(described) == signatures
    for signature, graph in loaded.items():
        inputs = described[signature]["inputs"]
        specs = graph.structured_input_signature[1]
        assert set(inputs) == set(specs)
        assert set(specs) == (VIEWS_INPUTS if name == "views" else {"scan"})
        for key, spec in specs.items():
            assert (spec.name, spec.dtype.name) == (key, inputs[key]["dtype"])
            assert spec.shape.rank == len(inputs[key]["shape"])
        scan = specs["thick" if name == "views" else "scan"]
        assert scan.shape.as_list() == [None, None, None, None]
        outputs = described[signature]["outputs"]
        assert set(outputs) == set(graph.structured_outputs)
        for key, spec in graph.structured_outputs.items():
            assert spec.dtype.name == outputs[key]["dtype"]
            assert spec.shape.rank == len(outputs[key]["shape"])


def test_description_tells_where_the_model_is_from(models, sr_workdir):
    text = (models / "sr" / "1" / "assets.extra" / "deepresolve.json").read_text()
    description = json.loads(text)
    weights = pathlib.Path(sr_workdir.path, "best.keras").read_bytes()
    assert description["model_sha256"] == hashlib.sha256(weights).hexdigest()
    assert description["config"]["num_layers"] == 4
    assert description["versions"]["tensorflow"] == tf.__version__
    assert description["downsample_factors"] == [2, 3]


@pytest.mark.parametrize("name", ["sr", "seg", "views"])
def test_warm_up_requests_run(models, name):
    folder = models / name / "1"
    signatures = dict(tf.saved_model.load(str(folder)).signatures)
    path = str(folder / "assets.extra" / "tf_serving_warmup_requests")
    for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == name
        graph = signatures.pop(request.model_spec.signature_name)
        inputs = {k: tf.make_ndarray(proto) for k, proto in request.inputs.items()}
        assert set(inputs) == set(graph.structured_input_signature[1])
        graph(**{key: tf.constant(array) for key, array in inputs.items()})
    assert not signatures


def test_models_config_names_each_model_once(models):
    path = models / "models.config"
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(path.read_text(), config)
    found = {model.name: model.base_path for model in config.model_config_list.config}
    assert found == {n: f"/models/{n}" for n in ("sr", "seg", "tci", "views")}


@pytest.fixture
def small(tmp_path, silent_workdir, options):
    """Exports the smallest run."""

    def export(version):
        return saved_model.export(
            TrainedRun.open(silent_workdir.path),
            str(tmp_path / "models" / "sr"),
            version,
            options,
        )

    return export


def test_a_version_that_exists_is_refused(small, tmp_path):
    small(3)
    path = tmp_path / "models" / "models.config"
    path.write_text(path.read_text() + "# ours\n")
    with pytest.raises(ValueError, match=r"has version 3 already.*--version=4, or del"):
        small(3)
    assert small(4).endswith("models/sr/4")
    assert path.read_text().endswith("# ours\n")  # sr stands in it: left as it is
    assert {p.name for p in (tmp_path / "models" / "sr").iterdir()} == {"3", "4"}


def test_two_exports_into_one_model_do_not_mix(small, tmp_path):
    models = str(tmp_path / "models" / "sr")
    with (
        locking.held(models, "export", "wait"),
        pytest.raises(locking.InUseError, match=r"another export: .*--output"),
    ):
        small(1)
    assert not (tmp_path / "models" / "sr").exists()


def test_an_error_leaves_no_version(small, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(saved_model.warm_up, "write", fail)
    with pytest.raises(OSError, match="disk is full"):
        small(1)
    assert not (tmp_path / "models" / "sr").exists()


def test_a_broken_models_config_is_named(small, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "models.config").write_text("{nonsense")
    with pytest.raises(ValueError, match=r"models.config is no ModelServerConfig"):
        small(1)
    assert not (tmp_path / "models" / "sr").exists()


def test_without_the_extra_its_name_is_told(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.config", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[serving\]'"):
        small(1)


@pytest.mark.parametrize(
    ("name", "signature"), [("tci", "super_resolve_x3"), ("seg", "segment")]
)
def test_two_scans_in_a_request_are_refused(models, name, signature):
    graph = tf.saved_model.load(str(models / name / "1")).signatures[signature]
    two = np.random.default_rng(0).random((2, 6, 5, 4), np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="A request is one scan"):
        graph(scan=tf.constant(two))
