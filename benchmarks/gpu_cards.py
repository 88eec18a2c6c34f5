"""What GPUs can do at most, by NVIDIA's data sheets.

Dense figures: where a sheet has them "with sparsity", half of them. TF32 and bfloat16
are those of tensor cores with float32 sums, float32 that of the ordinary cores.
"""

from __future__ import annotations

from collections.abc import Mapping

# By the name that the driver gives, or its beginning: 10^12 operations a second.
CARDS: Mapping[str, Mapping[str, float]] = {
    # H200 Tensor Core GPU data sheet: SXM and NVL
    "NVIDIA H200": {"float32": 67, "tf32": 494.5, "bfloat16": 989.5},
    "NVIDIA H200 NVL": {"float32": 60, "tf32": 417.5, "bfloat16": 835.5},
    # H100 Tensor Core GPU data sheet: SXM, PCIe and NVL
    "NVIDIA H100 80GB HBM3": {"float32": 67, "tf32": 494.5, "bfloat16": 989.5},
    "NVIDIA H100 PCIe": {"float32": 51, "tf32": 378, "bfloat16": 756.5},
    "NVIDIA H100 NVL": {"float32": 60, "tf32": 417.5, "bfloat16": 835.5},
    # A100 Tensor Core GPU data sheet: the same for SXM and PCIe
    "NVIDIA A100": {"float32": 19.5, "tf32": 156, "bfloat16": 312},
    # A30, A40, A10, L4 and L40S data sheets
    "NVIDIA A30": {"float32": 10.3, "tf32": 82, "bfloat16": 165},
    "NVIDIA A40": {"float32": 37.4, "tf32": 74.8, "bfloat16": 149.7},
    "NVIDIA A10": {"float32": 31.2, "tf32": 62.5, "bfloat16": 125},
    "NVIDIA L4": {"float32": 30.3, "tf32": 60, "bfloat16": 121},
    "NVIDIA L40S": {"float32": 91.6, "tf32": 183, "bfloat16": 362},
}


def peaks(name: str) -> Mapping[str, float] | None:
    """Peaks of a card, in 10^12 operations a second by precision.

    Args:
      name: as the driver gives it, such as "NVIDIA A100-SXM4-80GB".

    Returns:
      None for an unknown card, and for a part of one (MIG).
    """
    if "MIG" in name.split():
        return None
    known = [
        card
        for card in CARDS
        if name == card or name.startswith((f"{card} ", f"{card}-"))
    ]
    return CARDS[max(known, key=len)] if known else None
