"""An Enhanced MR image's pulse sequence, in the words of a classic one."""

from __future__ import annotations

import pydicom

_SEQUENCES = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}


def describe(header: pydicom.Dataset) -> None:
    """Adds what an MR image must have and an Enhanced one says otherwise.

    ScanningSequence and SequenceVariant (PS3.3 C.8.3.1) out of the MR Pulse Sequence
    module (C.8.13.4); the nucleus.

    Args:
      header: of a frame, flattened; changed in place.
    """
    if not header.get("ScanningSequence"):
        kinds = list(_SEQUENCES.get(str(header.get("EchoPulseSequence")), []))
        if header.get("InversionRecovery") == "YES":
            kinds.append("IR")
        if header.get("EchoPlanarPulseSequence") == "YES":
            kinds.append("EP")
        header.ScanningSequence = kinds or "RM"  # Research mode: nothing is known.
    if not header.get("SequenceVariant"):
        header.SequenceVariant = _variants(header) or "NONE"
    if "ImagedNucleus" not in header and header.get("ResonantNucleus"):
        header.ImagedNucleus = header.ResonantNucleus
    if not header.get("EchoTrainLength") and header.get("RFEchoTrainLength"):
        header.EchoTrainLength = int(header.RFEchoTrainLength)


def _variants(header: pydicom.Dataset) -> list[str]:
    found = []
    for keyword, variant in (
        ("SteadyStatePulseSequence", "SS"),
        ("Spoiling", "SP"),
        ("MagnetizationTransfer", "MTC"),
        ("OversamplingPhase", "OSP"),
    ):
        if header.get(keyword) not in (None, "", "NONE"):
            found.append(variant)
    if header.get("SegmentedKSpaceTraversal") in ("PARTIAL", "FULL"):
        found.append("SK")
    return found
