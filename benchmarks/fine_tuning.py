r"""How fast pretrained:seg_knee learns ten knees of a contrast that it never saw.

    python benchmarks/fine_tuning.py --output=DIR [--steps=800]

Phantoms as a negative shows them, what is bright being dark: no sequence gives that.
Ten to learn from, two to validate, three to measure. Training from nothing
(`--preset=seg_knee`) has --steps, fine-tuning (`--preset=seg_knee_finetune`) a quarter
of them. Beside them stand seg_knee as it is, and a quarter of the steps from nothing.
Prints a table: Dice coefficient (%) of each class, mean over the three. A run in the
folder goes on where it was stopped.
"""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Iterator
from typing import Any

from absl import flags
from programs import command

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
path_flags.define("output", None, "Folder for scans, shards and runs.")
flags.DEFINE_integer("steps", 800, "Steps of the training from nothing.")
flags.mark_flag_as_required("output")

SEED = 20261201
SPLITS = {"train": 10, "validation": 2, "test": 3}
_SHAPE, _SPACING_MM = (260, 260, 80), (0.5, 0.5, 1.4)
_STEPS_PER_EPOCH = 100


def phantoms() -> Iterator[tuple[str, str, Any, Any]]:
    """Name, split, image and label map of each."""
    import numpy as np

    from deepresolve.simulation import phantom

    splits = [split for split, count in SPLITS.items() for _ in range(count)]
    for number, split in enumerate(splits):
        drawn = phantom.knee(
            seed=SEED + number,
            side=("right", "left")[number % 2],
            shape=_SHAPE,
            spacing_mm=_SPACING_MM,
        )
        array = drawn.image.array
        image = drawn.image.with_array(np.max(array) - array)
        yield f"phantom-{number:02d}", split, image, drawn.label


def write_scans(folder: pathlib.Path) -> None:
    """Writes scans/, labels/ and persons.csv."""
    from deepresolve.imaging import formats

    persons = folder / "persons.csv"
    if persons.exists():
        return
    rows = []
    for name, split, image, label in phantoms():
        for kind, volume in (("scans", image), ("labels", label)):
            path = folder / kind / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            formats.write(path, volume)
        rows.append((name, name, split))
    with persons.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("subject", "person", "split"), *rows])


def convert(folder: pathlib.Path) -> pathlib.Path:
    """The shards."""
    from deepresolve.imaging.labels import format_label_names
    from deepresolve.simulation.phantom import LABEL_NAMES

    records = folder / "records"
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--output={records}"),
        *(f"--source={folder / 'scans'}", f"--labels={folder / 'labels'}"),
        f"--label_names={format_label_names(LABEL_NAMES)}",
        f"--persons={folder / 'persons.csv'}",
    )
    return records


def train(preset: str, steps: int, records: pathlib.Path, folder: pathlib.Path) -> str:
    """Trains for a number of steps; the workdir."""
    workdir = folder / f"{preset}_{steps}"
    per_epoch = min(steps, _STEPS_PER_EPOCH)
    command(
        *("train.py", f"--preset={preset}", f"--records={records}"),
        *(f"--workdir={workdir}", "--max_minutes=0"),
        *(f"--steps_per_epoch={per_epoch}", f"--num_epochs={steps // per_epoch}"),
    )
    return str(workdir)


def measure(workdir: str, records: pathlib.Path) -> list[float]:
    """Mean Dice coefficients over the phantoms to measure."""
    import label_scores
    import numpy as np

    from deepresolve.imaging import formats
    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open(workdir)
    predictor = trained.predictor(min_piece=0.1)
    scores = []
    with (records.parent / "persons.csv").open(encoding="utf-8") as file:
        names = [
            row["subject"] for row in csv.DictReader(file) if row["split"] == "test"
        ]
    for name in names:
        image = formats.read_image(records.parent / "scans" / f"{name}.nii.gz")
        path = records.parent / "labels" / f"{name}.nii.gz"
        label = formats.read_label_map(path, image=image)
        found = predictor.predict(image).label_map
        scores.append(label_scores.dsc(trained.config, found, label))
    return np.mean(scores, axis=0).tolist()


def run() -> None:
    """Draws, trains and measures."""
    import label_scores

    from deepresolve import presets

    folder = pathlib.Path(FLAGS.output).resolve()
    write_scans(folder)
    records = convert(folder)
    quarter = FLAGS.steps // 4
    runs = {
        f"from nothing, {FLAGS.steps} steps": ("seg_knee", FLAGS.steps),
        f"from nothing, {quarter} steps": ("seg_knee", quarter),
        f"fine-tuned, {quarter} steps": ("seg_knee_finetune", quarter),
    }
    label_scores.head(["training"], presets.get("seg_knee").class_names)
    label_scores.row(["seg_knee as it is"], measure("pretrained:seg_knee", records))
    for title, (preset, steps) in runs.items():
        workdir = train(preset, steps, records, folder)
        label_scores.row([title], measure(workdir, records))


if __name__ == "__main__":
    entry.launch(run)
