"""Why what is at a path is not read, and how to go on."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from deepresolve.imaging import format_table
from deepresolve.imaging.file_kind import Role
from deepresolve.imaging.folders import (
    dicom_bytes,
    kinds,
    listing,
    slices,
    summary,
    tree,
)
from deepresolve.imaging.formats import zips
from deepresolve.system import wording


@contextlib.contextmanager
def naming(path: pathlib.Path) -> Iterator[None]:
    """What the system does not let read becomes an error of that scan alone.

    Raises:
      FileNotFoundError: there is nothing at a path.
      ValueError: a file cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        file = error.filename or path
        reason = error.strerror or error
        raise ValueError(
            f"{path}: {file} cannot be read ({reason}). See that you may read it, or "
            "copy it again."
        ) from error


def check_exists(path: pathlib.Path) -> None:
    """Refuses a path that cannot be opened.

    Raises:
      FileNotFoundError: there is nothing at it.
      ValueError: a link to nothing, a pipe, what the system does not let see.
    """
    problem = tree.unreadable(path)
    if problem is None:
        return
    if not path.is_symlink() and problem.is_absent:
        raise FileNotFoundError(f"{path}: there is no such file or folder.")
    raise ValueError(f"{path} {problem.why}.")


def unknown(path: pathlib.Path) -> ValueError:
    """The error for what is of none of the formats that are read."""
    if path.is_dir():
        return _no_dicom(path)
    kind = kinds.judge_file(path)
    if kind.why and kind.role is not Role.BLANK:
        return ValueError(f"{path} {kind.why}.")
    if kind.role is Role.OBJECT:
        what = "the index of a disc" if kind.name == summary.INDEX else kind.name
        return ValueError(
            f"{path}: DICOM without an image ({what}). {expected()}; of a disc, the "
            "folder that the index lies in."
        )
    if path.name.lower().endswith(format_table.voxel_endings()):
        return ValueError(
            f"{path}: the voxels of a scan whose header, the .hdr of the same name, "
            "is not beside it or is of another kind. Copy both files."
        )
    if kind == dicom_bytes.ZIP and (scans := _other_scans(path)):
        return ValueError(
            f"{path}: the zip holds scans other than DICOM ({scans}). Unpack it, and "
            "give the scans themselves."
        )
    with path.open("rb") as stream:
        start = stream.read(16)
    blank = f" It {kind.why}." if kind.why else ""
    return ValueError(
        f"{path}: neither {_titles()}, or damaged: the file begins with {start!r}. "
        f"{expected()}; copy or export the scan again.{blank}"
    )


def expected() -> str:
    """What a scan may be: "Expected a NIfTI file, ..., or a folder of DICOM files"."""
    # Folders last.
    entries = sorted(format_table.entries(), key=lambda entry: entry.is_folder)
    return f"Expected {wording.either([e.offer for e in entries], ', or ')}"


def expected_in_folder() -> str:
    """What a folder of scans may hold: "Expected .nii or .mha files, or folders"."""
    entries = format_table.entries()
    endings = [ending for entry in entries for ending in entry.endings_shown]
    folders = [" or ".join(e.titles) for e in entries if e.is_folder]
    return (
        f"Expected {wording.either(endings)} files, or folders of "
        f"{wording.either(folders)} files"
    )


def _titles() -> str:
    """The formats as in "neither NIfTI nor DICOM, MetaImage or NRRD"."""
    first, *others = (t for entry in format_table.entries() for t in entry.titles)
    return f"{first} nor {wording.either(others)}"


def _no_dicom(folder: pathlib.Path) -> ValueError:
    contents = slices.sort_out(listing.of_folder(tree.walk(folder)))
    lines = [f"\n  {name} {why}" for name, why in contents.passed_over.items()]
    also = f" It holds:{''.join(lines)}" if lines else ""
    return ValueError(f"{folder}: the folder holds no DICOM file. {expected()}.{also}")


def _other_scans(path: pathlib.Path) -> str:
    """Names of what a zip without DICOM holds; "" where that is no scan."""
    archive = zips.Archive(path)
    with archive.opened():
        return wording.listed(sorted(slices.sort_out(archive.listing()).scans))
