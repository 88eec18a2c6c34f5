r"""How fast shards become training batches, beside peers and the memory's own speed.

    python benchmarks/input_pipeline.py --output=DIR [--peer_python=PATH]

Synthetic int16 scans of OAI size are converted to shards, then read, degraded, cut into
shuffled 32x32x32 pairs at stride 16 and batched by 32 (preset sr_cnn), and cut into
augmented 288x288x32 patches (seg_cnn). Each stream runs in a process of its own, so
that each has its own peak of resident memory; nothing consumes the batches. Also: more
scans, to see that memory stays; each augmentation alone; a plain memory copy, for the
limit. MONAI and TorchIO run under --peer_python, an interpreter that has both, with
volumes that are in memory and degraded before the clock starts. Prints the tables and
writes input_pipeline.json.
"""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import sys
import tempfile

import input_pipeline_streams as streams
import peers
import synthetic
from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Folder for the tables.")
path_flags.define("peer_python", None, "Interpreter with torch, monai and torchio.")
flags.DEFINE_list("shape", list(map(str, synthetic.OAI_SHAPE)), "Voxels of a scan.")
flags.DEFINE_list("num_volumes", ["4", "12"], "Numbers of scans; the first is timed.")
flags.DEFINE_float("seconds", 20.0, "Seconds of each stream; of a peer, a quarter.")
flags.DEFINE_list("seg_patch_shape", ["288", "288", "32"], "Voxels of its patches.")
flags.mark_flag_as_required("output")


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in FLAGS[name].value)


def measure_ours() -> dict:
    """All of our own figures."""
    shape, counts = _numbers("shape"), _numbers("num_volumes")
    # Spawned, so that a process begins without what this one holds.
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(1, maxtasksperchild=1) as processes,
        tempfile.TemporaryDirectory() as folder,
    ):
        records = {n: str(pathlib.Path(folder) / str(n)) for n in counts}
        processes.apply(streams.convert, (records, shape))

        def stream(count, preset, changes):
            arguments = (records[count], preset, changes, FLAGS.seconds)
            return processes.apply(streams.run, arguments)

        patch_shape = {"patch_shape": _numbers("seg_patch_shape")}
        return {
            "volume_shape": shape,
            "memory_copy": streams.copy_memory(),
            "super_resolution": [
                stream(n, "sr_cnn", {"batch_size": 32}) for n in counts
            ],
            "segmentation": stream(counts[0], "seg_cnn", patch_shape),
            "augmentation_ms": processes.apply(
                streams.augmentation_costs, (shape, patch_shape)
            ),
        }


def measure_peers() -> dict | None:
    """The peers' figures; None without an interpreter for them."""
    return peers.run(
        FLAGS.peer_python,
        "peer_input_pipelines.py",
        "torch, monai and torchio",
        *(f"--shape={','.join(FLAGS.shape)}", f"--seconds={FLAGS.seconds / 4}"),
    )


def print_tables(result: dict) -> None:
    """Prints everything in words."""
    copy = result["memory_copy"]["gb_per_second"]
    print(f"\n{'stream':<28} scans  pairs/s  cores  first batch  peak      moved")
    named = [("SR 32x32x32, batches of 32", run) for run in result["super_resolution"]]
    named.append(("segmentation, augmented", result["segmentation"]))
    for name, run in named:
        moved = run["moved_gb_per_second"]
        print(
            f"{name:<28} {run['num_volumes']:>5} {run['pairs_per_second']:>8.1f} "
            f"{run['cores_used']:>6.2f} {run['first_batch_seconds']:>9.2f} s "
            f"{run['peak_gib']:>8.2f} GiB "
            f"{moved:>6.2f} GB/s = {moved / copy:.0%} of the copy"
        )
    print(f"memory copy, read and written: {copy:.1f} GB/s on all cores")
    print("\none segmentation patch on one core, milliseconds")
    for name, milliseconds in result["augmentation_ms"].items():
        print(f"{name:<29} {milliseconds:>8.1f}")
    print("\npeer (best of its settings)   pairs/s  ours is")
    ours = result["super_resolution"][0]["pairs_per_second"]
    if result["peers"] is None:
        print("not run: give --peer_python")
        return
    for name, settings in result["peers"]["pipelines"].items():
        best = settings[0]["pairs_per_second"]
        print(f"{name:<29} {best:>7.1f}  {ours / best:.1f}x")


def run() -> None:
    """Runs all and writes the figures down."""
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    result = {"python": sys.version.split()[0], **measure_ours()}
    result["peers"] = measure_peers()
    text = json.dumps(result, indent=2)
    (folder / "input_pipeline.json").write_text(text + "\n", encoding="utf-8")
    print_tables(result)


if __name__ == "__main__":
    entry.launch(run)
