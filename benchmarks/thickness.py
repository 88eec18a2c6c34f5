r"""How many hundredths of a millimetre of cartilage super-resolution saves.

    python benchmarks/thickness.py --output=DIR [--parts=labels,images,cost]

Synthetic knees in voxels of 0.36 x 0.36 x 0.7 mm, whose cartilage is as thick as it was
drawn, and one label map of a real knee. Prints tables and writes thickness.json; a knee
that is in it already is not computed again.

    labels    what is measured on the labels of a knee against what was drawn
    images    what is measured on label maps that seg_knee makes of its thin slices, of
              slices three times as thick, and of what sr_knee and interpolations make
              of those, each against what is measured on its labels; and against that of
              the thin slices, for the network's own errors are larger than theirs
    cost      seconds and memory of a whole knee of OAI size, 384 x 384 x 160
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pathlib
from typing import Any

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

PARTS = ("labels", "images", "cost")
path_flags.define("output", None, "Folder for thickness.json.")
flags.DEFINE_list("parts", list(PARTS), "Some of labels, images and cost.")
flags.DEFINE_integer("num_knees", 8, "Synthetic knees.", 1)
flags.DEFINE_integer("first_seed", 7000, "Of the first of them.")
# The joint, cut where neither cartilage nor menisci are; slices are a multiple of three
# and one.
flags.DEFINE_list("shape", ["256", "256", "121"], "Their voxels: back, down, across.")
flags.DEFINE_string(
    "data", os.environ.get("DEEPRESOLVE_DATA"), "Folder of the real label map."
)
flags.mark_flag_as_required("output")

_FACTOR = 3


def load_networks() -> tuple[Any, Any, dict[int, str]]:
    """Restores, segments, and what the values of a label map are."""
    from deepresolve.tasks.trained_run import TrainedRun

    resolving = TrainedRun.open("pretrained:sr_knee")
    restorer = resolving.predictor(downsample_factor=_FACTOR)
    segmentation = TrainedRun.open("pretrained:seg_knee")
    segmenter = segmentation.predictor(min_piece=0.1)
    names = dict(enumerate(segmentation.config.outputs, start=1))
    return restorer.restore, lambda scan: segmenter.predict(scan).label_map, names


def measure_knee(number: int, known: dict[str, Any], networks: Any) -> dict[str, Any]:
    """One synthetic knee: what is known of it, and what is still to be measured.

    Args:
      number: of the knee.
      known: what an earlier run found.
      networks: as `load_networks` gives them; None without the images.
    """
    import thickness_knees

    missing = {"labels": "labels" not in known}
    missing["images"] = networks is not None and "images" not in known
    if not any(missing.values()):
        return known
    shape = tuple(int(n) for n in FLAGS.shape)
    knee = thickness_knees.draw(number, FLAGS.first_seed, shape)
    found = dict(known)
    if missing["labels"]:
        found |= thickness_knees.on_true_labels(knee)
    if missing["images"]:
        found["images"] = thickness_knees.through_thick_slices(knee, _FACTOR, *networks)
    return found


def measure_cost() -> dict[str, Any]:
    """A real knee of OAI size, in a process of its own: it has its own peak."""
    import thickness_knees

    path = pathlib.Path(FLAGS.data) / "knee_dess_labels.nii.gz"
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(thickness_knees.cost, (str(path),))


def run() -> None:
    """Measures what is not known yet, prints and writes."""
    import thickness_tables

    if strange := set(FLAGS.parts) - set(PARTS):
        raise ValueError(f"--parts: {', '.join(strange)}; expected {', '.join(PARTS)}.")
    if "cost" in FLAGS.parts and not FLAGS.data:
        raise ValueError("--parts=cost needs --data, the folder of the real label map.")
    path = pathlib.Path(FLAGS.output) / "thickness.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.loads(path.read_text("utf-8")) if path.exists() else {"knees": {}}
    knees = content["knees"]
    networks = load_networks() if "images" in FLAGS.parts else None
    asked = []
    for number in range(FLAGS.num_knees) if set(FLAGS.parts) != {"cost"} else ():
        key = f"{FLAGS.first_seed + number}, {' x '.join(FLAGS.shape)}"
        knees[key] = measure_knee(number, knees.get(key, {}), networks)
        asked.append(knees[key])
        _write(path, content)
    if "labels" in FLAGS.parts:
        thickness_tables.of_labels(asked)
    if "images" in FLAGS.parts:
        thickness_tables.of_images(asked)
    if "cost" in FLAGS.parts:
        content["cost"] = measure_cost()
        _write(path, content)
        thickness_tables.of_cost(content["cost"])


def _write(path: pathlib.Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry.launch(run)
