"""Volumes of tissue: estimated against reference, after Bland and Altman."""

from __future__ import annotations

from typing import Any

from deepresolve.evaluation.table_1.results import Results
from deepresolve.metrics import statistics

VOLUME, REFERENCE_VOLUME = "volume_mm3", "reference_volume_mm3"


def paired_volumes(
    results: Results, network: str, image_set: str, label_class: str
) -> tuple[list[float], list[float]]:
    """Volumes of one class in mm³ by subject: the network's and the reference."""
    found, true = (
        results.values(name, image_set, network=network, label_class=label_class)
        for name in (VOLUME, REFERENCE_VOLUME)
    )
    return found, true


def agreement(results: Results) -> list[dict[str, Any]]:
    """Agreement of every segmentation's volumes with the reference.

    Returns:
      By class, dicts of network, image_set, class, the fields of
      `statistics.BlandAltman` in mm³ for estimated minus reference, and rms_cv, between
      the two, as a share.
    """
    plan = results.plan
    rows = []
    for label_class in plan.class_names:
        for network in plan.segmentations:
            for image_set in plan.segmented_sets(network):
                found, true = paired_volumes(results, network, image_set, label_class)
                rows.append(
                    {
                        "network": network,
                        "image_set": image_set,
                        "class": label_class,
                        **vars(statistics.bland_altman(found, true)),
                        "rms_cv": statistics.rms_cv(found, true),
                    }
                )
    return rows
