"""The paper's Table 1, to stand beside numbers of networks trained as published.

Chaudhari et al., ISMRM abstract: 17 test knees of the OAI, 0.7 mm slices, factor 3.
Other scans, another scaling or another SSIM window give other numbers.
"""

from __future__ import annotations

from deepresolve.evaluation.table_1.plan import Plan

SOURCE = (
    "Published: Chaudhari et al., ISMRM abstract, Table 1 (17 OAI knees, factor 3, "
    "mean ± SD). Other scans, another scaling or another SSIM window give others."
)
FACTOR = 3

# (network, metric) to the mean and SD of each image set, in the units of the tables.
_VALUES = {
    ("sr", "ssim"): {"sr": (79.1, 1.3), "tci": (73.8, 1.3)},
    ("sr", "psnr"): {"sr": (29.1, 1.0), "tci": (26.8, 1.2)},
    ("sr", "diq"): {"ground_truth": (4.4, 0.5), "sr": (3.8, 0.8), "tci": (3.1, 1.0)},
    ("sr", "rank"): {"ground_truth": (2.8, 0.2), "sr": (2.1, 0.5), "tci": (1.1, 0.4)},
    ("seg", "dsc"): {
        "ground_truth": (90.2, 1.8),
        "sr": (89.6, 2.0),
        "tci": (86.3, 3.2),
    },
    ("seg", "voe"): {
        "ground_truth": (17.8, 3.0),
        "sr": (18.8, 3.3),
        "tci": (24.0, 4.9),
    },
    ("benchmark", "dsc"): {"ground_truth": (83.0, 2.4)},
    ("benchmark", "voe"): {"ground_truth": (29.0, 3.5)},
}

# Lowest and highest of what two radiologists could answer; three sets were ranked.
SCALES = {"diq": (1, 5), "rank": (1, 3)}

# A GPU of 2018; the 2D network's time was not published.
_SECONDS = {"sr": 10, "seg": 1}


def mean_sd(
    plan: Plan, network: str, metric: str, image_set: str
) -> tuple[float, float] | None:
    """The published mean and SD that may stand beside a number of ours.

    Only where every network behind the number was trained as the published one, and
    thick slices were made alike.

    Returns:
      Both in table units, or None.
    """
    behind = {network, "sr"} if image_set == "sr" else {network}
    if not all(name in plan.networks for name in behind):
        return None
    if not all(plan.networks[name].published for name in behind):
        return None
    if image_set != "ground_truth" and plan.downsample_factor != FACTOR:
        return None
    return _VALUES.get((network, metric), {}).get(image_set)


def seconds(plan: Plan, network: str) -> int | None:
    """The published seconds of a volume of 384 x 384 x 160, or None."""
    return _SECONDS.get(network) if plan.networks[network].published else None
