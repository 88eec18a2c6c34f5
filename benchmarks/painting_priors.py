r"""What each kind of variety in painted images is good for: trainings without it.

    python benchmarks/painting_priors.py --data=DIR --output=DIR [--steps=600]

Images of the label maps of pretrain_labels.py are painted as usual, and without one
kind of variety at a time. A small 2D U-Net learns from each set for the same number of
steps. Their label maps are measured on images, painted as usual, of knees that were
not learned from (unseen_knees.py), and compared with the label maps of
seg_knee on the real scans, which have no reference but were looked at. Writes
priors.json, and prints a table: mean Dice coefficient (%) of femoral cartilage and of
bones; other cartilages are not found after so few steps. A set that is in priors.json
already is not learned again.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from absl import flags
from programs import command

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans and label maps.",
)
path_flags.define("output", None, "Folder for images, runs and priors.json.")
flags.DEFINE_integer("steps", 600, "Steps of each training.")
flags.DEFINE_integer("images", 45, "Images of each set, a sixth of them to validate.")
flags.mark_flags_as_required(["data", "output"])

WITHOUT = {
    "nothing left out": "",
    "contrasts by chance": "random_contrast=0",
    "surroundings": "num_sheets=0,num_vessels=0,scarred=0,skin_mm=80:80,field_mm=0:0",
    "bending": "rotation_degrees=0:0,scale=1:1,warp_mm=0:0",
    "thickness and lesions": "thickness_mm=0:0,num_defects=0,num_marrow_lesions=0",
    "other voxels and planes": "pixel_mm=0.5:0.5,slice_mm=1.5:1.5,other_plane=0",
    "shading, noise and texture": (
        "shading=0:0,noise=0.01:0.01,texture=0.02:0.02,blur_mm=0:0,ghost=0:0,"
        "chemical_shift_pixels=0:0"
    ),
}
COLUMNS = (("femoral cartilage",), ("femur", "tibia"))
CLASSES = (
    "femoral cartilage,"
    "tibial cartilage=medial tibial cartilage+lateral tibial cartilage,"
    "patellar cartilage,femur,tibia,patella"
)
# Coarse, for the sake of time: of label maps, of what is learned.
_MAP_MM, _GRID_MM = (0.7, 0.7, 1.4), "0.8,2"
_TEST_IMAGES = 4
_STEPS_PER_EPOCH = 100


def _coarse(labels: Any) -> Any:
    from deepresolve.imaging import regridding

    labels = labels.canonical()
    sizes = zip(labels.shape, labels.spacing_mm, _MAP_MM, strict=True)
    shape = [regridding.num_voxels(*size) for size in sizes]
    return labels.resampled(regridding.resample_labels(labels.array, shape))


def make_maps(folder: pathlib.Path, data: pathlib.Path) -> pathlib.Path:
    """Coarse label maps to learn from; their folder."""
    import pretrain_labels

    from deepresolve.imaging import formats

    pretrain_labels.write(folder / "fine", data)
    for fine in sorted((folder / "fine").glob("*/*.nii.gz")):
        path = folder / "coarse" / fine.relative_to(folder / "fine")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            formats.write(path, _coarse(pretrain_labels.read(fine)))
    return folder / "coarse"


def learn(maps: pathlib.Path, priors: str, folder: pathlib.Path) -> pathlib.Path:
    """Paints a set and learns from it; the workdir."""
    import pretrain_labels

    from deepresolve.imaging.labels import format_label_names

    records, workdir = folder / "records", folder / "run"
    command(
        *("-m", "records", "convert", "--dataset=painted", f"--output={records}"),
        *(f"--labels={maps}", f"--num_images={FLAGS.images}", f"--grid_mm={_GRID_MM}"),
        f"--label_names={format_label_names(pretrain_labels.NAMES)}",
        *([f"--priors={priors}"] if priors else []),
    )
    command(
        *("train.py", "--preset=unet_2d_small", f"--records={records}"),
        *(f"--workdir={workdir}", f"--classes={CLASSES}", f"--grid_mm={_GRID_MM}"),
        *("--plane=sagittal", "--patch_shape=128,128,1", "--batch_size=16"),
        *("--max_rotation_degrees=10", "--max_scaling=0.1", "--max_minutes=0"),
        f"--steps_per_epoch={min(FLAGS.steps, _STEPS_PER_EPOCH)}",
        f"--num_epochs={max(1, FLAGS.steps // _STEPS_PER_EPOCH)}",
    )
    return workdir


def measure(workdir: pathlib.Path, tests: list[Any], real: list[Any]) -> dict[str, Any]:
    """Dice coefficients of each class: the mean over painted images, and real scans."""
    import label_scores
    import numpy as np

    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open(str(workdir))
    predictor = trained.predictor(min_piece=0.1)
    by_set = {
        name: [
            label_scores.dsc(trained.config, predictor.predict(image).label_map, truth)
            for image, truth in pairs
        ]
        for name, pairs in (("painted", tests), ("real", real))
    }
    return {
        name: dict(
            zip(trained.config.class_names, np.mean(scores, axis=0), strict=True)
        )
        for name, scores in by_set.items()
    }


def painted_tests(folder: pathlib.Path, data: pathlib.Path) -> list[Any]:
    """Images and label maps of knees that are not learned from."""
    import pretrain_labels
    import unseen_knees

    from deepresolve.simulation.painting import paint

    tests = []
    for _, labels in unseen_knees.maps(folder, data):
        coarse = _coarse(labels)
        for number in range(_TEST_IMAGES):
            seed = unseen_knees.SEED + number
            found = paint(coarse, pretrain_labels.NAMES, seed=seed)
            tests.append((found.image, found.label))
    return tests


def run() -> None:
    """Learns and measures, and prints the table."""
    output, data = pathlib.Path(FLAGS.output).resolve(), pathlib.Path(FLAGS.data)
    output.mkdir(parents=True, exist_ok=True)
    table = output / "priors.json"
    results = json.loads(table.read_text()) if table.exists() else {}
    missing = [name for name in WITHOUT if name not in results]
    if missing:
        import unseen_knees

        maps = make_maps(output / "maps", data)
        tests = painted_tests(output / "maps" / "tests", data)
        real = [(scan, found) for _, scan, found in unseen_knees.real(data)]
    for name in missing:
        folder = output / name.replace(", ", "_").replace(" ", "_")
        workdir = learn(maps, WITHOUT[name], folder)
        results[name] = measure(workdir, tests, real)
        table.write_text(json.dumps(results, indent=2) + "\n")
    show(results)


def show(results: dict[str, Any]) -> None:
    """Prints the table."""
    import numpy as np

    print("| without | painted: femoral | bones | real: femoral | bones |")
    print("|---" * 5 + "|")
    for name, found in results.items():
        cells = [
            np.mean([found[of][tissue] for tissue in tissues])
            for of in ("painted", "real")
            for tissues in COLUMNS
        ]
        print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


if __name__ == "__main__":
    entry.launch(run)
