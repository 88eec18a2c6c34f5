"""The benchmark on a small network and a small volume."""

import json
import math
import pathlib
import subprocess
import sys

from deepresolve import networks, presets

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_the_table_has_what_was_measured(tmp_path):
    command = [sys.executable, "segmentation.py", "--preset=seg_cnn_small"]
    command += ["--shape=40,48,6", "--windows", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "segmentation.json").read_text())
    assert table["volume_shape"] == [40, 48, 6]
    model = networks.build_model(presets.get("seg_cnn_small"))
    fixed = sum(math.prod(weight.shape) for weight in model.non_trainable_weights)
    assert table["parameters"] == model.count_params() - fixed
    # TensorFlow alone takes some 0.3 GiB; a machine's memory is the other bound.
    for name in ("stream_float32", "windows_float32"):
        assert 0.2 < table[name]["peak_gib"] < 64
        assert table[name]["seconds"] > 0
        assert table[name]["processor_seconds"] > 0
    assert table["products_float32"]["seconds"] > 0
    assert 0 <= table["moved"]["windows_float32"] < 0.01
    assert "monai_float32" not in table
