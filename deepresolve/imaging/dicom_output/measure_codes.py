"""Coded terms of what is measured in a knee, and of where.

Places and quantities are named as in the OAI's tables (docs/measuring.md). The standard
has codes for volume, area, mean and the like; which area, and which part of a plate, is
told by private codes of our scheme, whose values are the OAI's names.
"""

from __future__ import annotations

import dataclasses

from pydicom.sr.coding import Code

from deepresolve.imaging.dicom_output import codes
from deepresolve.imaging.dicom_output.codes import Tissue

KNEE = Code("72696002", "SCT", "Knee")
SIDES = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
}
# CID 100, quantitative diagnostic imaging procedures.
MR_IMAGING = Code("25056-3", "LN", "MRI unspecified body region")
DEVICE = Code("121007", "DCM", "Device")
COMMENT = Code("121106", "DCM", "Comment")
QUALITATIVE = Code("C0034375", "UMLS", "Qualitative Evaluations")  # of TID 1500
THICKNESS = Code("THICKNESS", codes.PRIVATE_SCHEME, "Thickness of cartilage")
T2 = Code("113065", "DCM", "T2")

_VOLUME = Code("118565006", "SCT", "Volume")
_AREA = Code("42798000", "SCT", "Area")
# CID 7464, general region of interest measurement modifiers.
_MEAN = Code("373098007", "SCT", "Mean")
_DEVIATION = Code("386136009", "SCT", "Standard Deviation")

# What a plate is called when it is segmented.
_PLATES = {
    "F": "femoral cartilage",
    "T": "tibial cartilage",
    "MT": "medial tibial cartilage",
    "LT": "lateral tibial cartilage",
    "P": "patellar cartilage",
    "MM": "medial meniscus",
    "LM": "lateral meniscus",
}
# Of parts of plates: the plate, and where in it.
_PARTS = {
    "TrF": ("F", "Trochlea"),
    **{
        f"{letter}{side}T": (f"{side}T", f"{where} {name} tibial plate")
        for side, name in (("M", "medial"), ("L", "lateral"))
        for letter, where in (
            *(("c", "Central"), ("a", "Anterior"), ("p", "Posterior")),
            *(("e", "External"), ("i", "Internal")),
        )
    },
    **{
        f"{letter}{side}F": ("F", f"{where} {name} femoral condyle")
        for side, name in (("M", "medial"), ("L", "lateral"))
        for letter, where in (
            *(("c", "Weight-bearing"), ("p", "Posterior")),
            ("cc", "Weight-bearing central"),
            ("ec", "Weight-bearing external"),
            ("ic", "Weight-bearing internal"),
        )
    },
}
_COMPARTMENTS = {
    "MFTC": "Medial femorotibial compartment",
    "LFTC": "Lateral femorotibial compartment",
    "cMFTC": "Central medial femorotibial compartment",
    "cLFTC": "Central lateral femorotibial compartment",
}
# By UCUM, of all quantities in those tables and of menisci.
UNITS = {
    **dict.fromkeys(("tAB", "cAB", "AC"), "cm2"),
    **dict.fromkeys(("dABp", "ThCtAB_aCV", "coverage"), "%"),
    **dict.fromkeys(("VCtAB", "ThCtAB_aMe", "ThCcAB_aMe", "ThCtAB_aMiv"), "mm"),
    **dict.fromkeys(("ThCtAB_aMav", "ThCtAB_aSD", "extrusion"), "mm"),
    "VC": "mm3",
    "T2": "ms",
}
# The term, how it was computed, and what exactly it is.
_QUANTITIES: dict[str, tuple[Code | None, Code | None, str]] = {
    "tAB": (_AREA, None, "Total area of subchondral bone"),
    "cAB": (_AREA, None, "Area of subchondral bone that is covered"),
    "AC": (_AREA, None, "Area of the surface of cartilage"),
    "dABp": (None, None, "Share of the subchondral bone that is denuded"),
    "VC": (_VOLUME, None, "Volume of all voxels"),
    "VCtAB": (None, None, "Volume of cartilage over total area of bone"),
    "ThCtAB_aMe": (THICKNESS, _MEAN, "Mean over total area, both directions"),
    "ThCcAB_aMe": (THICKNESS, _MEAN, "Mean over covered area, both directions"),
    "ThCtAB_aMiv": (THICKNESS, None, "Mean of the thinnest hundredth"),
    "ThCtAB_aMav": (THICKNESS, None, "Mean of the thickest hundredth"),
    "ThCtAB_aSD": (THICKNESS, _DEVIATION, "Standard deviation over total area"),
    "ThCtAB_aCV": (None, None, "Coefficient of variation of thickness"),
    "T2": (T2, _MEAN, "Mean T2 of all voxels"),
    "coverage": (None, None, "Share of the plate below the meniscus"),
    "extrusion": (None, None, "Extrusion of the meniscus beyond the plate"),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something is measured.

    Attributes:
      title: in words.
      region: the bone, or the knee.
      modifier: medial, lateral, or a private code of the part; None for all of it.
      tissue: that is measured there, as segments are coded; None for several.
      plate: that it is, or is a part of: "F", "MT", "MM"; "" for several.
    """

    title: str
    region: Code
    modifier: Code | None = None
    tissue: Tissue | None = None
    plate: str = ""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What is measured.

    Attributes:
      name: the term.
      derivation: mean, standard deviation; None where there is no more to it.
      method: which of the quantities of that term: a private code whose value is the
        name in the OAI's tables.
    """

    name: Code
    derivation: Code | None
    method: Code


def place(name: str) -> Place:
    """The codes of a place: "MT", "ccMF", "MFTC"; of an unknown one a private code."""
    if name in _PLATES:
        tissue = codes.tissue(_PLATES[name])
        region = KNEE if tissue.region is None else tissue.region
        title = _PLATES[name].capitalize()
        return Place(title, region, tissue.modifier, tissue, name)
    if name in _PARTS:
        plate, title = _PARTS[name]
        tissue = codes.tissue(_PLATES[plate])
        modifier = Code(name, codes.PRIVATE_SCHEME, title)
        return Place(title, tissue.region or KNEE, modifier, tissue, plate)
    if name in _COMPARTMENTS:
        title = _COMPARTMENTS[name]
        return Place(title, KNEE, Code(name, codes.PRIVATE_SCHEME, title))
    return Place(name, KNEE, codes.private(name))


def quantity(name: str) -> Quantity:
    """The codes of a quantity: "VC", "ThCtAB_aMe"; an unknown one's are private."""
    if name not in _QUANTITIES:
        return Quantity(codes.private(name), None, codes.private(name))
    term, derivation, title = _QUANTITIES[name]
    own = Code(name, codes.PRIVATE_SCHEME, title)
    return Quantity(own if term is None else term, derivation, own)


def unit(name: str) -> Code:
    """A unit of UCUM, by its name there: "mm", "cm2", "mm3", "%", "ms"."""
    return Code(name, "UCUM", name)
