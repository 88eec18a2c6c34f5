"""What DICOM does not allow in a header is mended or left out, and told.

No element but the few that a result is made of is worth a result: a word that an
anonymiser wrote over an age or a date is not carried on, and a text that is too long is
shortened.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from typing import Any

import pydicom
from pydicom import charset

from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.formats.dicom import elements

_LONGEST_DS = 16
_LARGEST_IS = 2**31 - 1
_PATTERNS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{0,16}"),
    "DT": re.compile(r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"),
    "TM": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
    "UI": re.compile(r"[0-9.]{1,64}"),
}
# As people write dates and times, and DICOM did before 1993.
_SEPARATORS = {"DA": re.compile(r"(?<=\d)[-./](?=\d)"), "TM": re.compile(r":")}
_LONGEST = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240}
# The values that there are, of elements for which readers refuse others.
_ENUMERATED = {
    "PatientSex": ("M", "F", "O"),
    "Laterality": ("L", "R"),
    "ImageLaterality": ("L", "R", "B", "U"),
}
# What is done to values that are mended, by their kind.
_MENDED = dict.fromkeys(_LONGEST, "too long: shortened") | dict.fromkeys(
    _SEPARATORS, "written with other signs than digits: written anew"
)


class UnsoundError(ValueError):
    """A value that cannot be mended."""


def element_of(
    dataset: pydicom.Dataset, tag: pydicom.tag.BaseTag
) -> tuple[pydicom.DataElement | None, str]:
    """An element as DICOM allows it, and what is to be told.

    Args:
      dataset: a header; may be read before its values were checked.
      tag: of an element in it; a sequence is given as it is.

    Returns:
      The element, None where it is to be left out; and what was done to it, "" for
      nothing: "PatientAge (0010,1010) is 'anon': left out".
    """
    keyword = pydicom.datadict.keyword_for_tag(tag)
    name = elements.title(tag)
    try:
        with elements.leniently():
            element = dataset[tag]
    except elements.UNREADABLE:
        written = "\\".join(elements.texts(dataset, tag))
        return None, f"{name} is {written[: _LONGEST['LO']]!r}: left out"
    if element.VR == "SQ" or element.is_empty:
        return element, ""
    try:
        value = _each(element.value, lambda v: _sound(v, element.VR, keyword))
    except (TypeError, ValueError):
        return None, f"{name} is {str(element.value)[: _LONGEST['LO']]!r}: left out"
    told = "" if _same(value, element) else f"{name} is {_MENDED[element.VR]}"
    with elements.leniently():
        return pydicom.DataElement(tag, element.VR, value), told


def _each(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, (pydicom.multival.MultiValue, list)):
        return [function(each) for each in value]
    return function(value)


def _sound(value: Any, vr: str, keyword: str) -> Any:
    """One value, mended; UnsoundError where it cannot be."""
    if vr == "DS":
        return _sound_decimal(value)
    if vr == "IS" and not -_LARGEST_IS <= int(value) <= _LARGEST_IS:
        raise UnsoundError
    text = str(value).rstrip(" \0")
    if vr in _SEPARATORS:
        text = value = _SEPARATORS[vr].sub("", text)
    if vr == "DA":
        _check_date(text)
    if vr in _PATTERNS and not _PATTERNS[vr].fullmatch(text):
        raise UnsoundError
    if keyword in _ENUMERATED and text not in _ENUMERATED[keyword]:
        raise UnsoundError
    if keyword == "SpecificCharacterSet" and text not in charset.python_encoding:
        raise UnsoundError
    return text[: _LONGEST[vr]] if len(text) > _LONGEST.get(vr, len(text)) else value


def _sound_decimal(value: Any) -> Any:
    number = float(value)
    if not math.isfinite(number):
        raise UnsoundError
    return value if len(str(value)) <= _LONGEST_DS else decimal(number)


def _check_date(text: str) -> None:
    try:
        datetime.datetime.strptime(text, "%Y%m%d")
    except ValueError:
        raise UnsoundError from None


def _same(value: Any, element: pydicom.DataElement) -> bool:
    """Whether nothing was shortened that people read."""
    return element.VR not in _MENDED or str(value) == str(element.value)
