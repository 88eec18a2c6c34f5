r"""How fast a whole volume is super-resolved, beside one pass and MONAI's windows.

    python benchmarks/inference.py --output=DIR [--peer_python=PATH] [--workdir=RUN]

The published network (preset sr_cnn) on a scan of OAI size: streamed in float32 and in
bfloat16, and in one pass over as many slices of it as --one_pass_slices says, for all
160 need 13 GiB and more. MONAI's sliding_window_inference runs the same weights under
--peer_python, an interpreter with torch and monai, on the same volume (windows of 96
voxels, overlap 0.25). Each runs in a process of its own, so that each has its own peak
of resident memory. GFLOP/s count the arithmetic of a direct convolution, whatever was
computed; windows waste theirs where they overlap.

The weights are fresh, the last layer's scaled up so that the residual is as large as a
trained network's: neither changes the time. What bfloat16 costs in quality needs a
network that has learned: --workdir names its run, --scan a thin-slice scan (by default
a synthetic knee), which is made thick, and restored in both precisions.

Prints the tables and writes inference.json.
"""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import tempfile

import inference_runs as runs
import peers
import synthetic
from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Folder for the tables.")
path_flags.define("peer_python", None, "Interpreter with torch and monai.")
flags.DEFINE_string("preset", "sr_cnn", "Preset of a super-resolution network.")
flags.DEFINE_list("shape", list(map(str, synthetic.OAI_SHAPE)), "Voxels of the scan.")
flags.DEFINE_list(
    "dtypes", ["float32", "bfloat16"], "What to compute in; bfloat16 may be left out."
)
flags.DEFINE_integer("one_pass_slices", 48, "Slices of the single pass.", 1)
flags.DEFINE_integer("window", 96, "Voxels of MONAI's windows, along each axis.", 1)
path_flags.define("workdir", None, "A trained run, to compare the precisions.")
path_flags.define("scan", None, "Thin-slice scan to compare them on.")
flags.mark_flag_as_required("output")


def measure(folder: pathlib.Path) -> dict:
    """All figures; arrays that runs compare go to `folder`."""
    shape = tuple(int(number) for number in FLAGS.shape)
    # Spawned, so that a process begins without what this one holds.
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as processes:
        result = processes.apply(runs.prepare, (folder, FLAGS.preset, shape))
        slices = min(FLAGS.one_pass_slices, shape[2])
        for dtype in FLAGS.dtypes:
            arguments = (folder, FLAGS.preset, dtype)
            result[f"streamed_{dtype}"] = processes.apply(runs.stream, arguments)
            result[f"one_pass_{dtype}"] = processes.apply(
                runs.one_pass, (*arguments, slices)
            )
        result["quality"] = None
        if FLAGS.workdir:
            arguments = (FLAGS.workdir, FLAGS.scan)
            result["quality"] = processes.apply(runs.quality, arguments)
        for dtype in FLAGS.dtypes:
            result[f"monai_{dtype}"] = _peer(folder, dtype)
        result["differences"] = processes.apply(
            runs.differences, (folder, FLAGS.preset)
        )
    for name, figures in result.items():
        if name.startswith(("streamed", "one_pass", "monai")) and figures:
            work = result["flop_per_voxel"] * figures["voxels"]
            figures["gflop_per_second"] = work / figures["seconds"] / 1e9
    return result


def _peer(folder: pathlib.Path, dtype: str) -> dict | None:
    """MONAI's figures; None without an interpreter for it."""
    arguments = (f"--folder={folder}", f"--dtype={dtype}", f"--window={FLAGS.window}")
    return peers.run(
        FLAGS.peer_python, "peer_inference.py", "torch and monai", *arguments
    )


def print_tables(result: dict) -> None:
    """Prints everything in words."""
    print(f"\n{'run':<20} voxels      seconds  GFLOP/s     peak")
    for name, figures in result.items():
        if isinstance(figures, dict) and "gflop_per_second" in figures:
            print(
                f"{name:<20} {figures['voxels']:>10,} {figures['seconds']:>8.1f} "
                f"{figures['gflop_per_second']:>8.0f} {figures['peak_gib']:>6.2f} GiB"
            )
    print(f"\n{'streamed against':<28}", *(f"{dtype:>9}" for dtype in FLAGS.dtypes))
    for peer in ("one_pass", "monai"):
        rates = [
            result[f"streamed_{dtype}"]["gflop_per_second"]
            / result[f"{peer}_{dtype}"]["gflop_per_second"]
            for dtype in FLAGS.dtypes
            if result[f"{peer}_{dtype}"]
        ]
        print(f"{peer:<28}", *(f"{rate:8.2f}x" for rate in rates))
    if "bfloat16" in FLAGS.dtypes:
        fast = result["streamed_bfloat16"]["seconds"]
        for name in ("streamed_float32", "monai_float32"):
            if result[name]:
                rate = result[name]["seconds"] / fast
                print(f"streamed_bfloat16 against {name}: {rate:.2f}x")
    if not FLAGS.peer_python:
        print("MONAI was not run: give --peer_python")
    print("\ndifference from one exact pass, full scale 1      largest       RMS")
    for name, (largest, rms) in result["differences"].items():
        print(f"{name:<45} {largest:>11.2e} {rms:>11.2e}")
    if result["quality"]:
        print("\npSNR of thick slices restored, dB:", result["quality"])


def run() -> None:
    """Runs all and writes the figures down."""
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(pathlib.Path(folder))
    text = json.dumps(result, indent=2)
    (output / "inference.json").write_text(text + "\n", encoding="utf-8")
    print_tables(result)


if __name__ == "__main__":
    entry.launch(run)
