"""Tables of thickness: of what was measured against what is true, over knees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from thickness_knees import THICKNESS

from deepresolve.metrics import statistics
from deepresolve.reports.number_text import number_text, p_text

IMAGE_SETS = {
    "ground_truth": "thin slices",
    "sr": "`sr_knee`",
    "tci": "TCI",
    "fourier": "Fourier",
    "thick": "thick slices",
}
# Rows of the tables of images, in their order: plates, then regions.
PLACES = (
    *("F", "MT", "LT", "P", "TrF", "cMF", "pMF", "cLF", "pLF"),
    *("icMF", "ccMF", "ecMF", "icLF", "ccLF", "ecLF"),
    *("cMT", "aMT", "pMT", "iMT", "eMT", "cLT", "aLT", "pLT", "iLT", "eLT"),
    *("MFTC", "LFTC", "cMFTC", "cLFTC"),
)
Knees = Sequence[Mapping[str, Any]]
Pair = tuple[np.ndarray, np.ndarray]


def of_labels(knees: Knees) -> None:
    """Prints what was drawn and what is measured on the labels."""
    print("| place | knees | drawn (mm) | error (mm) | largest (mm) |")
    print("|---|---|---|---|---|")
    for place in PLACES:
        pairs = [
            (knee["labels"][place][THICKNESS], knee["drawn"][place])
            for knee in knees
            if place in knee["drawn"] and place in knee["labels"]
        ]
        if pairs:
            found, true = np.transpose(pairs)
            mean, sd = statistics.mean_sd(found - true)
            largest = np.max(np.abs(found - true))
            print(
                f"| {place} | {len(pairs)} | {true.mean():.2f} | "
                f"{mean:+.3f} ± {number_text(sd, '.3f')} | {largest:.3f} |"
            )


def of_images(knees: Knees) -> None:
    """Prints errors of each image set, and super-resolution beside interpolation."""
    _grid("error, mm: mean ± SD", knees, _bias_text)
    _grid("95% limits of agreement, mm", knees, _limits_text)
    _grid("RMS-CV, %", knees, lambda *pair: f"{100 * statistics.rms_cv(*pair):.1f}")
    print("\nmean |difference|, mm\n")
    columns = [
        f"{title} from {what}"
        for what in ("true labels", "those of thin slices")
        for title in ("`sr_knee`", "TCI")
    ]
    head = (*columns[:2], "nearer", "p", *columns[2:], "nearer", "p")
    print("| place | knees | " + " | ".join(head) + " |")
    print("|---" * (len(head) + 2) + "|")
    for place in PLACES:
        if (count := len(_having(knees, place, "ground_truth", "sr", "tci"))) > 0:
            cells = (sr_against_tci(knees, place, of) for of in ("labels", "thin"))
            print(f"| {place} | {count} | " + " | ".join(sum(cells, ())) + " |")


def errors(knees: Knees, place: str, image_set: str) -> Pair:
    """Thickness found and true, in mm, of the knees that have it.

    Args:
      knees: what was measured of each.
      place: such as "MT".
      image_set: whose segmentation is compared with the labels.
    """
    having = _having(knees, place, image_set)
    return _values(having, place, image_set), _values(having, place, "labels")


def sr_against_tci(knees: Knees, place: str, reference: str) -> tuple[str, ...]:
    """Mean absolute differences, and a paired test of them.

    Args:
      knees: what was measured of each; one at least has the place in all image sets.
      place: such as "MT".
      reference: "labels", those that were drawn; or "thin", what the same network
        makes of the thin slices, so that its own errors do not count.
    """
    having = _having(knees, place, "ground_truth", "sr", "tci")
    true = _values(having, place, "labels" if reference == "labels" else "ground_truth")
    ours, theirs = (np.abs(_values(having, place, s) - true) for s in ("sr", "tci"))
    test = statistics.wilcoxon(ours, theirs)
    return (
        *(f"{ours.mean():.3f}", f"{theirs.mean():.3f}"),
        *(f"{np.count_nonzero(ours < theirs)} of {test.n}", p_text(test.p)),
    )


def _having(knees: Knees, place: str, *image_sets: str) -> Knees:
    """The knees that have a place in their labels and in all these image sets."""
    return [
        knee
        for knee in knees
        if THICKNESS in knee["labels"].get(place, {})
        and all(THICKNESS in knee["images"][s].get(place, {}) for s in image_sets)
    ]


def _values(knees: Knees, place: str, where: str) -> np.ndarray:
    """Thickness in mm, of the labels or of an image set."""
    found = (
        knee["labels"] if where == "labels" else knee["images"][where] for knee in knees
    )
    return np.array([of[place][THICKNESS] for of in found])


def _grid(title: str, knees: Knees, text: Callable[..., str]) -> None:
    """Prints a column for each image set, of the knees that have a place there."""
    print(f"\n{title}\n")
    print("| place | true (mm) | " + " | ".join(IMAGE_SETS.values()) + " |")
    print("|---" * (len(IMAGE_SETS) + 2) + "|")
    for place in PLACES:
        pairs = [errors(knees, place, image_set) for image_set in IMAGE_SETS]
        if any(true.size for _, true in pairs):
            true = max((true for _, true in pairs), key=len)
            cells = [_cell(text, pair, len(true)) for pair in pairs]
            print(f"| {place} | {true.mean():.2f} | " + " | ".join(cells) + " |")


def _cell(text: Callable[..., str], pair: Pair, num_knees: int) -> str:
    """What a pair says, and of how many knees where some lack it."""
    count = len(pair[0])
    few = f" ({count} knees)" if count < num_knees else ""
    return text(*pair) + few if count else "n/a"


def _bias_text(found: np.ndarray, true: np.ndarray) -> str:
    agreement = statistics.bland_altman(found, true)
    return f"{agreement.bias:+.3f} ± {number_text(agreement.sd, '.3f')}"


def _limits_text(found: np.ndarray, true: np.ndarray) -> str:
    agreement = statistics.bland_altman(found, true)
    limits = agreement.lower, agreement.upper
    return " to ".join(number_text(limit, "+.2f") for limit in limits)


def of_cost(cost: Mapping[str, Any]) -> None:
    """Prints what a knee costs beside published times of others."""
    print("\n| of a whole knee | seconds | of a processor | peak GiB |")
    print("|---|---|---|---|")
    print(
        f"| `measure`, {cost['num_places']} places | {cost['seconds']:.1f} | "
        f"{cost['cpu_seconds']:.1f} | {cost['peak_gib']:.2f}, before it "
        f"{cost['before_gib']:.2f} |"
    )
    for title, seconds in PUBLISHED_SECONDS.items():
        print(f"| published: {title} | {seconds} | | |")


# PMC10076900, 507 knees of OAI-ZIB: seconds a joint.
PUBLISHED_SECONDS = {
    "surface normals, or nearest neighbour": "up to 5.3",
    "centre-line normals in 2D": "133",
    "ray tracing in 3D": "351",
}
