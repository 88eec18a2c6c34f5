r"""Trains the networks that come with the package, on data that may be shipped.

    python benchmarks/pretrain.py --data=DIR --output=DIR [--only=NAME] [--pack]

Super-resolution by views learns from the scans of pretrain_scans.py, synthetic and
real; segmentation from images painted from the label maps of pretrain_labels.py.
Converts both and trains a network of each by train.py. With --pack it then puts the
weights into deepresolve/runs/pretrained. The same command, run again after an
interrupt, continues. What they can do self_sr.py and painted_knees.py measure; the
figures stand in docs/models.md.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pretrain_labels
import pretrain_scans
from absl import flags
from programs import ROOT, command

from deepresolve.imaging.labels import format_label_names
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

# Name in deepresolve.runs.pretrained: the flags of train.py.
TRAININGS = {
    "sr_knee": [
        "--preset=sr_views",
        "--thickness_range=0.7,1.5",
        "--spacing_range_mm=2,7",
    ],
    "seg_knee": ["--preset=seg_knee"],
}
# What each learned from, for its provenance.
LEARNED_FROM = {
    "sr_knee": "scans of benchmarks/pretrain_scans.py",
    "seg_knee": "images painted from label maps of benchmarks/pretrain_labels.py",
}
# Kept in half precision, for their size.
HALF = ("seg_knee",)

flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans; by default the environment's DEEPRESOLVE_DATA.",
)
path_flags.define("output", None, "Folder for scans, shards and workdirs.")
flags.DEFINE_enum("only", None, sorted(TRAININGS), "Train this one alone.")
flags.DEFINE_float("sr_minutes", 27.0, "Minutes of training for super-resolution.")
flags.DEFINE_float("seg_minutes", 180.0, "Minutes of training for segmentation.")
flags.DEFINE_integer("images", 165, "Painted images, a sixth of them to validate.")
flags.DEFINE_bool("pack", False, "Replace the weights in deepresolve/runs/pretrained.")
flags.mark_flags_as_required(["data", "output"])


def make_view_records(folder: pathlib.Path) -> pathlib.Path:
    """Writes what views are learned from and converts it; the folder of the shards."""
    pretrain_scans.write_scans(folder, pathlib.Path(FLAGS.data))
    records = folder / "records"
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--output={records}"),
        *(f"--source={folder / 'scans'}", f"--persons={folder / 'persons.csv'}"),
    )
    return records


def make_painted_records(folder: pathlib.Path) -> pathlib.Path:
    """Writes label maps and paints images of them; the folder of the shards."""
    from deepresolve import presets

    maps, records = folder / "maps", folder / "records"
    pretrain_labels.write(maps, pathlib.Path(FLAGS.data))
    grid_mm = ",".join(map(str, presets.get("seg_knee").grid_mm))
    command(
        *("-m", "records", "convert", "--dataset=painted", f"--output={records}"),
        *(f"--labels={maps}", f"--num_images={FLAGS.images}", f"--grid_mm={grid_mm}"),
        f"--label_names={format_label_names(pretrain_labels.NAMES)}",
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
    config = trained.load_config()
    starts = [start | {"records": LEARNED_FROM[name]} for start in _starts(str(run))]
    contents = {
        "best.npz": to_npz(trained.load_model("best"), half=name in HALF),
        # What it began with is told by `starts`; the folder is one of this machine.
        "config.json": config.replace(init="", trained_layers=()).to_json().encode(),
        "training_set.json": (run / "training_set.json").read_bytes(),
        "provenance.json": (json.dumps(starts, indent=2) + "\n").encode(),
    }
    target = ROOT / "deepresolve" / "runs" / "pretrained" / name
    target.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        with files.replacing(target / file) as temporary:
            temporary.write_bytes(content)


def _starts(run: str) -> list[dict[str, Any]]:
    """Each start of a run, after those of the run that it began with."""
    from deepresolve.runs.workdir import Workdir

    trained = Workdir(run)
    first = trained.load_config().init
    return [*(_starts(first) if first else ()), *trained.load_provenance()]


def run() -> None:
    """Runs the whole path."""
    output = pathlib.Path(FLAGS.output).resolve()
    learned = {
        "sr_knee": (make_view_records, "views", FLAGS.sr_minutes),
        "seg_knee": (make_painted_records, "painted", FLAGS.seg_minutes),
    }
    for name, (make_records, folder, minutes) in learned.items():
        if FLAGS.only not in (None, name):
            continue
        command(
            *("train.py", f"--records={make_records(output / folder)}"),
            *(f"--workdir={output / name}", f"--max_minutes={minutes}"),
            *TRAININGS[name],
        )
        if FLAGS.pack:
            pack(output / name, name)


if __name__ == "__main__":
    entry.launch(run)
