"""Numbers as DICOM writes them."""

from __future__ import annotations

from pydicom import valuerep


def decimal(number: float) -> valuerep.DSfloat:
    """A number as DICOM writes it: 16 characters, of which it is the value."""
    text = valuerep.format_number_as_ds(float(number))
    return valuerep.DSfloat(text)
