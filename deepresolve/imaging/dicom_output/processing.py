"""What was done to a scan, and by which software and network."""

from __future__ import annotations

import dataclasses
import datetime

import pydicom

from deepresolve import __version__
from deepresolve.imaging.dicom_output import codes

SOFTWARE = "DeepResolve"
_LARGEST_NUMBER = 2**31 - 1  # of an integer string
_LONGEST_TEXT = 1024
# What is added to the number of the acquired series.
THIN_SLICES_OFFSET, SEGMENTATION_OFFSET = 1000, 2000
REPORT_OFFSET, PARAMETRIC_MAP_OFFSET, MAP_SERIES_OFFSET = 3000, 4000, 5000


@dataclasses.dataclass(frozen=True)
class Processing:
    """One run of one network, or of a method that needs none.

    Attributes:
      title: a few words: "computed super-resolution x3".
      model_name: the architecture, as a config names it; of a network that comes
        with the package also its name: "sr_views pretrained:sr_knee"; without a
        network the method: "log_linear".
      model_sha256: of the file of the network, 64 hexadecimal digits; "" without one.
      derivation: more of how it was done, as `Prediction.derivation`.

    Raises:
      ValueError: a derivation that is no line of printable ASCII, which every character
        set of DICOM has.
    """

    title: str
    model_name: str
    model_sha256: str = ""
    derivation: str = ""

    def __post_init__(self) -> None:
        if not (self.derivation.isascii() and self.derivation.isprintable()):
            raise ValueError(
                "Expected a derivation of printable ASCII in one line; got "
                f"{self.derivation!r}."
            )

    @property
    def software(self) -> str:
        """Name and version of the software, and the network or method."""
        return f"{SOFTWARE} {__version__} ({self.model_name})"

    @property
    def description(self) -> str:
        """One sentence that names software, version and network, if there is one."""
        network = f", network SHA-256 {self.model_sha256}" if self.model_sha256 else ""
        return f"{self.title} by {self.software}{network}"

    @property
    def versions(self) -> list[str]:
        """SoftwareVersions: of the software and, where there is one, the network."""
        network = [f"network {self.model_sha256[:16]}"] if self.model_sha256 else []
        return [__version__, *network]

    def told(self, what: str) -> str:
        """A DerivationDescription: `description`, what came of it, and `derivation`.

        Args:
          what: became of what, as a sentence or two: "4 slices became 10."

        Returns:
          At most 1024 characters (ST, PS3.5 6.2); "..." in place of what is more.
        """
        text = f"{self.description}: {what} {self.derivation}".rstrip()
        if len(text) <= _LONGEST_TEXT:
            return text
        return text[: _LONGEST_TEXT - 3] + "..."

    def equipment(self, when: datetime.datetime | None) -> pydicom.Dataset:
        """An item of ContributingEquipmentSequence (PS3.3 C.12.1).

        Args:
          when: time of the processing; None leaves it out.
        """
        item = pydicom.Dataset()
        item.PurposeOfReferenceCodeSequence = [codes.item(codes.PROCESSING_EQUIPMENT)]
        item.Manufacturer = SOFTWARE
        item.ManufacturerModelName = self.model_name
        item.SoftwareVersions = self.versions
        item.ContributionDescription = self.description
        if when is not None:
            item.ContributionDateTime = when.strftime("%Y%m%d%H%M%S")
        return item


def series_description(header: pydicom.Dataset, title: str) -> str:
    """The acquired series' description and what was done, in 64 characters."""
    acquired = str(header.get("SeriesDescription") or "")
    return f"{acquired[: 63 - len(title)]} {title}".strip()


def series_number(header: pydicom.Dataset, offset: int) -> int:
    """The acquired series' number and some thousands: easy to tell apart.

    Of a number so large that DICOM has none beyond, the last three digits count.
    """
    acquired = int(header.get("SeriesNumber") or 0)
    if acquired > _LARGEST_NUMBER - offset:
        acquired %= 1000
    return acquired + offset
