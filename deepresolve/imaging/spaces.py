"""Whose millimetres an affine has: the scanner's, a template's, nobody knows whose.

The names are NIfTI's xform codes (nifti1.h), 0 to 5. A NIfTI header has places for two
affines, qform and sform, each with a code of its own; which of the two a viewer goes by
differs between viewers. What was made of a scan therefore carries both.
"""

from __future__ import annotations

import dataclasses

import numpy as np

# By xform code.
SPACES = ("unknown", "scanner", "aligned", "talairach", "mni", "template")

# Lengths are the patient's in these; a scan is stretched to fit into the others.
PATIENT_SPACES = ("scanner", "aligned")


@dataclasses.dataclass(frozen=True, eq=False)
class OtherForm:
    """The second affine of a NIfTI header, which is kept but not gone by.

    Attributes:
      space: one of `SPACES`, never "unknown".
      affine: (4, 4) float64, voxel indices to RAS+ mm of that space.
      is_sform: whether it is the sform, so that the affine gone by is the qform.
    """

    space: str
    affine: np.ndarray
    is_sform: bool

    def __post_init__(self) -> None:
        check(self.space)

    def regridded(self, to_old: np.ndarray) -> OtherForm:
        """The same form of another grid.

        Args:
          to_old: (4, 4), takes indices of the other grid to indices of this one's.
        """
        return dataclasses.replace(self, affine=self.affine @ to_old)


def check(space: str) -> None:
    """Refuses what is none of `SPACES`.

    Raises:
      ValueError: it is none.
    """
    if space not in SPACES:
        raise ValueError(f"A space is one of {', '.join(SPACES)}; got {space!r}.")
