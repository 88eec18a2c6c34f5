r"""What a step of training spends its time on, beside its convolutions alone.

    python benchmarks/training_steps.py --output=DIR [--presets=seg_cnn_small,...]
        [--precisions=float32,mixed_bfloat16] [--rounds=5]

Each preset's step, on one batch of its patches, and then each layer of its network by
itself, forward and backward, with what comes into it and goes back through it drawn at
random; also the loss and the optimizer. Steps and layers take turns for some rounds, so
that a machine which slows down does so for both; times are medians. What the
convolutions take alone is the limit: nothing that is done between them makes them
faster. "Between" is what a step takes beyond the sum of its parts, and may be negative
where a graph does two parts at once.

The input pipeline's row is the processor seconds that a batch costs it (threads that a
step's convolutions would have had), from synthetic scans in shards. Prints a table for
each preset and precision and writes training_steps.json.
"""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import tempfile

import input_pipeline_streams as streams
import training_step_parts as parts
from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
path_flags.define("output", None, "Folder for the tables.")
flags.DEFINE_list(
    "presets",
    ["seg_cnn_small", "segnet_2d_small", "seg_knee", "seg_cnn"],
    "Presets of networks.",
)
flags.DEFINE_list("precisions", ["float32", "mixed_bfloat16"], "Keras dtype policies.")
flags.DEFINE_integer("rounds", 5, "How often each part is timed.", lower_bound=1)
flags.DEFINE_list("patch_shape", None, "Voxels of a patch; the preset's by default.")
flags.DEFINE_list("shape", ["384", "384", "160"], "Voxels of the synthetic scans.")
flags.DEFINE_float("seconds", 20.0, "How long batches are pulled from the pipeline.")
flags.mark_flag_as_required("output")

_NUM_SCANS = 2


def measure() -> list[dict]:
    """Figures of each preset in each precision."""
    figures = []
    # Spawned, so that a process begins without what this one holds.
    spawned = multiprocessing.get_context("spawn")
    patch = {"patch_shape": tuple(int(n) for n in FLAGS.patch_shape or ())}
    changes = patch if FLAGS.patch_shape else {}
    shape = tuple(int(n) for n in FLAGS.shape)
    with (
        tempfile.TemporaryDirectory() as folder,
        spawned.Pool(1, maxtasksperchild=1) as processes,
    ):
        processes.apply(streams.convert, ({_NUM_SCANS: folder}, shape))
        for preset in FLAGS.presets:
            of_scans = changes | parts.learnable(preset)
            pipeline = processes.apply(
                parts.pipeline_seconds, (folder, preset, of_scans, FLAGS.seconds)
            )
            for precision in FLAGS.precisions:
                step = processes.apply(
                    parts.measure, (preset, precision, changes, FLAGS.rounds)
                )
                figures.append(
                    {"preset": preset, "precision": precision, **step}
                    | {"pipeline_processor_seconds": pipeline}
                )
                print_table(figures[-1])
    return figures


def print_table(row: dict) -> None:
    """A line for each kind of part, the longest first."""
    step = row["step_seconds"]
    print(
        f"\n{row['preset']}, {row['precision']}, batch "
        f"{' x '.join(map(str, row['batch']))}: {1e3 * step:.0f} ms a step, "
        f"{row['gflop_per_second']:.0f} GFLOP/s; "
        f"{100 * row['limit_share']:.0f}% of what its convolutions reach alone; "
        f"{row['peak_gib']:.1f} GiB"
    )
    print("| part | calls | ms | of the step (%) |")
    print("|---|---|---|---|")
    for part in row["parts"]:
        seconds = part["seconds"]
        print(
            f"| {part['kind']} | {part['calls']} | {1e3 * seconds:.1f} | "
            f"{100 * seconds / step:.0f} |"
        )
    pipeline = row["pipeline_processor_seconds"]
    print(
        f"| input pipeline, of {row['processor_seconds'] / step:.1f} cores | | "
        f"{1e3 * pipeline:.1f} | {100 * pipeline / row['processor_seconds']:.0f} |",
        flush=True,
    )


def run() -> None:
    """Measures all and writes the figures down."""
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(measure(), indent=2)
    (output / "training_steps.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry.launch(run)
