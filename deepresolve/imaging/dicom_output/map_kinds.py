"""What maps hold: the quantity, its unit and its code, however they are written."""

from __future__ import annotations

import dataclasses

from pydicom.sr.coding import Code

from deepresolve.imaging.dicom_output import codes, measure_codes


@dataclasses.dataclass(frozen=True)
class MapKind:
    """What a map is of.

    Attributes:
      title: of the quantity, at most 10 characters: "T2".
      unit: of its values, by UCUM: "ms".
      code: of the quantity.
      highest: at which a viewer shows white; 0 is black.
    """

    title: str
    unit: str
    code: Code
    highest: float

    @property
    def label(self) -> str:
        """The title as a code string, which has no small letters and no stars."""
        return self.title.upper().replace("*", "STAR")

    @property
    def description(self) -> str:
        """What a list of series shows: "T2 map, ms"."""
        return f"{self.title} map, {self.unit}"


THICKNESS = MapKind("Thickness", "mm", measure_codes.THICKNESS, 5.0)
# CID 7180; the standard has no code for T1rho.
T2 = MapKind("T2", "ms", measure_codes.T2, 80.0)
T2STAR = MapKind("T2*", "ms", Code("113064", "DCM", "T2*"), 80.0)
T1RHO = MapKind("T1rho", "ms", Code("T1RHO", codes.PRIVATE_SCHEME, "T1rho"), 100.0)
