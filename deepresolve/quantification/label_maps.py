"""What a label map must be to be measured, and what to know of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import parts_of
from deepresolve.system import wording

# Slices that are further apart than this are about as thick as cartilage.
_COARSE_MM = 1.5
# Of a label map's values, in a message.
_SHOWN = 12
# Cosine between axes of the array that are taken to be at right angles.
_MOST_SHEARED = 0.02


def check(label_map: Volume) -> None:
    """ValueError of axes that are not at right angles, or of no whole numbers."""
    axes = label_map.affine[:3, :3] / label_map.spacing_mm
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if cosines.max() > _MOST_SHEARED:
        raise ValueError(
            "The axes of the label map are not at right angles (slices step sideways, "
            f"cosine {cosines.max():.2g}): millimetres along them are no distances. "
            "Resample it to a grid whose axes are, with labels by nearest neighbour."
        )
    if not np.isfinite(label_map.array).all() or np.any(label_map.array % 1):
        raise ValueError(
            "A label map holds whole numbers; this one has others. Is it the image, or "
            "was it interpolated?"
        )


def held(label_map: Volume, label_names: Mapping[int, str]) -> str:
    """The values of a label map, by name where they have one; the first few."""
    values = np.unique(label_map.array).astype(int).tolist()
    shown = [str(label_names.get(value, value)) for value in values[:_SHOWN]]
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(shown) + more


def unused(label_map: Volume, label_names: Mapping[int, str]) -> list[str]:
    """What the label map holds that nothing is made of."""
    held = [v for v in np.unique(label_map.array).astype(int).tolist() if v]
    known = parts_of(label_names)
    unknown = [
        repr(label_names[v]) for v in held if v in label_names and v not in known
    ]
    nameless = [str(v) for v in held if v not in label_names]
    notes = []
    if unknown:
        notes.append(
            f"Not used, for the name is no cartilage, bone or meniscus: "
            f"{wording.listed(unknown)}."
        )
    if nameless:
        notes.append(f"Not used, for they have no name: {wording.listed(nameless)}.")
    return notes


def coarse(label_map: Volume) -> tuple[str, ...]:
    """A note of slices that are as thick as cartilage."""
    coarsest = max(label_map.spacing_mm)
    if coarsest <= _COARSE_MM:
        return ()
    return (
        f"Voxels of {coarsest:.3g} mm are as large as cartilage is thick: surfaces, "
        "areas and how far menisci stand out along that axis are known no better, and "
        "some of what is covered counts as denuded. Super-resolve the scan before it "
        "is segmented.",
    )
