"""The clients of docs/serving against servers that speak TensorFlow Serving's word."""

import contextlib
import http.server
import json
import pathlib
import threading

import grpc
import nibabel as nib
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from deepresolve.imaging import formats
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid
from deepresolve.tasks.trained_run import TrainedRun

CLIENTS = pathlib.Path(__file__).parents[2] / "docs" / "serving"
ANY_SIZE = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


@pytest.fixture
def run(run_script):
    """Runs a client as its user does."""
    return lambda client, *arguments: run_script(str(CLIENTS / client), *arguments)


def write_scan(path, shape=(12, 10, 6), codes="SRA"):
    """An oblique scan of thick slices along its last axis."""
    ornt = nib.orientations.axcodes2ornt(codes)
    affine = np.zeros((4, 4))
    for axis, (world, direction) in enumerate(ornt):
        affine[int(world), axis] = direction * (0.5, 0.5, 3.0)[axis]
    affine[:3, :3] = nib.eulerangles.euler2mat(0.1, -0.2, 0.15) @ affine[:3, :3]
    affine[:, 3] = (3, -4, 5, 1)
    array = np.random.default_rng(0).integers(0, 900, shape).astype(np.int16)
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def assert_same(path, expected, atol):
    image = nib.load(path)
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-4)
    np.testing.assert_allclose(
        np.asarray(image.dataobj), expected.array, rtol=0, atol=atol
    )


@pytest.mark.parametrize("codes", ["SRA", "PIR", "RAS"])
def test_grpc_client_writes_what_predict_does(
    run, serve, silent_workdir, tmp_path, codes
):
    # More than 4 MB come back.
    shape = (12, 10, 6) if codes != "PIR" else (128, 130, 24)
    source = write_scan(tmp_path / "scan.nii", shape, codes)
    result = run(
        "grpc_client.py",
        f"--server={serve(ANY_SIZE)}",
        "--model=tci",
        source,
        tmp_path / "thin.nii",
    )
    assert result.returncode == 0, result.stderr
    resolver = SuperResolver.from_run(TrainedRun.open(silent_workdir.path))
    expected = resolver.super_resolve(formats.read_image(source), 3)
    assert_same(tmp_path / "thin.nii", expected, atol=0.01)


def test_a_real_scan_comes_back_as_predict_writes_it(
    run, serve, sr_workdir, real_scans, tmp_path
):
    source = real_scans / "brain_t1_small.nii.gz"
    flags = [
        f"--server={serve(ANY_SIZE)}",
        "--model=sr",
        "--signature=super_resolve_x3",
    ]
    result = run("grpc_client.py", *flags, source, tmp_path / "thin.nii")
    assert result.returncode == 0, result.stderr
    scan = formats.read_image(source)
    expected = SuperResolver.from_run(TrainedRun.open(sr_workdir.path)).super_resolve(
        scan, 3
    )
    full_scale = np.ptp(expected.array)
    assert_same(tmp_path / "thin.nii", expected, atol=1e-5 * full_scale)


def test_the_slice_axis_is_the_one_that_the_header_names(
    run, serve, silent_workdir, tmp_path
):
    source = tmp_path / "scan.nii"
    array = np.random.default_rng(0).integers(0, 900, (6, 12, 10)).astype(np.int16)
    image = nib.Nifti1Image(array, np.eye(4))
    image.header.set_dim_info(slice=0)
    nib.save(image, source)
    target = tmp_path / "thin.nii"
    done = run("grpc_client.py", f"--server={serve()}", "--model=tci", source, target)
    assert done.returncode == 0, done.stderr
    resolver = SuperResolver.from_run(TrainedRun.open(silent_workdir.path))
    expected = resolver.super_resolve(formats.read_image(source), 3)
    assert expected.shape == (16, 12, 10)
    assert_same(target, expected, atol=0.01)
    assert nib.load(target).header.get_dim_info()[2] == 0


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_views_are_asked_for_with_their_geometry(
    run, serve, models, views_workdir, tmp_path, protocol
):
    source = write_scan(tmp_path / "scan.nii")  # 0.5, 0.5, 3 mm
    flags = ["--model=views", "--signature=super_resolve_x3", "--views"]
    flags += ["--slice_thickness_mm=2", "--phase_encoded"]
    with contextlib.ExitStack() as servers:
        if protocol == "grpc":
            address = serve()
        else:
            address = servers.enter_context(rest_server(models))
        files = [source, tmp_path / "thin.nii"]
        done = run(f"{protocol}_client.py", f"--server={address}", *flags, *files)
    assert done.returncode == 0, done.stderr
    scan = formats.read_image(source).canonical()
    scale = estimate_scale(scan.array)
    thick = restoring.ThickScan(
        scale.apply(scan.array), (0.5, 0.5), 3.0, SliceProfile("fir", 2.0)
    )
    network = restoring.graph_of(TrainedRun.open(views_workdir.path).network())
    grid = ThinGrid.of_centres(scan.num_slices, 3)
    thin = scale.invert(restoring.restore(network, thick, grid).thin)
    expected = scan.resliced(np.maximum(thin, scan.array.min()), step=1 / 3).restore()
    assert_same(tmp_path / "thin.nii", expected, atol=1e-4 * np.ptp(scan.array))


def ask(address, model, scan, options=()):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.inputs["scan"].CopyFrom(tf.make_tensor_proto(scan))
    with grpc.insecure_channel(address, options=list(options)) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=60)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_messages_above_4_mb_need_both_sides_lifted(serve):
    answers_much = noise(1, 128, 130, 24)  # 1.6 MB, and 4.7 MB of thin slices
    asks_much = noise(1, 256, 256, 17)  # 4.5 MB
    lifted = serve(ANY_SIZE)
    with pytest.raises(grpc.RpcError) as error:
        ask(lifted, "tci", answers_much)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    thin = ask(lifted, "tci", answers_much, ANY_SIZE).outputs["thin"]
    assert tf.make_ndarray(thin).shape == (1, 128, 130, 70)
    with pytest.raises(grpc.RpcError) as error:
        ask(serve(), "tci", asks_much, ANY_SIZE)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("model", "scan", "message"),
    [
        ("tci", np.full((1, 4, 4, 4), 7, np.float32), "no image to scale"),
        ("tci", np.full((1, 4, 4, 4), np.nan, np.float32), "NaN or infinity"),
        ("sr", noise(1, 4, 4, 4), "no such signature"),  # several factors, none named
    ],
)
def test_bad_requests_are_told_why(serve, model, scan, message):
    with pytest.raises(grpc.RpcError, match=message) as error:
        ask(serve(), model, scan)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@contextlib.contextmanager
def rest_server(models):
    """Speaks TensorFlow Serving's REST interface, columns only."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            name = self.path.removeprefix("/v1/models/").removesuffix(":predict")
            graphs = tf.saved_model.load(str(models / name / "1")).signatures
            inputs = {k: tf.constant(v) for k, v in body["inputs"].items()}
            try:
                outputs = graphs[body["signature_name"]](**inputs)
                # One output alone goes without its name.
                (values,) = (value.numpy().tolist() for value in outputs.values())
                status, answer = 200, {"outputs": values}
            except tf.errors.InvalidArgumentError as error:
                status, answer = 400, {"error": error.message}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_rest_client_writes_what_predict_does(run, models, seg_workdir, tmp_path):
    source = write_scan(tmp_path / "scan.nii")
    flat = tmp_path / "flat.nii"
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), 7, np.int16), np.eye(4)), flat)
    output = tmp_path / "labels.nii"
    with rest_server(models) as address:
        flags = [f"--server={address}", "--model=seg", "--signature=label_map"]
        result = run("rest_client.py", *flags, source, output)
        refused = run("rest_client.py", *flags, flat, tmp_path / "none.nii")
    assert result.returncode == 0, result.stderr
    segmenter = Segmenter.from_run(TrainedRun.open(seg_workdir.path))
    assert_same(output, segmenter.segment(formats.read_image(source)), atol=0)
    assert nib.load(output).get_data_dtype() == np.uint8
    assert refused.returncode == 1
    assert "no image to scale" in refused.stderr
    assert not (tmp_path / "none.nii").exists()


@pytest.mark.parametrize(
    ("scan", "message"),
    [("scan.nii", "localhost:9: "), ("missing.nii", "missing.nii: ")],
)
def test_rest_client_tells_what_is_not_there(run, tmp_path, scan, message):
    write_scan(tmp_path / "scan.nii")
    output = tmp_path / "thin.nii"
    flags = ["--server=http://localhost:9", "--model=sr"]  # nobody listens there
    done = run("rest_client.py", *flags, tmp_path / scan, output)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()
