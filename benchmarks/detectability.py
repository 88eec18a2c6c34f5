r"""Whether super-resolution helps to see a lesion: ROC area by its size.

    python benchmarks/detectability.py --output=DIR [--minutes=10]

Synthetic knees in voxels of 0.5 x 0.5 x 0.75 mm, each with a cartilage defect on both
femoral condyles and both tibial plateaus, of four widths, and the same knees without.
Cut out around these places, from thin slices, from what sr_knee makes of slices three
times as thick, and from what tricubic interpolation makes of those. For each of the
three a small network learns, by the commands of `docs/grading.md`, whether there is a
defect; knees that it never saw are the test.

Prints the area under the ROC curve by width, and the test of super-resolution against
interpolation on the same knees: DeLong's, by knee (Obuchowski). A knee that is cut out
already, and a finished training, are not made again.
"""

from __future__ import annotations

import pathlib

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
path_flags.define("output", None, "Folder for scans, shards, runs and reports.")
flags.DEFINE_list(
    "knees", ["100", "20", "60"], "Knees to train on, to validate on and to test."
)
flags.DEFINE_float("minutes", 10.0, "Minutes of training for each kind of image.")
flags.DEFINE_float("depth", 0.6, "Share of the cartilage that defects take.")
flags.DEFINE_integer("first_seed", 8000, "Of the first knee.")
flags.mark_flag_as_required("output")

_IMAGE_SETS = {
    "ground_truth": "thin slices",
    "sr": "super-resolution",
    "tci": "interpolation",
}


def splits() -> dict[int, str]:
    """The split of each knee, by its seed."""
    names = ("train", "validation", "test")
    counts = zip(names, FLAGS.knees, strict=True)
    order = [name for name, count in counts for _ in range(int(count))]
    return dict(enumerate(order, start=FLAGS.first_seed))


def cut_out(folder: pathlib.Path) -> None:
    """Writes scans/, grades.csv and persons.csv of each kind of image."""
    import detectability_crops

    from deepresolve.tasks.trained_run import TrainedRun

    run = TrainedRun.open("pretrained:sr_knee")
    restore = run.predictor(downsample_factor=detectability_crops.FACTOR).restore
    for seed in splits():
        detectability_crops.write_knee(folder, seed, FLAGS.depth, restore)
    for image_set in _IMAGE_SETS:
        detectability_crops.write_tables(folder / image_set, splits())


def learn(folder: pathlib.Path) -> None:
    """From the scans of one kind of image to the report of its test."""
    import detectability_crops
    from programs import command

    records, workdir, report = (folder / name for name in ("records", "run", "report"))
    command(
        *("-m", "records", "convert", "--dataset=folder", f"--output={records}"),
        *(f"--source={folder / 'scans'}", f"--grades={folder / 'grades.csv'}"),
        f"--persons={folder / 'persons.csv'}",
    )
    shape = ",".join(map(str, detectability_crops.SHAPE))
    command(
        *("train.py", "--preset=mrnet", "--model=cnn_3d", "--num_levels=3"),
        *(f"--records={records}", f"--workdir={workdir}", "--only_series="),
        *(f"--grades={detectability_crops.GRADE}", f"--patch_shape={shape}"),
        *("--max_rotation_degrees=10", "--max_offset=0.05", "--batch_size=8"),
        *("--schedule=constant", f"--max_minutes={FLAGS.minutes}"),
        "--learning_rate=0.001",
    )
    command(
        *("evaluate.py", f"--records={records}", f"--workdir={workdir}"),
        f"--output={report}",
    )


def run() -> None:
    """Draws, trains, measures and prints."""
    import detectability_table

    folder = pathlib.Path(FLAGS.output).resolve()
    cut_out(folder)
    for image_set in _IMAGE_SETS:
        learn(folder / image_set)
    reports = {
        title: folder / image_set / "report" / "compared.csv"
        for image_set, title in _IMAGE_SETS.items()
    }
    first, second = _IMAGE_SETS["sr"], _IMAGE_SETS["tci"]
    print(detectability_table.text(reports, first, second))


if __name__ == "__main__":
    entry.launch(run)
