"""The benchmark of GPUs, on a CPU: on every backend of Keras that is installed."""

import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

from deepresolve import networks, presets
from deepresolve.networks import cost
from deepresolve.system.keras_stack import KERAS_3

ROOT = pathlib.Path(__file__).parents[2]
BACKENDS = ["jax", "torch", "tensorflow"] if KERAS_3 else ["tensorflow"]
# The others compile for a minute.
COMPILATIONS = {"jax": "jit", "torch": "eager", "tensorflow": "graph"}
SHAPE, PATCH_SHAPE, BATCH_SIZE = (8, 8, 9), (8, 8, 24), 2
PRESETS = ["sr_cnn_small", "seg_cnn_small"]


def python(*arguments, backend=""):
    changes = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment = {**os.environ, **changes, "KERAS_BACKEND": backend}
    # Where a test is given packages by the environment, so is what it starts.
    if path := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] += os.pathsep + path
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT / "benchmarks",
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request):
    if not importlib.util.find_spec(request.param):
        pytest.skip(f"needs {request.param}")
    return request.param


def test_without_a_gpu_it_says_so_and_ends_well(backend, tmp_path):
    done = python("gpu.py", f"--output={tmp_path / 'new'}", backend=backend)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("No GPU: Keras ")
    assert backend in line
    assert not (tmp_path / "new").exists()


def test_every_work_is_measured(backend, tmp_path):
    done = python(
        *("gpu.py", "--device=cpu", f"--output={tmp_path}", "--repeats=3"),
        *(f"--presets={','.join(PRESETS)}", "--precisions=bfloat16"),
        f"--compilations={COMPILATIONS[backend]}",
        f"--shape={','.join(map(str, SHAPE))}",
        f"--patch_shape={','.join(map(str, PATCH_SHAPE))}",
        f"--batch_size={BATCH_SIZE}",
        backend=backend,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "gpu.json").read_text())
    assert result["device"] is None
    rows = result["measurements"]
    works = [(row["preset"], row["work"]) for row in rows]
    kinds = ("training step", "whole volume")
    assert works == [(preset, kind) for preset in PRESETS for kind in kinds]
    for row in rows:
        model = networks.build_model(presets.get(row["preset"]))
        shape = SHAPE if row["work"] == "whole volume" else PATCH_SHAPE
        # A step goes forward once and backward at twice the cost.
        passes = 1 if row["work"] == "whole volume" else 3 * BATCH_SIZE
        flop = passes * math.prod(shape) * cost.flop_per_voxel(model, shape)
        assert row["tflop"] * 1e12 == pytest.approx(flop)
        assert row["tflop_per_second"] == pytest.approx(row["tflop"] / row["seconds"])
        assert 0 < row["seconds_min"] <= row["seconds"] <= row["seconds_max"]
        assert 0.05 < row["peak_gib"] < 64
        assert row["passes"] == 1
        assert "share_of_peak" not in row  # nobody states that of a CPU
    assert "shares are left out" in done.stdout
    for name in PRESETS:
        assert name in done.stdout


def test_another_backend_is_refused(tmp_path):
    done = python("gpu.py", f"--output={tmp_path}", backend="abacus")
    assert done.returncode == 1
    assert "KERAS_BACKEND=abacus" in done.stderr


def test_an_unknown_precision_is_refused(tmp_path):
    done = python("gpu.py", f"--output={tmp_path}", "--precisions=float8")
    assert done.returncode == 1
    assert "--precisions: unknown ['float8']; known: ['bfloat16'," in done.stderr


def test_a_table_line_shows_share_aim_and_what_failed():
    script = (
        "import gpu_table\n"
        "row = dict(preset='sr_cnn', work='whole volume', precision='bfloat16',"
        " compilation='jit', passes=4, seconds=0.25, seconds_min=0.2, seconds_max=0.3,"
        " tflop_per_second=376.1, peak_gib=9.0, share_of_peak=0.38, aim_seconds=0.5,"
        " published_seconds=10,"
        " failed=[dict(slices_of_a_pass=160, error='OutOfMemoryError: 6 GiB')])\n"
        "print(gpu_table.line(row))\n"
        "row = {k: row[k] for k in ('preset', 'work', 'precision', 'compilation')}\n"
        "print(gpu_table.line({**row, 'error': 'RuntimeError: broken'}))\n"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    measured, reason, failed = done.stdout.splitlines()
    for part in ("0.2500 s", "(0.2000 to 0.3000)", "376.1", " 38.0%", "9.0 G"):
        assert part in measured
    assert measured.endswith("0.5 s (published 10 s)")
    assert "160 slices in a pass: OutOfMemoryError: 6 GiB" in reason
    assert failed.endswith("failed: RuntimeError: broken")


BLOCKS = """
import gpu_backends, gpu_work, numpy as np
from deepresolve import networks
from deepresolve.config import Config
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.segmentation.settings import SegmentationConfig
on = gpu_backends.load("{backend}")
image = np.random.default_rng(0).random((6, 5, 23), np.float32)
config = SuperResolutionConfig(num_layers=3, num_features=4)
model = networks.build_model(config)
model.set_weights([np.random.default_rng(1).normal(0, 0.2, w.shape) for w in
                   model.get_weights()])
whole = np.asarray(on.fetch(model(on.put(image[None, ..., None]))))[0, ..., 0]
counts = []
for num_slices in (23, 12, 8, 3, 1):
    apply, count = gpu_work.volume_function(
        on, model, config, "{compilation}", image.shape, num_slices)
    np.testing.assert_allclose(apply(image), whole, atol=1e-5)
    counts.append(count)
assert np.abs(whole - image).max() > 0.1
assert counts == [1, 2, 3, 8, 23], counts
config = SegmentationConfig( model="unet_2d", num_levels=2, num_features=4)
model = networks.build_model(config)
whole = np.asarray(on.fetch(model(on.put(image[None, ..., None]), training=False)))
counts = []
for num_slices in (23, 8):  # slice by slice, so that windows change nothing
    apply, count = gpu_work.volume_function(
        on, model, config, "{compilation}", image.shape, num_slices)
    labels = apply(image)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, whole[0].argmax(-1))
    counts.append(count)
assert counts == [1, 4], counts
"""


def test_blocks_give_what_one_pass_gives(backend):
    script = BLOCKS.format(backend=backend, compilation=COMPILATIONS[backend])
    done = python("-c", script, backend=backend)
    assert done.returncode == 0, done.stderr


def test_peaks_are_those_of_the_card_alone():
    # Data sheets: H200 1,979 TFLOP/s of bfloat16 with sparsity, NVL 1,671; A100 312.
    script = (
        "from gpu_cards import peaks\n"
        "bf16 = lambda name: peaks(name)['bfloat16']\n"
        "assert bf16('NVIDIA H200') == 1979 / 2\n"
        "assert bf16('NVIDIA H200 NVL') == 1671 / 2\n"
        "assert bf16('NVIDIA A100-SXM4-80GB') == bf16('NVIDIA A100 80GB PCIe') == 312\n"
        "assert bf16('NVIDIA L40S') != bf16('NVIDIA L4')\n"
        "for other in ('', 'NVIDIA A10G', 'NVIDIA H200 MIG 1g.18gb', 'cpu'):\n"
        "    assert peaks(other) is None, other\n"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
