r"""How much SR-CNN gains over interpolation on a real scan, trained on its other part.

    python benchmarks/real_scan.py --scan=brain --data=DIR --output=DIR

One end of a real scan along its slice axis trains the network, the other end tests it;
the slices between are left out. The whole path runs as a user would run it: convert,
train.py, evaluate.py. Prints the table and writes real_scan.json. The same command,
run again after an interrupt, continues. With --workdir nothing is trained: the network
of that run, or one of the package (--workdir=pretrained:sr_knee), is measured.

    brain   brain_t1.nii.gz, 0.7 mm slices: 0-149 train, 165-245 test
    knee    knee_dess_half.nii.gz along its vertical axis of 0.3125 mm, since its own
            slices of 1.5 mm are thick already: 0-299 train, 331-511 test
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import time
from typing import Any

from absl import flags
from programs import command

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

# Each: file, axis of the slices, region to train on, region to test on, extra flags.
# Regions are (first, stop) along the scan's own axes.
SCANS = {
    "brain": {
        "file": "brain_t1.nii.gz",
        "slice_axis": 2,
        "train": ((0, 384), (0, 384), (0, 150)),
        "test": ((64, 320), (64, 320), (165, 246)),
        "flags": ["--patches_per_volume=400"],
    },
    "knee": {
        "file": "knee_dess_half.nii.gz",
        "slice_axis": 1,
        "train": ((0, 512), (0, 300), (0, 40)),
        "test": ((0, 512), (331, 512), (0, 40)),
        # The scan has 40 sagittal slices.
        "flags": ["--patches_per_volume=400", "--patch_shape=64,36,72"],
    },
}

flags.DEFINE_enum("scan", "brain", sorted(SCANS), "Which scan.")
flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans; by default the environment's DEEPRESOLVE_DATA.",
)
path_flags.define("output", None, "Folder for shards, workdir and report.")
path_flags.define("workdir", None, "Measure this network; train none.")
flags.DEFINE_string("preset", "sr_cnn_small", "Preset to train.")
flags.DEFINE_float("minutes", 15.0, "Minutes of training, at most.")
flags.DEFINE_multi_string(
    "train_flag", [], "Further flags of train.py, as --name=value."
)
flags.register_validator("data", bool, "Give it, or set DEEPRESOLVE_DATA.")
flags.mark_flag_as_required("output")


def split_scan(name: str, data: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes both parts of a scan, and the table that assigns the splits.

    Parts that are there already are left as they are.
    """
    from deepresolve.imaging import formats

    recipe = SCANS[name]
    folder.mkdir(parents=True, exist_ok=True)
    paths = {split: folder / f"{name}_{split}.nii.gz" for split in ("train", "test")}
    if not all(path.exists() for path in paths.values()):
        source = data / recipe["file"]
        scan = formats.read_image(source, slice_axis=recipe["slice_axis"])
        for split, path in paths.items():
            region = tuple(slice(*bounds) for bounds in recipe[split])
            formats.write(path, scan.crop(region))
    lines = ["subject,person,split"]
    lines += [f"{name}_{split},{split},{split}" for split in paths]
    (folder / "persons.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def train(path: pathlib.Path, *arguments: object) -> dict[str, float]:
    """Runs train.py and adds what it took to the table in `path`.

    Returns:
      Wall seconds of all runs together, and the largest memory in MiB that train.py,
      or the conversion before it, had resident.
    """
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    start = time.monotonic()
    try:
        command("train.py", *arguments)
    finally:
        # In KiB on Linux (getrusage(2)).
        resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        runs.append({"seconds": time.monotonic() - start, "peak_mib": resident})
        path.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")
    return {
        "train_wall_seconds": sum(run["seconds"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
    }


def _train(recipe, output, records, workdir) -> dict[str, Any]:
    """What was trained, and what it cost."""
    cost = train(
        output / "train_runs.json",
        *(f"--preset={FLAGS.preset}", f"--records={records}"),
        *(f"--workdir={workdir}", f"--max_minutes={FLAGS.minutes}"),
        *(*recipe["flags"], *FLAGS.train_flag),
    )
    return {"preset": FLAGS.preset, "minutes": FLAGS.minutes, **cost}


def run() -> None:
    """Runs the whole path and writes the figures down."""
    recipe = SCANS[FLAGS.scan]
    output = pathlib.Path(FLAGS.output).resolve()
    scans, records = output / "scans", output / "records"
    workdir, report = FLAGS.workdir or output / "run", output / "report"
    split_scan(FLAGS.scan, pathlib.Path(FLAGS.data), scans)
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--source={scans}"),
        *(f"--persons={scans / 'persons.csv'}", f"--output={records}"),
        *(f"--slice_axis={recipe['slice_axis']}", "--num_workers=1"),
    )
    trained = {} if FLAGS.workdir else _train(recipe, output, records, workdir)
    command(
        *("evaluate.py", f"--records={records}", f"--sr_workdir={workdir}"),
        f"--output={report}",
    )
    rows = json.loads((report / "report.json").read_text(encoding="utf-8"))["rows"]
    means = {(row["metric"], row["image_set"]): row["mean"] for row in rows}
    result = {
        "scan": FLAGS.scan,
        "workdir": str(workdir),
        **trained,
        **{f"{m}_{s}": means[m, s] for m in ("psnr", "ssim") for s in ("tci", "sr")},
        "gain_psnr_db": means["psnr", "sr"] - means["psnr", "tci"],
        "gain_ssim_x100": 100 * (means["ssim", "sr"] - means["ssim", "tci"]),
    }
    text = json.dumps(result, indent=2)
    (output / "real_scan.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    entry.launch(run)
