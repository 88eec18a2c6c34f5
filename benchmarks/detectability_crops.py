"""Places of synthetic knees with and without a defect, each as a scan of its own.

A scan is named SEED_REGION_WIDTH_IS: 8000_mfc_50_1 has a defect 5.0 mm wide on the
medial femoral condyle; 8000_mfc_50_0 is the same place of the same knee without.
"""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.simulation import phantom
from deepresolve.simulation.phantom.lesions import CartilageLesion
from deepresolve.tasks.super_resolution.restoration import Restore, restored_images

FACTOR = 3
GRADE = "defect"
WIDTHS_MM = (2.0, 3.5, 5.0, 8.0)
# Voxels of 0.5 x 0.5 x 0.75 mm: 20 mm along each axis.
SHAPE = (40, 40, 27)
_SPACING_MM = (0.5, 0.5, 0.75)
# Voxels that hold both condyles and plateaus; the factor's multiple of slices and one.
_FIELD = (160, 128, 112)
_REGIONS = {
    "mfc": "medial femoral condyle",
    "lfc": "lateral femoral condyle",
    "mtp": "medial tibial plateau",
    "ltp": "lateral tibial plateau",
}
# From the middle of a region to its end, how far defects may lie.
_MIDDLE = 0.6


def write_knee(folder: pathlib.Path, seed: int, depth: float, restore: Restore) -> None:
    """Writes FOLDER/IMAGE_SET/scans/NAME.nii.gz of one knee, unless they are there.

    Args:
      folder: where.
      seed: of the knee, and of where its defects lie.
      depth: share of the cartilage that a defect takes.
      restore: a super-resolution, as `restored_images` takes it.
    """
    marker = folder / "knees" / str(seed)
    if marker.exists():
        return
    defects = draw(seed, depth)
    torn = _knee(seed, list(defects.values()))
    places = [finding.place_mm for finding in torn.findings]
    for is_there, knee in enumerate((_knee(seed, ()), torn)):
        images, _ = restored_images(knee.image, restore, downsample_factor=FACTOR)
        for name, image in {"ground_truth": knee.image, **images}.items():
            for key, place in zip(defects, places, strict=True):
                path = folder / name / "scans" / f"{key}_{is_there}.nii.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                formats.write(path, around(image, place))
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def draw(seed: int, depth: float) -> dict[str, CartilageLesion]:
    """The defects of a knee, by the names of their scans but for the last part.

    Args:
      seed: of the knee; each width comes to each region in turn.
      depth: share of the cartilage that is gone.
    """
    random = np.random.default_rng(seed)
    widths = np.roll(WIDTHS_MM, seed)
    return {
        f"{seed}_{short}_{10 * width:.0f}": CartilageLesion(
            region=region,
            depth=depth,
            width_mm=float(width),
            along=float(random.uniform(-_MIDDLE, _MIDDLE)),
            across=float(random.uniform(-_MIDDLE, _MIDDLE)),
        )
        for (short, region), width in zip(_REGIONS.items(), widths, strict=True)
    }


def _knee(seed: int, lesions: Sequence[CartilageLesion]) -> phantom.Phantom:
    return phantom.knee(
        seed=seed,
        side=phantom.SIDES[seed % 2],
        shape=_FIELD,
        spacing_mm=_SPACING_MM,
        lesions=lesions,
    )


def around(image: Volume, place_mm: Sequence[float]) -> Volume:
    """`SHAPE` voxels about a place, moved inwards where the image ends sooner."""
    middle = np.linalg.solve(image.affine, (*place_mm, 1.0))[:3]
    starts = np.rint(middle - np.array(SHAPE) / 2).astype(int)
    starts = np.clip(starts, 0, np.array(image.shape) - SHAPE)
    ends = starts + SHAPE
    return image.crop(tuple(map(slice, starts, ends)))


def write_tables(folder: pathlib.Path, splits: Mapping[int, str]) -> None:
    """Writes grades.csv and persons.csv of scans/ in a folder.

    Args:
      folder: where.
      splits: of knees, by seed.

    Raises:
      ValueError: there are scans of other knees.
    """
    grades, persons = [], []
    for path in sorted((folder / "scans").glob("*.nii.gz")):
        name = path.name.removesuffix(".nii.gz")
        seed, *_, is_there = name.split("_")
        if int(seed) not in splits:
            raise ValueError(
                f"{path} is of another knee than --knees and --first_seed ask for. "
                "Give another --output."
            )
        grades.append((name, is_there))
        persons.append((name, seed, splits[int(seed)]))
    _write(folder / "grades.csv", ("subject", GRADE), grades)
    _write(folder / "persons.csv", ("subject", "person", "split"), persons)


def _write(
    path: pathlib.Path, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
