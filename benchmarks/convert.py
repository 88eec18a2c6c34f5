r"""How fast scans become shards, beside the bare cost of reading and inflating them.

    python benchmarks/convert.py --output=DIR

Synthetic int16 scans of OAI size are written as .nii.gz beforehand. Then, with one
worker and with two: each file is read and inflated and nothing else (the limit), and
all are converted to shards, by the process pool and, where Apache Beam is installed, by
its runner on this machine. "Whole" is all that `convert` takes, workers that start and
import TensorFlow included; "sustained" is what follows after each worker's first scan,
which is what counts for an archive. MB are those of the voxels, 10^6 bytes. Prints the
tables and writes convert.json.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import pathlib
import sys
import tempfile

import convert_steps as steps
import numpy as np
import synthetic
from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Folder for the tables.")
flags.DEFINE_list("shape", list(map(str, synthetic.OAI_SHAPE)), "Voxels of a scan.")
flags.DEFINE_integer("num_scans", 24, "Number of scans.", lower_bound=3)
flags.DEFINE_integer("num_distinct", 4, "Of them differ; others are the same files.", 1)
flags.mark_flag_as_required("output")

WORKERS = (1, 2)


def measure(scans: pathlib.Path, folder: pathlib.Path, mb_per_scan: float) -> list:
    """One row for each runner and number of workers."""
    runners = ["inflate", "pool"]
    if importlib.util.find_spec("apache_beam"):
        runners.append("beam")
    # Spawned, so that a process begins without what this one holds.
    context = multiprocessing.get_context("spawn")
    rows = []
    for num_workers in WORKERS:
        for runner in runners:
            if runner == "inflate":
                row = steps.inflate_all(scans, num_workers)
            else:
                # Not a pool's process: those may not have processes of their own.
                queue = context.SimpleQueue()
                target = str(folder / f"{runner}-{num_workers}")
                arguments = (queue, str(scans), target, runner, num_workers)
                process = context.Process(target=steps.convert, args=arguments)
                process.start()
                process.join()
                if process.exitcode:
                    raise OSError(f"The conversion by {runner} failed; see above.")
                row = queue.get()
            for name in ("whole", "sustained"):
                row[f"{name}_mb_per_second"] = mb_per_scan * row[f"{name}_per_second"]
            rows.append({"runner": runner, "num_workers": num_workers, **row})
    return rows


def print_tables(result: dict) -> None:
    """Prints everything in words."""
    rows = {(row["runner"], row["num_workers"]): row for row in result["rows"]}
    print(f"\n{'':<17} workers  whole       sustained    of inflating   peak RSS")
    for (runner, num_workers), row in rows.items():
        limit = rows["inflate", num_workers]["sustained_mb_per_second"]
        sustained = row["sustained_mb_per_second"]
        print(
            f"{runner:<17} {num_workers:>7} {row['whole_mb_per_second']:>6.0f} MB/s "
            f"{sustained:>7.0f} MB/s {sustained / limit:>13.0%} "
            f"{row['peak_gib']:>8.2f} GiB"
        )
    first, last = WORKERS
    for runner in dict.fromkeys(runner for runner, _ in rows):
        gain = {
            name: rows[runner, last][f"{name}_mb_per_second"]
            / rows[runner, first][f"{name}_mb_per_second"]
            for name in ("whole", "sustained")
        }
        print(
            f"{runner}: {last} workers are {gain['sustained']:.2f}x one "
            f"({gain['whole']:.2f}x with their start)"
        )
    if ("beam", first) not in rows:
        print("beam: not run, Apache Beam is not installed")
    print("\none scan in one process, milliseconds of a processor")
    inflating, *others = result["steps_ms"].values()
    for name, milliseconds in result["steps_ms"].items():
        print(f"{name:<42} {milliseconds:>7.0f}")
    print(f"{'all but the first':<42} {sum(others):>7.0f}")
    print(f"{'the first in per cent of it':<42} {inflating / sum(others):>7.0%}")


def run() -> None:
    """Runs all and writes the figures down."""
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    shape = tuple(int(number) for number in FLAGS.shape)
    mb_per_scan = 2 * float(np.prod(shape)) / 1e6  # int16
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scans = folder / "scans"
        # In a process of its own: those that come later inherit this one's peak.
        arguments = (scans, FLAGS.num_scans, FLAGS.num_distinct, shape)
        with multiprocessing.get_context("spawn").Pool(1) as process:
            process.apply(steps.write_scans, arguments)
        packed = sum(file.stat().st_size for file in scans.iterdir())
        result = {
            "python": sys.version.split()[0],
            "cores": os.cpu_count(),
            "shape": shape,
            "num_scans": FLAGS.num_scans,
            "mb_per_scan": mb_per_scan,
            "compressed_mb_per_scan": packed / FLAGS.num_scans / 1e6,
            "rows": measure(scans, folder, mb_per_scan),
            # Last, for it imports TensorFlow here.
            "steps_ms": steps.time_steps(scans, folder),
        }
    text = json.dumps(result, indent=2)
    (output / "convert.json").write_text(text + "\n", encoding="utf-8")
    print_tables(result)


if __name__ == "__main__":
    entry.launch(run)
