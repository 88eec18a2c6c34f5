"""One scan that a search found, for whoever reads it."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any


@dataclasses.dataclass(frozen=True, eq=False)
class Scan(os.PathLike[str]):
    """What is to be read as one scan, or is one that cannot be read.

    It goes wherever a path does; what takes scans then looks for nothing twice.

    Attributes:
      path: for `formats.read_image`, which says what is wrong where something is.
      kind: "NIfTI", "DICOM", ...; "" where it cannot be read.
      format: name in `FORMATS` of the format whose `find` gave `found`.
      found: of a folder or zip of DICOM files its `DicomFiles`; None where the scan
        is still to be looked for at its path.
      num_slices: of such a folder or zip; as far as the files say.
    """

    path: pathlib.Path
    kind: str
    format: str = ""
    found: Any = None
    num_slices: int = 0

    def __fspath__(self) -> str:
        return str(self.path)
