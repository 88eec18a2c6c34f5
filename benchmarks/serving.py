r"""What a request for a whole scan costs a server, and whether it answers as we do.

    python benchmarks/serving.py --output=DIR [--preset=sr_cnn_small] [--scan=FILE]

Exports a network of the preset with weights of our own and asks the SavedModel in a
process that has TensorFlow and not this package: a first request and a second one, with
the process's resident memory before them and at its peak. Without a scan the voxels are
random; neither they nor the weights change time or memory. Prints the figures, the
largest difference from the answer of this package among them, and writes serving.json.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile

from absl import flags

from deepresolve import presets
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
OUTPUTS = {"super_resolution": "thin", "segmentation": "label_map"}

path_flags.define("output", None, "Folder for the figures.")
flags.DEFINE_string("preset", "sr_cnn_small", "Preset of the network.")
flags.DEFINE_list("shape", ["256", "256", "40"], "Voxels of the scan, slices last.")
path_flags.define("scan", None, "A scan instead of random voxels.")
flags.DEFINE_float("memory_gib", 4.0, "As for the export of a segmentation.")
flags.mark_flag_as_required("output")

# Not ru_maxrss, which begins at the peak of the process that starts this one.
_STRANGER = r"""
import json, re, sys, time
sys.modules["deepresolve"] = None
import numpy as np
import tensorflow as tf

def memory_gib(name):
    with open("/proc/self/status") as status:  # in KiB (proc(5))
        return int(re.search(name + r":\s+(\d+)", status.read())[1]) / 2**20

folder, source, target, output = sys.argv[1:]
function = tf.saved_model.load(folder).signatures["serving_default"]
scan = tf.constant(np.load(source))
figures = {"loaded_gib": memory_gib("VmRSS")}
for number in ("first", "second"):
    start = time.perf_counter()
    answer = function(scan=scan)
    result = answer[output].numpy()
    figures[f"{number}_request_seconds"] = time.perf_counter() - start
    del answer
figures["peak_gib"] = memory_gib("VmHWM")
np.save(target, result)
print(json.dumps(figures))
"""


def _scan():
    import numpy as np

    from deepresolve.imaging import formats
    from deepresolve.imaging.volume import Volume

    if FLAGS.scan:
        return formats.read_image(FLAGS.scan).canonical()
    shape = tuple(int(n) for n in FLAGS.shape)
    voxels = np.random.default_rng(0).integers(0, 1000, shape).astype(np.float32)
    # Axes that are canonical already: each stays, and none is turned.
    stays = np.array([[0, 1], [1, 1], [2, 1]], float)
    return Volume(voxels, np.diag([1.0, 1.0, 3.0, 1.0]), to_source=stays)


def _trained(folder: pathlib.Path):
    """A run whose network adds more than nothing."""
    import numpy as np

    from deepresolve import networks
    from deepresolve.runs.workdir import Workdir

    config = presets.get(FLAGS.preset)
    run = Workdir(folder)
    run.start(config)
    model = networks.build_model(config)
    if config.task == "super_resolution":
        rng = np.random.default_rng(0)
        last = model.get_layer("residual")
        last.set_weights([rng.normal(0, 0.02, w.shape) for w in last.get_weights()])
    run.save_model(model, "best")
    return run, config


def _expected(run, config, scan):
    from deepresolve.tasks.segmentation.segmenter import Segmenter
    from deepresolve.tasks.super_resolution.super_resolver import SuperResolver
    from deepresolve.tasks.trained_run import TrainedRun

    if config.task == "segmentation":
        segmenter = Segmenter.from_run(
            TrainedRun.open(run.path), memory_gib=FLAGS.memory_gib
        )
        return segmenter.segment(scan).array
    factor = config.downsample_factors[0]
    return (
        SuperResolver.from_run(TrainedRun.open(run.path))
        .super_resolve(scan, factor)
        .array
    )


def _served(run, config, scan, folder: pathlib.Path):
    """The stranger's figures and its answer."""
    import numpy as np

    from deepresolve.serving.saved_model import export
    from deepresolve.tasks.servable import ServingOptions
    from deepresolve.tasks.trained_run import TrainedRun

    options = ServingOptions("float32", 16, FLAGS.memory_gib)
    trained = TrainedRun.open(run.path)
    version = export(trained, str(folder / "models" / "served"), 1, options)
    np.save(folder / "scan.npy", scan.array[np.newaxis].astype(np.float32))
    command = [sys.executable, "-I", "-c", _STRANGER, version]
    result = subprocess.run(
        [*command, "scan.npy", "answer.npy", OUTPUTS[config.task]],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(result.stdout), np.load(folder / "answer.npy")[0]


def run() -> None:
    """Asks, compares and writes the figures down."""
    import numpy as np

    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    scan = _scan()
    with tempfile.TemporaryDirectory() as folder:
        trained, config = _trained(pathlib.Path(folder) / "run")
        figures, answer = _served(trained, config, scan, pathlib.Path(folder))
        expected = _expected(trained, config, scan)
    difference = np.abs(answer.astype(np.float64) - expected).max()
    full_scale = float(np.ptp(scan.array.astype(np.float64)))
    result = {
        "preset": FLAGS.preset,
        "scan": FLAGS.scan and pathlib.Path(FLAGS.scan).name,
        "scan_shape": scan.shape,
        "answer_shape": answer.shape,
        "answer_mib": answer.nbytes / 2**20,
        **figures,
        "largest_difference": float(difference),
    }
    if config.task == "super_resolution":
        result["largest_difference_of_full_scale"] = float(difference) / full_scale
    text = json.dumps(result, indent=2)
    (output / "serving.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    entry.launch(run)
