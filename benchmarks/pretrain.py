r"""Trains the networks that come with the package, on data that may be shipped.

    python benchmarks/pretrain.py --data=DIR --output=DIR [--pack]

Super-resolution by views learns from the scans of pretrain_scans.py, synthetic and
real; segmentation from synthetic knees of varied voxels, noise and coil shading.
Converts both, trains a network a task by train.py, and evaluates them on synthetic
knees that no training saw. With --pack it then puts the weights into
deepresolve/runs/pretrained. The same command, run again after an interrupt, continues.
An hour on two cores; the figures stand in docs/models.md.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import pathlib

import pretrain_scans
from absl import flags
from programs import ROOT, command

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

# Knees a split, and what they are drawn from: uniform between two bounds.
SPLITS = {"train": 22, "validation": 2, "test": 8}
FIELD_OF_VIEW_MM = (115.0, 115.0, 90.0)  # To the back, down and across.
IN_PLANE_MM = (0.45, 0.8)
SLICE_MM = (0.6, 1.0)
NOISE_SD = (0.01, 0.045)
SHADING = (0.3, 1.0)
SEED = 20180613  # of the first knee; the demo's and the tests' knees are others

CARTILAGES = (
    "femoral cartilage",
    "tibial cartilage=medial tibial cartilage+lateral tibial cartilage",
    "patellar cartilage",
)
# Name in deepresolve.runs.pretrained: the flags of train.py.
TRAININGS = {
    "sr_knee": [
        "--preset=sr_views",
        "--thickness_range=0.7,1.5",
        "--spacing_range_mm=2,7",
    ],
    "seg_knee_phantom": ["--preset=seg_cnn_small", f"--classes={','.join(CARTILAGES)}"],
}
# What each learned from, for its provenance.
LEARNED_FROM = {
    "sr_knee": "scans of benchmarks/pretrain_scans.py",
    "seg_knee_phantom": "synthetic knees of benchmarks/pretrain.py",
}

flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans; by default the environment's DEEPRESOLVE_DATA.",
)
path_flags.define("output", None, "Folder for scans, shards, workdirs and report.")
flags.DEFINE_float("sr_minutes", 27.0, "Minutes of training for super-resolution.")
flags.DEFINE_float("seg_minutes", 18.0, "Minutes of training for segmentation.")
flags.DEFINE_bool("pack", False, "Replace the weights in deepresolve/runs/pretrained.")
flags.mark_flags_as_required(["data", "output"])


def draw(job: tuple[int, pathlib.Path]) -> None:
    """Writes one knee and its labels, unless they are there already.

    Args:
      job: number of the knee, from which all of it follows, and where to write.
    """
    import numpy as np

    from deepresolve.imaging import formats
    from deepresolve.simulation.phantom import knee

    number, folder = job
    paths = [folder / kind / f"{_name(number)}.nii" for kind in ("scans", "labels")]
    if all(path.exists() for path in paths):
        return
    random = np.random.default_rng((SEED, number))
    in_plane = random.uniform(*IN_PLANE_MM)
    spacing_mm = (in_plane, in_plane, random.uniform(*SLICE_MM))
    drawn = knee(
        seed=SEED + number,
        side=_side(number),
        shape=[round(f / s) for f, s in zip(FIELD_OF_VIEW_MM, spacing_mm, strict=True)],
        spacing_mm=spacing_mm,
        noise_sd=random.uniform(*NOISE_SD),
        shading=random.uniform(*SHADING),
    )
    for path, volume in zip(paths, (drawn.image, drawn.label), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        formats.write(path, volume)


def _name(number: int) -> str:
    return f"phantom-{number:04d}"


def _side(number: int) -> str:
    return ("right", "left")[number % 2]


def write_persons(path: pathlib.Path) -> None:
    """Writes the table that assigns sides and splits; each knee is a person's only."""
    splits = [split for split, count in SPLITS.items() for _ in range(count)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("subject", "person", "side", "split"))
        for number, split in enumerate(splits):
            table.writerow((_name(number), _name(number), _side(number), split))


def make_view_records(folder: pathlib.Path) -> pathlib.Path:
    """Writes what views are learned from and converts it; the folder of the shards."""
    pretrain_scans.write_scans(folder, pathlib.Path(FLAGS.data))
    records = folder / "records"
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--output={records}"),
        *(f"--source={folder / 'scans'}", f"--persons={folder / 'persons.csv'}"),
    )
    return records


def make_knee_records(folder: pathlib.Path) -> pathlib.Path:
    """Draws the knees and converts them; returns the folder of the shards."""
    from deepresolve.imaging.labels import format_label_names
    from deepresolve.simulation.phantom import LABEL_NAMES

    jobs = [(number, folder) for number in range(sum(SPLITS.values()))]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(draw, jobs, chunksize=1)
    write_persons(folder / "persons.csv")
    records = folder / "records"
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--output={records}"),
        *(f"--source={folder / 'scans'}", f"--labels={folder / 'labels'}"),
        *(f"--persons={folder / 'persons.csv'}",),
        f"--label_names={format_label_names(LABEL_NAMES)}",
    )
    return records


def pack(run: pathlib.Path, name: str) -> None:
    """Writes what the package needs of a run, and nothing of this machine.

    Args:
      run: workdir of the training.
      name: of the network in the package.
    """
    import json

    from deepresolve.networks.weights import to_npz
    from deepresolve.runs.workdir import Workdir
    from deepresolve.system import files

    trained = Workdir(str(run))
    starts = [
        start | {"records": LEARNED_FROM[name]} for start in trained.load_provenance()
    ]
    contents = {
        "best.npz": to_npz(trained.load_model("best")),
        "config.json": trained.load_config().to_json().encode(),
        "training_set.json": (run / "training_set.json").read_bytes(),
        "provenance.json": (json.dumps(starts, indent=2) + "\n").encode(),
    }
    target = ROOT / "deepresolve" / "runs" / "pretrained" / name
    target.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        with files.replacing(target / file) as temporary:
            temporary.write_bytes(content)


def run() -> None:
    """Runs the whole path."""
    output = pathlib.Path(FLAGS.output).resolve()
    knees = make_knee_records(output)
    learned = {
        "sr_knee": (make_view_records(output / "views"), FLAGS.sr_minutes),
        "seg_knee_phantom": (knees, FLAGS.seg_minutes),
    }
    for name, (records, minutes) in learned.items():
        command(
            *("train.py", f"--records={records}", f"--workdir={output / name}"),
            *(f"--max_minutes={minutes}", *TRAININGS[name]),
        )
    command(
        *("evaluate.py", f"--records={knees}", f"--output={output / 'report'}"),
        *(f"--sr_workdir={output / 'sr_knee'}", "--downsample_factor=3"),
        f"--seg_workdir={output / 'seg_knee_phantom'}",
    )
    if FLAGS.pack:
        for name in TRAININGS:
            pack(output / name, name)


if __name__ == "__main__":
    entry.launch(run)
