"""Exported models, and a server for them."""

import contextlib
from concurrent import futures

import numpy as np
import pytest
from trained import (  # noqa: F401 (fixtures)
    one_convolution,
    seg_workdir,
    silent_workdir,
    threshold,
    views_workdir,
)

from deepresolve import networks
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

# TensorFlow and NumPy, and no deepresolve: not even where it is installed.
STRANGER = """
import sys
sys.modules["deepresolve"] = None
import numpy as np
import tensorflow as tf
folder, signature, source, target = sys.argv[1:]
function = tf.saved_model.load(folder).signatures[signature]
with np.load(source) as scans:
    requests = {}
    for path, array in scans.items():
        request, name = path.split("/")
        requests.setdefault(request, {})[name] = tf.constant(array)
    answers = {
        f"{request}/{output}": value.numpy()
        for request, inputs in requests.items()
        for output, value in function(**inputs).items()
    }
np.savez(target, **answers)
assert sys.modules["deepresolve"] is None
"""


@pytest.fixture(scope="session")
def options():
    from deepresolve.tasks.servable import ServingOptions

    return ServingOptions("float32", block_planes=4, memory_gib=4.0)


@pytest.fixture(scope="session")
def sr_workdir(tmp_path_factory):
    """A super-resolution for two factors, whose residual is large enough to show."""
    workdir = Workdir(tmp_path_factory.mktemp("sr"))
    config = SuperResolutionConfig(
        num_layers=4, num_features=4, downsample_factors=(2, 3)
    )
    workdir.start(config)
    model = networks.build_model(config)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    workdir.save_model(model, "best")
    return workdir


@pytest.fixture(scope="session")
def models(
    tmp_path_factory,
    sr_workdir,
    seg_workdir,  # noqa: F811
    silent_workdir,  # noqa: F811
    views_workdir,  # noqa: F811
    options,
):
    """A folder with the models sr (two factors), seg, tci (one factor), and views."""
    from deepresolve.serving import saved_model
    from deepresolve.tasks.trained_run import TrainedRun

    folder = tmp_path_factory.mktemp("models")
    for name, workdir in [
        ("sr", sr_workdir),
        ("seg", seg_workdir),
        ("tci", silent_workdir),
        ("views", views_workdir),
    ]:
        run = TrainedRun.open(workdir.path)
        saved_model.export(run, str(folder / name), 1, options)
    return folder


@pytest.fixture(scope="session")
def ask_a_stranger(run_script, tmp_path_factory):
    """Runs a signature where there is TensorFlow and not this package.

    Of each request by name the scan, or the inputs by name.
    """

    def ask(folder, signature, **requests):
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        answered = elsewhere / "answers.npz"
        arrays = {
            f"{request}/{name}": array
            for request, given in requests.items()
            for name, array in _inputs(given).items()
        }
        np.savez(elsewhere / "scans.npz", **arrays)
        script, source = elsewhere / "stranger.py", elsewhere / "scans.npz"
        script.write_text(STRANGER)
        done = run_script(str(script), folder, signature, source, answered)
        assert done.returncode == 0, done.stderr
        with np.load(answered) as answers:
            return {name: answer[0] for name, answer in answers.items()}

    return ask


def _inputs(given):
    return given if isinstance(given, dict) else {"scan": given[np.newaxis]}


@pytest.fixture
def serve(models):
    """Starts a gRPC server of PredictionService over the exported models.

    Args: options of the server. Returns its address.
    """
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
        def __init__(self):
            self._models = {}

        def Predict(self, request, context):  # noqa: N802 (TensorFlow Serving's name)
            name = request.model_spec.name
            if name not in self._models:
                loaded = tf.saved_model.load(str(models / name / "1"))
                self._models[name] = loaded
            signature = request.model_spec.signature_name or "serving_default"
            signatures = self._models[name].signatures
            if signature not in signatures:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such signature")
            inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
            tensors = {k: tf.constant(v) for k, v in inputs.items()}
            try:
                outputs = signatures[signature](**tensors)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            response = predict_pb2.PredictResponse()
            response.model_spec.CopyFrom(request.model_spec)
            for key in request.output_filter or outputs:
                proto = tf.make_tensor_proto(outputs[key].numpy())
                response.outputs[key].CopyFrom(proto)
            return response

    with contextlib.ExitStack() as servers:

        def start(server_options=()):
            server = grpc.server(
                futures.ThreadPoolExecutor(1), options=list(server_options)
            )
            prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
                PredictionService(), server
            )
            port = server.add_insecure_port("localhost:0")
            server.start()
            servers.callback(lambda: server.stop(None).wait())
            return f"localhost:{port}"

        yield start
