"""Scans that the package's super-resolution learns from: those that may be shipped.

Phantoms of random contrast, a real head (PDDL) and both echoes of a real knee (MIT). A
network of views learns from their slices alone, so few slices of many scans are best.
"""

from __future__ import annotations

import csv
import pathlib

import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.simulation.phantom import knee

SEED = 20180613
NUM_PHANTOMS = 24
_VALIDATION_PHANTOMS = 2
_FIELD_OF_VIEW_MM = (150.0, 150.0, 96.0)
_IN_PLANE_MM, _SLICE_MM = (0.3, 0.6), 4.0
_NOISE_SD = (0.005, 0.03)
_KNOTS = 6
# Of the head: what benchmarks/real_scan.py trains on, in blocks of so many slices.
_HEAD_SLICES, _HEAD_BLOCK = 150, 25


def write_scans(folder: pathlib.Path, data: pathlib.Path) -> None:
    """Writes scans/ and persons.csv, leaving what is there already.

    Args:
      folder: where to.
      data: folder of the real scans.
    """
    scans = folder / "scans"
    scans.mkdir(parents=True, exist_ok=True)
    splits = {}
    for number in range(NUM_PHANTOMS):
        name = f"phantom-{number:02d}"
        splits[name] = "validation" if number < _VALIDATION_PHANTOMS else "train"
        if not (path := scans / f"{name}.nii.gz").exists():
            formats.write(path, _phantom(number))
    for name, volume in _real(data):
        splits[name] = "train"
        if not (path := scans / f"{name}.nii.gz").exists():
            formats.write(path, volume)
    with (folder / "persons.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("subject", "person", "split"))
        table.writerows((name, name, split) for name, split in splits.items())


def _real(data: pathlib.Path):
    """Names and volumes of the real scans."""
    head = formats.read_image(data / "brain_t1.nii.gz", slice_axis=2)
    for start in range(0, _HEAD_SLICES, _HEAD_BLOCK):
        region = (slice(None), slice(None), slice(start, start + _HEAD_BLOCK))
        yield f"head-{start:03d}", head.crop(region)
    for echo in (1, 2):
        choice = Choice(None, echo, None)
        yield (
            f"knee-echo-{echo}",
            formats.read_image(data / "knee_mese_dicom", choice=choice),
        )


def _phantom(number: int) -> Volume:
    """A knee whose tissues are as bright as chance has it, with Rician noise."""
    random = np.random.default_rng((SEED, number))
    in_plane = random.uniform(*_IN_PLANE_MM)
    spacing_mm = (in_plane, in_plane, _SLICE_MM)
    shape = [round(f / s) for f, s in zip(_FIELD_OF_VIEW_MM, spacing_mm, strict=True)]
    drawn = knee(
        seed=SEED + number,
        side=("right", "left")[number % 2],
        shape=shape,
        spacing_mm=spacing_mm,
        noise_sd=0.002,
        shading=random.uniform(0.3, 1.0),
    ).image
    scaled = np.clip(estimate_scale(drawn.array).apply(drawn.array), 0, 1)
    # Air stays dark; half of the contrasts are the phantom's own.
    knots = np.linspace(0, 1, _KNOTS)
    levels = np.concatenate([[0.0], random.uniform(0.05, 1, _KNOTS - 1)])
    if number % 2:
        scaled = np.interp(scaled, knots, levels)
    sd = random.uniform(*_NOISE_SD)
    real, imaginary = random.normal(0, sd, (2, *scaled.shape))
    noisy = np.hypot(scaled + real, imaginary)
    return drawn.with_array(np.rint(2000 * noisy).astype(np.int16))
