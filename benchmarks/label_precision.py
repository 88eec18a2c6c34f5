r"""What bfloat16 costs a label map, and where the cost comes from.

    python benchmarks/label_precision.py --data=DIR [--workdir=pretrained:seg_knee]

The network goes through real and synthetic knees, on its own grid: in float32, in
bfloat16, and in bfloat16 with some of its convolutions in float32. Of the convolutions
it may also round nothing but their factors, to 8 bits, and keep sums and planes in
float32: no way of adding up bfloat16 products is more exact. And it may multiply high
and low halves of both, and what their sum is rounded by, as bfloat16: what that gives
is float32's.

Prints for each knee the voxels that are in another class than with float32, in 10,000;
by how much the volume of that tissue changes which changes most, in %; and processor
seconds on one thread, the fewest of --repeats turns.
"""

from __future__ import annotations

import os
import pathlib
import re
import time
from collections.abc import Iterator

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", os.environ.get("DEEPRESOLVE_DATA"), "Folder of the real knee."
)
path_flags.define("workdir", "pretrained:seg_knee", "Run, or pretrained:NAME.")
flags.DEFINE_integer("repeats", 3, "Turns to take the shortest time of.", 1)
flags.mark_flag_as_required("data")

# Names of the layers that are float32 where the others are bfloat16. Up-convolutions
# and what tells the classes are so in all.
KEPT = {
    "bfloat16": "$^",
    "  but the first convolution": "down_1_1",
    "  but the finest level": "(down|up)_1_.",
    "  but the two finest levels": "(down|up)_[12]_.",
    "  but all levels down to the third": "(down|up)_[123]_.",
}


def knees(data: pathlib.Path) -> Iterator[tuple[str, object]]:
    """Names and scans: one real, one painted, and a phantom as it comes."""
    import pretrain_labels
    import unseen_knees

    from deepresolve.imaging import formats
    from deepresolve.imaging.formats.choice import Choice
    from deepresolve.simulation import phantom
    from deepresolve.simulation.painting import paint

    choice = Choice(None, 1, None)
    yield "spin echo", formats.read_image(data / "knee_mese_dicom", choice=choice)
    labels = pretrain_labels.phantom_labels(unseen_knees.FIRST_PHANTOM)
    drawn = paint(labels, pretrain_labels.NAMES, seed=unseen_knees.SEED)
    yield "painted", drawn.image
    yield "phantom", phantom.knee(seed=3).image


def ways(model) -> dict[str, object]:
    """The network as a function of volumes, by the name of its arithmetic."""
    import label_precision_ways as parts

    from deepresolve.inference.streaming import StreamedModel

    result = {"float32": StreamedModel(model, "float32")}
    for name, kept in KEPT.items():
        pattern = re.compile(kept)
        with parts.kept_exact(lambda layer, p=pattern: p.fullmatch(layer) is not None):
            result[name] = StreamedModel(model, "bfloat16")
    for name, kind in parts.ARITHMETIC.items():
        with parts.convolutions_of(kind):
            result[name] = StreamedModel(model, "float32")
    return result


def compare(networks: dict, array) -> dict[str, tuple[float, float, float]]:
    """Voxels moved in 10,000, largest change of a volume in %, seconds, by name."""
    import numpy as np

    seconds = {name: [] for name in networks}
    found = {}
    for turn in range(1 + FLAGS.repeats):
        for name, network in networks.items():
            start = time.process_time()
            found[name] = network.most_probable(array)
            if turn:  # the first one compiles
                seconds[name].append(time.process_time() - start)
    exact = found["float32"]
    voxels = np.bincount(exact.ravel(), minlength=256).astype(float)
    present = voxels > 0
    present[0] = False
    result = {}
    for name, labels in found.items():
        other = np.bincount(labels.ravel(), minlength=256)
        change = np.abs(other[present] / voxels[present] - 1).max()
        moved = np.mean(labels != exact)
        result[name] = (1e4 * moved, 100 * change, min(seconds[name]))
    return result


def run() -> None:
    """Compares all and prints a row for each."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from deepresolve.imaging.intensity import estimate_scale
    from deepresolve.tasks.segmentation.segmenter import Segmenter
    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open(FLAGS.workdir)
    segmenter = Segmenter.from_run(trained)
    networks = ways(trained.network("float32"))
    for title, scan in knees(pathlib.Path(FLAGS.data)):
        whole = scan.canonical()
        whole = whole.with_array(estimate_scale(whole.array).apply(whole.array))
        array = segmenter.placed(whole).there(whole.array)
        shape = " x ".join(map(str, array.shape))
        head = f"{title} ({shape})"
        print(f"\n{head:<40} {'moved':>9} {'volume':>8} {'seconds':>8}", flush=True)
        for name, row in compare(networks, array).items():
            moved, change, seconds = row
            print(
                f"{name:<40} {moved:>9.3f} {change:>7.3f}% {seconds:>8.2f}", flush=True
            )


if __name__ == "__main__":
    entry.launch(run)
