"""Coded terms (PS3.16), and those of the tissues that segments are of."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import pydicom
from pydicom.sr.coding import Code

SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")
SPATIAL_RESAMPLING = Code("113085", "DCM", "Spatial resampling")
BASIC_PROFILE = Code("113100", "DCM", "Basic Application Confidentiality Profile")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")

_TISSUE = Code("85756007", "SCT", "Tissue")
_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
# SNOMED CT, as DICOM uses it: CID 7151 (types), 4031 (regions), 2 (modifiers).
_FEMUR = Code("71341001", "SCT", "Femur")
_TIBIA = Code("12611008", "SCT", "Tibia")
_PATELLA = Code("64234005", "SCT", "Patella")
_FIBULA = Code("87342007", "SCT", "Fibula")
_CARTILAGE = Code("309312004", "SCT", "Cartilage")
_MENISCUS = Code("74135004", "SCT", "Meniscus")
_TISSUES = {
    "cartilage": _CARTILAGE,
    "cartilages": _CARTILAGE,
    "meniscus": _MENISCUS,
    "menisci": _MENISCUS,
}
_BONES = {"femur": _FEMUR, "tibia": _TIBIA, "patella": _PATELLA, "fibula": _FIBULA}
_REGIONS = {"femoral": _FEMUR, "tibial": _TIBIA, "patellar": _PATELLA} | _BONES
_MODIFIERS = {
    "medial": Code("255561001", "SCT", "Medial"),
    "lateral": Code("49370004", "SCT", "Lateral"),
}
# "99" begins the names of private coding schemes (PS3.16 section 8).
PRIVATE_SCHEME = "99DEEPRESOLVE"
_LONGEST_VALUE = 16  # of a short string
_DIGEST_LENGTH = 8
_LONGEST_MEANING = 64  # of a long string


@dataclasses.dataclass(frozen=True)
class Tissue:
    """What a segment is of, in codes.

    Attributes:
      category: tissue or anatomical structure.
      type: the tissue.
      region: the bone that it covers, None where the name tells none.
      modifier: medial or lateral, None where the name tells neither.
    """

    category: Code
    type: Code
    region: Code | None = None
    modifier: Code | None = None


def item(code: Code) -> pydicom.Dataset:
    """An item of a code sequence."""
    result = pydicom.Dataset()
    result.CodeValue = code.value
    result.CodingSchemeDesignator = code.scheme_designator
    result.CodeMeaning = code.meaning
    return result


def tissue(class_name: str) -> Tissue:
    """The codes of a class.

    Names are read word by word: "medial tibial cartilage", "Femoral_Cartilage",
    "lateral meniscus", "patella". A name with any word that is not known gets one
    private code of its own (scheme 99DEEPRESOLVE), never a code that is nearly right.
    """
    words = re.findall(r"[a-z0-9]+", class_name.lower())
    tissues = [_TISSUES[w] for w in words if w in _TISSUES]
    regions = [_REGIONS[w] for w in words if w in _REGIONS]
    modifiers = [_MODIFIERS[w] for w in words if w in _MODIFIERS]
    each_known = len(words) == len(tissues) + len(regions) + len(modifiers)
    if each_known and max(map(len, (tissues, regions, modifiers))) == 1:
        modifier = modifiers[0] if modifiers else None
        if tissues:
            region = regions[0] if regions else None
            return Tissue(_TISSUE, tissues[0], region, modifier)
        if len(words) == 1 and words[0] in _BONES:
            return Tissue(_STRUCTURE, _BONES[words[0]])
    return Tissue(_TISSUE, private(class_name))


def private(name: str) -> Code:
    """A code of our own scheme for what the standard has none for."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    # The whole name tells codes apart whose first letters are the same.
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    start = "_".join(words)[: _LONGEST_VALUE - _DIGEST_LENGTH - 1]
    value = f"{start}_{digest}".upper()
    return Code(value, PRIVATE_SCHEME, name[:_LONGEST_MEANING])
