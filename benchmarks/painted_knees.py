r"""How well a segmentation finds the tissues of knees that it never saw.

    python benchmarks/painted_knees.py --data=DIR [--workdir=pretrained:seg_knee]

Images are painted from label maps that the package's networks did not learn from: one
real knee's cartilages (oai_labels_b, completed as in pretrain_labels.py, so that its
bones, menisci and patella are another knee's, bent) and phantoms of other seeds; in
each contrast, with pixels and slices as they were acquired. Writes a table: DSC of each
class, mean over the images of a map.
"""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Iterable

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", os.environ.get("DEEPRESOLVE_DATA"), "Folder of the real label maps."
)
path_flags.define("workdir", "pretrained:seg_knee", "Run, or pretrained:NAME.")
path_flags.define("maps", None, "Keeps the label maps there, which take a minute.")
flags.DEFINE_integer("images", 4, "Images of each label map.")
flags.mark_flags_as_required(["data", "maps"])

SEED = 20261130
_NUM_PHANTOMS = 2


def maps(folder: pathlib.Path, data: pathlib.Path):
    """Names and label maps."""
    import pretrain_labels

    from deepresolve.imaging import formats

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "oai_labels_b.nii.gz"
    if not path.exists():
        known = pretrain_labels.read(data / "oai_labels_b.nii.gz")
        whole = pretrain_labels.read(data / "knee_dess_labels.nii.gz")
        formats.write(path, pretrain_labels.completed(known, whole))
    yield "oai_labels_b", pretrain_labels.read(path)
    for number in range(_NUM_PHANTOMS):
        yield f"phantom {number}", pretrain_labels.phantom_labels(1000 + number)


def run() -> None:
    """Paints, segments and measures."""
    import numpy as np
    import pretrain_labels

    from deepresolve.imaging.labels import lookup_table
    from deepresolve.metrics import overlap
    from deepresolve.simulation.painting import paint
    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open(FLAGS.workdir)
    names = trained.config.class_names
    table = lookup_table(trained.config.classes, pretrain_labels.NAMES)
    predictor = trained.predictor(min_piece=0.1)
    print("| map | image | s | " + " | ".join(names) + " |")
    print("|---" * (3 + len(names)) + "|")
    of_all, mirrored = [], []
    for name, labels in maps(pathlib.Path(FLAGS.maps), pathlib.Path(FLAGS.data)):
        for number in range(FLAGS.images):
            painted = paint(labels, pretrain_labels.NAMES, seed=SEED + number)
            start = time.monotonic()
            found = predictor.predict(painted.image).volumes["label_map"].array
            seconds = time.monotonic() - start
            true = table[painted.label.array]
            of_all.append(
                [
                    100 * overlap.dsc(true == value, found == value)
                    for value in range(1, len(names) + 1)
                ]
            )
            mirrored.append(painted.mirrored)
            size = " x ".join(f"{mm:.2f}" for mm in painted.image.spacing_mm)
            _row(name, f"{size} {painted.image.plane}", f"{seconds:.0f}", of_all[-1])
    scores, of_mirrored = np.array(of_all), np.array(mirrored)
    _row("mean", "", "", scores.mean(axis=0))
    for title, which in (("as drawn", ~of_mirrored), ("mirrored", of_mirrored)):
        if which.any():
            _row("mean", title, "", scores[which].mean(axis=0))


def _row(name: str, image: str, seconds: str, scores: Iterable[float]) -> None:
    cells = " | ".join(f"{score:.1f}" for score in scores)
    print(f"| {name} | {image} | {seconds} | {cells} |", flush=True)


if __name__ == "__main__":
    entry.launch(run)
