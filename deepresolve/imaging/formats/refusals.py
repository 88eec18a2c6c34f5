"""Why what is at a path is not read, and how to go on."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from deepresolve.imaging.folders import kinds, listing, marks, slices, summary, tree
from deepresolve.imaging.folders.kinds import Role
from deepresolve.imaging.formats import zips
from deepresolve.system import wording

EXPECTED = (
    "Expected a NIfTI file (.nii, .nii.gz, or .hdr with .img), .mha, .mhd or .nrrd, or "
    "a folder or zip of DICOM files"
)


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
            f"{path}: DICOM without an image ({what}). {EXPECTED}; of a disc, the "
            "folder that the index lies in."
        )
    if path.name.lower().endswith(marks.VOXEL_ENDINGS):
        return ValueError(
            f"{path}: the voxels of a scan whose header, the .hdr of the same name, "
            "is not beside it or is of another kind. Copy both files."
        )
    if kind == kinds.ZIP and (scans := _other_scans(path)):
        return ValueError(
            f"{path}: the zip holds scans other than DICOM ({scans}). Unpack it, and "
            "give the scans themselves."
        )
    with path.open("rb") as stream:
        start = stream.read(16)
    blank = f" It {kind.why}." if kind.why else ""
    return ValueError(
        f"{path}: neither NIfTI nor DICOM, MetaImage or NRRD, or damaged: the file "
        f"begins with {start!r}. {EXPECTED}; copy or export the scan again.{blank}"
    )


def _no_dicom(folder: pathlib.Path) -> ValueError:
    contents = slices.sort_out(listing.of_folder(tree.walk(folder)))
    lines = [f"\n  {name} {why}" for name, why in contents.passed_over.items()]
    also = f" It holds:{''.join(lines)}" if lines else ""
    return ValueError(f"{folder}: the folder holds no DICOM file. {EXPECTED}.{also}")


def _other_scans(path: pathlib.Path) -> str:
    """Names of what a zip without DICOM holds; "" where that is no scan."""
    with zips.listed(path) as members:
        return wording.listed(sorted(slices.sort_out(members).scans))
