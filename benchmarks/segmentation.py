r"""What a segmentation network costs, beside MONAI's windows and its products alone.

    python benchmarks/segmentation.py --output=DIR [--preset=seg_cnn] [--windows]
        [--peer_python=PATH] [--dtypes=float32,bfloat16]

The inference of one volume of OAI size by the engine that the network declares, each
run in a process of its own, so that each has its own peak of resident memory
(training: training_steps.py). Of a network that is streamed also:

- the products alone: the 2D convolutions that the stream asks the processor's library
  for, one by one, without all that lies between them. No way to arrange these is
  faster;
- with --windows, the same volume in our blended windows of 4 GiB;
- with --peer_python, an interpreter with torch and monai, the same network in PyTorch,
  its normalisation folded in, under MONAI's sliding_window_inference (--window voxels,
  by default what the network is trained with, overlap 0.25).

The voxels are random and the weights fresh: neither changes time or memory. Classes are
close calls of a fresh network: the voxels that windows or roundings move are not a
trained one's. Processor seconds are of all threads. Prints the table
and writes segmentation.json.
"""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import tempfile

import peers
import segmentation_runs as runs
from absl import flags

from deepresolve import networks, presets
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
OAI_SHAPE = (384, 384, 160)

path_flags.define("output", None, "Folder for the table.")
path_flags.define("peer_python", None, "Interpreter with torch and monai.")
flags.DEFINE_string("preset", "seg_cnn", "Preset of a segmentation network.")
flags.DEFINE_list("shape", list(map(str, OAI_SHAPE)), "Voxels of the volume.")
flags.DEFINE_list("dtypes", ["float32"], "What to compute in: float32, bfloat16.")
flags.DEFINE_list("window", None, "Voxels of MONAI's windows.")
flags.DEFINE_bool("windows", False, "Whether to time blended windows, too.")
flags.mark_flag_as_required("output")


def measure(folder: pathlib.Path) -> dict:
    """All figures; label maps that runs compare go to `folder`."""
    config = presets.get(FLAGS.preset)
    shape = tuple(int(n) for n in FLAGS.shape)
    engine = networks.find_model(config).engine
    figures = {}
    # Spawned, so that a process begins without what this one holds.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        result = processes.apply(runs.prepare, (folder, FLAGS.preset, shape))
        for dtype in FLAGS.dtypes:
            common = (folder, FLAGS.preset)
            figures[f"{engine}_{dtype}"] = processes.apply(
                runs.segment, (*common, engine, dtype)
            )
            if engine != "stream":
                continue
            figures[f"products_{dtype}"] = processes.apply(
                runs.products, (*common, dtype)
            )
            if FLAGS.windows:
                figures[f"windows_{dtype}"] = processes.apply(
                    runs.segment, (*common, "windows", dtype)
                )
            figures[f"monai_{dtype}"] = _peer(folder, dtype, config.patch_shape)
        if engine == "stream" and "float32" in FLAGS.dtypes:
            result["moved"] = processes.apply(runs.moved, (folder,))
    return result | {name: row for name, row in figures.items() if row}


def _peer(folder: pathlib.Path, dtype: str, patch_shape) -> dict | None:
    """MONAI's figures; None without an interpreter for it."""
    window = ",".join(map(str, FLAGS.window or patch_shape))
    arguments = (f"--folder={folder}", f"--dtype={dtype}", f"--window={window}")
    return peers.run(
        FLAGS.peer_python, "peer_segmentation.py", "torch and monai", *arguments
    )


def print_table(result: dict) -> None:
    """A row for each run."""
    print(f"{result['preset']}, {' x '.join(map(str, result['volume_shape']))} voxels")
    print(f"{'run':<20} seconds  processor seconds      peak     voxels moved")
    moved = result.get("moved", {})
    for name, row in result.items():
        if isinstance(row, dict) and "seconds" in row:
            share = f"{moved[name]:>16.1e}" if name in moved else ""
            print(
                f"{name:<20} {row['seconds']:>7.1f} {row['processor_seconds']:>18.1f} "
                f"{row['peak_gib']:>6.2f} GiB {share}"
            )


def run() -> None:
    """Runs all and writes the figures down."""
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(pathlib.Path(folder))
    text = json.dumps(result, indent=2)
    (output / "segmentation.json").write_text(text + "\n", encoding="utf-8")
    print_table(result)


if __name__ == "__main__":
    entry.launch(run)
