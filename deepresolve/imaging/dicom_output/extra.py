"""highdicom, which is installed only where asked for (extra `dicom-seg`)."""

from __future__ import annotations

from types import ModuleType

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
