"""Elements of a header as they were written, whatever is wrong with them.

pydicom turns a text into a number when it is asked for, and fails where it is none. A
word that an anonymiser left in an element that nobody needs must not stop a scan, and
one in an element that is needed is shown as it stands in the file.
"""

from __future__ import annotations

import contextlib
import decimal
import logging
import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence

import pydicom
import pydicom.errors
from pydicom import datadict

# What pydicom raises on elements or pixels that are cut short or cannot be decoded.
UNREADABLE = (
    AttributeError,
    EOFError,
    KeyError,
    LookupError,  # A character set that nobody knows.
    MemoryError,  # A length that is nonsense.
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    pydicom.errors.BytesLengthException,
    struct.error,
    zlib.error,  # Of a deflated file.
)
_PYDICOM = logging.getLogger("pydicom")
_TEXTUAL = ("AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI")


@contextlib.contextmanager
def leniently() -> Iterator[None]:
    """Here pydicom takes values as they are, and warns of none.

    Its warnings name no file, and go to its logger, too.
    """
    level = _PYDICOM.level
    with pydicom.config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _PYDICOM.setLevel(logging.ERROR)
        try:
            yield
        finally:
            _PYDICOM.setLevel(level)


def title(tag: str | int) -> str:
    """An element as people look it up: "PixelSpacing (0028,0030)"."""
    tag = pydicom.tag.Tag(tag)
    keyword = datadict.keyword_for_tag(tag) or "element"
    return f"{keyword} ({tag.group:04X},{tag.element:04X})"


def texts(dataset: pydicom.Dataset, tag: str | int) -> tuple[str, ...]:
    """The values of a public element as written; () where it is absent or empty.

    Args:
      dataset: a header.
      tag: keyword or tag.
    """
    if tag not in dataset:
        return ()
    try:
        element = dataset.get_item(tag)
    except UNREADABLE:
        return ("?",)
    value = element.value
    if isinstance(element, pydicom.dataelem.RawDataElement):
        if _vr(element) in _TEXTUAL:
            value = (value or b"").decode("latin-1").strip(" \0")
            return tuple(part.strip() for part in value.split("\\")) if value else ()
        try:
            value = dataset[tag].value
        except UNREADABLE:
            return (repr(value),)
    if value is None or value == "":
        return ()
    several = isinstance(value, (pydicom.multival.MultiValue, list, tuple))
    return tuple(str(each).strip() for each in (value if several else [value]))


def _vr(raw: pydicom.dataelem.RawDataElement) -> str | None:
    """Of an element that pydicom has not parsed yet: as its tag has it."""
    try:
        return datadict.dictionary_VR(raw.tag)
    except KeyError:
        return raw.VR


def text(dataset: pydicom.Dataset, keyword: str) -> str:
    """An element as people read it, in the letters that the header says it has."""
    try:
        return str(dataset.get(keyword) or "").strip()
    except UNREADABLE:
        return "\\".join(texts(dataset, keyword))


def numbers(values: Sequence[str]) -> tuple[float, ...] | None:
    """Texts as finite numbers; None where one of them is none."""
    try:
        found = tuple(float(value) for value in values)
    except ValueError:
        return None
    return found if all(map(math.isfinite, found)) else None


def num_decimals(values: Sequence[str]) -> int:
    """The most digits after the point that one of several numbers is written with."""
    # Of a number; NaN and infinity have a letter.
    exponents = (int(decimal.Decimal(value).as_tuple().exponent) for value in values)
    return max((-exponent for exponent in exponents if exponent < 0), default=0)


class OptionalNumbers:
    """Numbers that a scan can be read without; what is none is left out.

    Args:
      dataset: the header.

    Attributes:
      left_out: what was found in place of a number: "EchoTime (0018,0081) is 'none'".
    """

    def __init__(self, dataset: pydicom.Dataset):
        self._dataset = dataset
        self.left_out: list[str] = []

    def number(self, keyword: str) -> float | None:
        """The first value of an element; None where there is no number."""
        written = texts(self._dataset, keyword)[:1]
        found = numbers(written)
        if found is None:
            self.left_out.append(f"{title(keyword)} is {written[0]!r}")
        return found[0] if found else None

    def whole(self, keyword: str) -> int | None:
        """The first value of an element; None where there is no whole number."""
        found = self.number(keyword)
        if found is not None and found != int(found):
            self.left_out.append(f"{title(keyword)} is '{found:g}'")
            return None
        return None if found is None else int(found)


def num_frames(dataset: pydicom.Dataset) -> int:
    """NumberOfFrames; 1 of a file that tells no such number above 0."""
    found = OptionalNumbers(dataset).whole("NumberOfFrames")
    return found if found and found > 0 else 1
