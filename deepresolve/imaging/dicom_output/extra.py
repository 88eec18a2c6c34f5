"""highdicom, which is installed only where asked for (extra `dicom-seg`)."""

from __future__ import annotations

import contextlib
import pathlib
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

import pydicom

from deepresolve.system import files
from deepresolve.system.extras import how_to_install


def highdicom(what: str, instead: str = "") -> ModuleType:
    """The package; ValueError where it is missing.

    Args:
      what: is to be written, for the message: "Label maps as DICOM".
      instead: what to do without it, a sentence.
    """
    try:
        import highdicom as package
    except ImportError as error:
        raise ValueError(
            f"{what} need highdicom ({error}): {how_to_install('dicom-seg')}. {instead}"
        ) from error
    return package


@contextlib.contextmanager
def made_of_header(what: str, instead: str) -> Iterator[None]:
    """Within it highdicom makes an object of a scan's header.

    Args:
      what: is made, for the message: "a DICOM map".
      instead: what to do where the header does not do, after "or".

    Raises:
      ValueError: the header holds what no such object may.
    """
    try:
        with warnings.catch_warnings():
            # That the acquired header is not quite to the standard.
            warnings.simplefilter("ignore", UserWarning)
            yield
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"the scan's header does not do for {what} ({error}). Export the scan "
            f"again, or {instead}."
        ) from error


def write(path: pathlib.Path, make: Callable[[], pydicom.Dataset]) -> None:
    """Writes what is made, whole or not.

    Raises:
      ValueError: as `make`; the message begins with the path.
      OSError: the disk is full, or the folder missing.
    """
    try:
        dataset = make()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    with files.replacing(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
