"""Synthetic knees whose cartilage is as thick as it was drawn, and their measures.

By image set, place ("MT", "ccMF", ...) and quantity, as `quantification.knee` names
them: plain numbers, which JSON holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import memory
import numpy as np
from scipy.spatial import KDTree

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.thickness import Plate
from deepresolve.simulation import phantom
from deepresolve.tasks.super_resolution.restoration import Restore, restored_images

SPACING_MM = (0.36, 0.36, 0.7)
THICKNESS = "ThCtAB_aMe"
# The labels of each plate.
PLATES = {
    "F": ("femoral cartilage",),
    "MT": ("medial tibial cartilage",),
    "LT": ("lateral tibial cartilage",),
    "P": ("patellar cartilage",),
}

Numbers = dict[str, dict[str, float]]


def draw(number: int, first_seed: int, shape: tuple[int, ...]) -> phantom.Phantom:
    """A knee in voxels of 0.36 x 0.36 x 0.7 mm; right and left in turn."""
    return phantom.knee(
        seed=first_seed + number,
        side=phantom.SIDES[number % 2],
        shape=shape,
        spacing_mm=SPACING_MM,
    )


def numbers(found: KneeMeasures) -> Numbers:
    """All that was measured, without what is NaN."""
    return {
        place: {name: value for name, value in of.items() if not math.isnan(value)}
        for place, of in found.quantities.items()
    }


def drawn(knee: phantom.Phantom, found: KneeMeasures) -> dict[str, float]:
    """The thickness that was drawn, in mm by place, as ThCtAB_aMe is defined.

    The mean of that at the vertices of the bone and of that at the vertices of the
    cartilage's surface, each weighted by its area; what is told at a vertex is the
    designed thickness of the nearest voxel of the cartilage.

    Args:
      knee: what was drawn.
      found: in its label map.
    """
    at = {name: _drawn_at(knee, name, plate) for name, plate in found.plates.items()}
    places = {
        name: (name, np.ones(len(p.covered), bool)) for name, p in found.plates.items()
    }
    result = {
        place: _both_ways(found.plates[of], mask, *at[of])
        for place, (of, mask) in (places | dict(found.regions)).items()
    }
    parts = {f"{side}FTC": (f"{side}T", f"c{side}F") for side in "ML"}
    parts |= {f"c{side}FTC": (f"c{side}T", f"cc{side}F") for side in "ML"}
    return result | {name: result[a] + result[b] for name, (a, b) in parts.items()}


def _drawn_at(
    knee: phantom.Phantom, name: str, plate: Plate
) -> tuple[np.ndarray, np.ndarray]:
    """Designed thickness at the vertices of a plate's bone and of its surface."""
    label, thick = (v.in_plane("sagittal") for v in (knee.label, knee.thickness_mm))
    values = [v for v, title in phantom.LABEL_NAMES.items() if title in PLATES[name]]
    voxels = np.argwhere(np.isin(label.array, values))
    designed = thick.array[tuple(voxels.T)]
    tree = KDTree(voxels * label.spacing_mm)
    of_bone, of_surface = (
        designed[tree.query(surface.vertices)[1]]
        for surface in (plate.bone, plate.articular)
    )
    return of_bone, of_surface


def _both_ways(
    plate: Plate, region: np.ndarray, of_bone: np.ndarray, of_surface: np.ndarray
) -> float:
    covered, above = plate.covered & region, region[plate.below]
    areas = plate.bone.areas_mm2
    ways = (
        np.average(of_bone[covered], weights=areas[covered]),
        np.average(of_surface[above], weights=plate.articular.areas_mm2[above]),
    )
    return float(np.mean(ways) * areas[covered].sum() / areas[region].sum())


def on_true_labels(knee: phantom.Phantom) -> dict[str, Any]:
    """What is measured on the labels that a knee was drawn with, and what was drawn."""
    found = measure(knee.label, phantom.LABEL_NAMES)
    return {"drawn": drawn(knee, found), "labels": numbers(found)}


def through_thick_slices(
    knee: phantom.Phantom,
    factor: int,
    restore: Restore,
    segment: Callable[[Volume], Volume],
    label_names: Mapping[int, str],
) -> dict[str, Numbers]:
    """What is measured on label maps of a knee's images, by image set.

    Args:
      knee: what was drawn, in factor * n + 1 slices.
      factor: thin slices for each thick one.
      restore: a super-resolution, as `restored_images` takes it.
      segment: from a scan to its label map.
      label_names: what the values of the label map are.
    """
    images, _ = restored_images(knee.image, restore, downsample_factor=factor)
    images = {
        "ground_truth": knee.image,
        **images,
        "thick": thicken(knee.image, factor),
    }
    return {
        name: numbers(measure(segment(image), label_names))
        for name, image in images.items()
    }


def cost(path: str) -> dict[str, Any]:
    """Seconds of a knee, by the clock and of a processor, and peak memory in GiB.

    Args:
      path: of a label map whose values are `phantom.LABEL_NAMES`.
    """
    label_map = formats.read_label_map(path, image=formats.read_image(path))
    before_gib = memory.peak_gib()
    start, start_cpu = time.perf_counter(), time.process_time()
    found = measure(label_map, phantom.LABEL_NAMES)
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - start_cpu,
        "peak_gib": memory.peak_gib(),
        "before_gib": before_gib,
        "summary": found.summary,
        "num_places": len(found.quantities),
    }
