"""The IWOAI 2019 knee segmentation challenge: pairs of HDF5 files.

`train_001_V00.im` holds the scan and `train_001_V00.seg` its masks, both under the key
`data`: (384, 384, 160) and (384, 384, 160, 6), one-hot without background (Desai et
al., Radiology: Artificial Intelligence 2021;3(3):e200078).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from records.datasets.oai import tissues
from records.settings import lengths, setting
from records.subject import Brings, Subject


@dataclasses.dataclass(frozen=True)
class Iwoai:
    """Scans named as in the challenge; the split in a name is the scan's own.

    The visit in a name, "V00", is the scalar `visit`.

    Mask n of a `.seg` becomes label n + 1; its order is that of
    `records.datasets.oai.tissues.LABEL_NAMES`. Where masks overlap, the first one
    counts. The files do not say where voxels lie, nor the side.

    Attributes:
      source: folder of .im files and, anywhere below it, the .seg files of the same
        names. A scan without one has no labels.
      spacing_mm: between voxels along the array's axes; OAI's DESS (Peterfy et al.,
        Osteoarthritis and Cartilage 2008;16:1433).
      orientation: where each index grows to, as nibabel's axis codes: rows go down,
        columns to the back, and slices to the patient's right.
    """

    brings: ClassVar[Brings] = Brings(scalars={"visit": str})

    source: str = setting("DIR", "the .im files, and the .seg files of the same names")
    spacing_mm: tuple[float, float, float] = setting(
        "I,J,K",
        "of voxels (default: OAI's, 0.365,0.365,0.7)",
        parse=lengths,
        default=(0.36458334, 0.36458334, 0.7),
    )
    orientation: str = setting(
        "CODES",
        "where rows, columns and slices grow to (default: IPR, down, to the back, "
        "to the patient's right)",
        default="IPR",
    )

    def __post_init__(self) -> None:
        from records.datasets.iwoai import scans

        scans.affine(self)

    @property
    def label_names(self) -> dict[int, str]:
        """The six tissues of the challenge."""
        return dict(tissues.LABEL_NAMES)

    def describe(self) -> list[str]:
        """How many files are scans and masks, and what else lies there."""
        from records.datasets.iwoai import scans

        return scans.describe(self)

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The scans in the order of their names; `seed` plays no part.

        Raises:
          FileNotFoundError: there is no such folder.
          ValueError: it has no scan, a name is not one of the challenge's, or two
            files have one name.
        """
        from records.datasets.iwoai import scans

        del seed
        return scans.find(self)
