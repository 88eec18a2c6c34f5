r"""How well a segmentation finds the tissues of knees that it never saw.

    python benchmarks/painted_knees.py --data=DIR [--workdir=pretrained:seg_knee]

Images are painted from the label maps of unseen_knees.py, in contrasts, pixels and
slices of all kinds. Prints a table: Dice coefficient (%) of each class in each image,
and the mean over all and over their mirror images, which show the other knee. Of a run
of one's own it then says how far it agrees with seg_knee on real scans, which have no
reference.
"""

from __future__ import annotations

import os
import pathlib
import time

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", os.environ.get("DEEPRESOLVE_DATA"), "Folder of the real label maps."
)
path_flags.define("workdir", "pretrained:seg_knee", "Run, or pretrained:NAME.")
path_flags.define("maps", None, "Keeps the label maps there, which take a minute.")
flags.DEFINE_integer("images", 4, "Images of each label map.")
flags.DEFINE_string(
    "priors", "", "What varies otherwise than usual, as records convert takes it."
)
flags.mark_flags_as_required(["data", "maps"])


def run() -> None:
    """Paints, segments and measures."""
    import label_scores
    import numpy as np
    import pretrain_labels
    import unseen_knees

    from deepresolve.imaging.mirroring import left_right_axis
    from deepresolve.simulation.painting import paint, priors
    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open(FLAGS.workdir)
    predictor = trained.predictor(min_piece=0.1)
    data = pathlib.Path(FLAGS.data)
    varied = priors.Priors(**(priors.parse(FLAGS.priors) if FLAGS.priors else {}))
    label_scores.head(["map", "image", "s"], trained.config.class_names)
    as_drawn, of_mirror = [], []
    for name, labels in unseen_knees.maps(pathlib.Path(FLAGS.maps), data):
        for number in range(FLAGS.images):
            seed = unseen_knees.SEED + number
            drawn = paint(labels, pretrain_labels.NAMES, seed=seed, priors=varied)
            image, label = drawn.image, drawn.label
            start = time.monotonic()
            found = predictor.predict(image).label_map
            seconds = time.monotonic() - start
            as_drawn.append(label_scores.dsc(trained.config, found, label))
            size = " x ".join(f"{mm:.2f}" for mm in image.spacing_mm)
            titles = [name, f"{size} {image.plane}", f"{seconds:.0f}"]
            label_scores.row(titles, as_drawn[-1])
            axis = left_right_axis(image)
            other, true = (
                volume.with_array(np.flip(volume.array, axis))
                for volume in (image, label)
            )
            found = predictor.predict(other).label_map
            of_mirror.append(label_scores.dsc(trained.config, found, true))
    label_scores.row(["mean", "", ""], np.mean(as_drawn, axis=0))
    label_scores.row(["mean", "as the other knee", ""], np.mean(of_mirror, axis=0))
    if FLAGS.workdir == "pretrained:seg_knee":
        return
    for name, scan, expected in unseen_knees.real(data):
        found = predictor.predict(scan).label_map
        scores = label_scores.dsc(trained.config, found, expected)
        label_scores.row(["as seg_knee", name, ""], scores)


if __name__ == "__main__":
    entry.launch(run)
