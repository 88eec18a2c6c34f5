"""Parts of plates that the OAI's readings tell apart (Wirth, IEEE TMI 2008;27:737).

Tibia: a central ellipse with a fifth of the plate's area, and around it what lies to
the front, to the back, outwards (external) and inwards (internal). Femur: trochlea,
and of each condyle the weight-bearing centre and the back; the centre in thirds across.
Where the trochlea ends and how large the centre is follows CartiMorph (Yao, MedIA 2024)
where Wirth is silent: the notch is the most anterior of the hindmost places of the
middle of the plate.

Vertices are in mm down, back, and towards medial, along the knee's axes (`axes`).
"""

from __future__ import annotations

import numpy as np

from deepresolve.quantification.surfaces import Surface

DOWN, BACK, MEDIAL = range(3)
# Of a tibial plate's area, its centre.
CENTRAL_SHARE = 0.2
# Of the way from the notch to the back of a condyle; OAI's text has 0.60 and 0.75.
WEIGHT_BEARING = 0.6
# Rows from front to back that thirds are told in, and columns that the notch is sought
# in, of the middle half of the plate.
_ROW_MM, _COLUMN_MM, _MIDDLE = 1.0, 1.0, (0.25, 0.75)


def of_tibia(bone: Surface, side: str) -> dict[str, np.ndarray]:
    """Five regions of a plate: (n,) bool by name, each vertex in one.

    Args:
      bone: surface of a tibial plate.
      side: "medial" or "lateral".
    """
    letter = side[0].upper()
    outwards = 1 if side == "medial" else -1
    flat = bone.vertices[:, [BACK, MEDIAL]] * (1, outwards)
    away = flat - np.average(flat, axis=0, weights=bone.areas_mm2)
    spread = np.cov(away.T, aweights=bone.areas_mm2)
    # Turned and stretched so that the plate is a disc, with its axes where they were.
    values, axes = np.linalg.eigh(spread)
    away = away @ axes @ np.diag(values**-0.5) @ axes.T
    order = np.argsort(np.linalg.norm(away, axis=1))
    within = np.cumsum(bone.areas_mm2[order]) <= CENTRAL_SHARE * bone.areas_mm2.sum()
    central = np.zeros(len(order), bool)
    central[order[within]] = True
    back, out = away.T
    along = np.abs(back) >= np.abs(out)
    masks = {
        "c": central,
        "a": ~central & along & (back < 0),
        "p": ~central & along & (back >= 0),
        "e": ~central & ~along & (out >= 0),
        "i": ~central & ~along & (out < 0),
    }
    return {f"{name}{letter}T": mask for name, mask in masks.items()}


def of_femur(
    bone: Surface, weight_bearing: float = WEIGHT_BEARING
) -> dict[str, np.ndarray]:
    """Trochlea, centres and backs of both condyles, and thirds of the centres.

    Args:
      bone: surface of the bone below the femur's cartilage.
      weight_bearing: share of the way from the notch to the back of a condyle that its
        centre has.

    Returns:
      (n,) bool by name. TrF, cMF, pMF, cLF and pLF have each vertex once; ccMF, ecMF
      and icMF are the thirds of cMF, and so on the lateral side.
    """
    back, medial = bone.vertices[:, BACK], bone.vertices[:, MEDIAL]
    notch_back, notch = _notch(bone)
    result = {"TrF": back < notch_back}
    for letter, of_side, outwards in (
        ("M", medial >= notch, medial),
        ("L", medial < notch, -medial),
    ):
        condyle = of_side & ~result["TrF"]
        end = back[condyle].max(initial=notch_back)
        # What looks up lies behind, however far the condyle curves forward there.
        in_front = back < notch_back + weight_bearing * (end - notch_back)
        central = condyle & in_front & (bone.normals[:, DOWN] > 0)
        result |= {f"c{letter}F": central, f"p{letter}F": condyle & ~central}
        shares = _across(outwards, back, bone.areas_mm2, central)
        for name, low, high in (("i", 0, 1 / 3), ("c", 1 / 3, 2 / 3), ("e", 2 / 3, 1)):
            is_last = high == 1
            third = central & (shares >= low) & ((shares < high) | is_last)
            result[f"{name}c{letter}F"] = third
    return result


def _notch(bone: Surface) -> tuple[float, float]:
    """How far back the trochlea goes between the condyles, and where across."""
    back, medial = bone.vertices[:, BACK], bone.vertices[:, MEDIAL]
    low, high = medial.min() + np.multiply(_MIDDLE, np.ptp(medial))
    edges = np.arange(low, high + _COLUMN_MM, _COLUMN_MM)
    hindmost = [
        back[(medial >= start) & (medial < start + _COLUMN_MM)].max(initial=-np.inf)
        for start in edges
    ]
    filled = np.where(np.isfinite(hindmost), hindmost, np.inf)
    found = int(np.argmin(filled))
    return float(filled[found]), float(edges[found] + _COLUMN_MM / 2)


def _across(
    outwards: np.ndarray, back: np.ndarray, areas: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Share of its row's area that lies further inwards than a vertex: (n,), 0 to 1."""
    result = np.zeros(len(mask))
    rows = np.floor(back / _ROW_MM).astype(int)
    for row in np.unique(rows[mask]):
        (here,) = np.nonzero(mask & (rows == row))
        here = here[np.argsort(outwards[here])]
        total = np.cumsum(areas[here])
        result[here] = (total - areas[here] / 2) / total[-1]
    return result
