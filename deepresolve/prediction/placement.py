"""Which paths the results of each scan get."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from deepresolve.imaging import format_table
from deepresolve.imaging.folders import kinds
from deepresolve.imaging.formats import nifti, scan_stem
from deepresolve.system import paths

# A scan, and what it becomes.
Pair = tuple[pathlib.Path, pathlib.Path]

# File systems take 255 bytes; while a file is written its name is 38 longer.
_LONGEST_NAME = 210


def plan_nifti_files(
    source: str,
    output: str,
    scans: list[pathlib.Path],
    volume_names: Sequence[str] = (),
) -> list[Pair]:
    """Pairs each scan with the NIfTI file that it becomes.

    Args:
      source: what --input named.
      output: what --output named.
      scans: the scans found at `source`.
      volume_names: of the further volumes of each scan, such as "spread"; part of the
        names of their files.

    Raises:
      ValueError: another file format, several scans for one file, two scans for the
        same file, a scan that would be overwritten by a result, or results within the
        folder of scans.
    """
    target = pathlib.Path(output)
    if output.lower().endswith((".dcm", *_other_endings())):
        raise ValueError(
            f"--output={output}: images are written as NIfTI. Name a .nii or .nii.gz "
            "file, or a folder; --output_format=dicom writes DICOM."
        )
    if output.lower().endswith(nifti.SUFFIXES):
        _check_single(source, output, scans)
        pairs = [(scans[0], target)]
    else:
        pairs = _named_in(target, source, scans, ".nii.gz")
    _check_pairs(source, output, pairs, volume_names)
    return pairs


def plan_folders(source: str, output: str, scans: list[pathlib.Path]) -> list[Pair]:
    """Pairs each scan with the folder that its DICOM series goes to.

    Args:
      source: what --input named.
      output: what --output named: the folder of one series, or of many such folders.
      scans: the scans found at `source`.

    Raises:
      ValueError: a file is named, two scans are for the same path, a scan would be
        overwritten by a result, or results lie within the folder of scans.
    """
    target = pathlib.Path(output)
    if output.lower().endswith((".dcm", *nifti.SUFFIXES, *_other_endings())):
        raise ValueError(
            f"--output={output}: a DICOM series is a folder of files. Name a folder, "
            "or leave out --output_format=dicom."
        )
    pairs = [(scans[0], target)]
    if len(scans) > 1:
        pairs = _named_in(target, source, scans, "")
    _check_pairs(source, output, pairs)
    return pairs


def plan_dicom_files(source: str, output: str, scans: list[pathlib.Path]) -> list[Pair]:
    """Pairs each scan with the one DICOM file that it becomes.

    Args:
      source: what --input named.
      output: what --output named: a .dcm file, or a folder.
      scans: the scans found at `source`.

    Raises:
      ValueError: another file format, several scans for one file, two scans for the
        same file, a scan that would be overwritten by a result, or results within the
        folder of scans.
    """
    target = pathlib.Path(output)
    if output.lower().endswith((*nifti.SUFFIXES, *_other_endings())):
        raise ValueError(
            f"--output={output}: expected a .dcm file or a folder with "
            "--output_format=dicom."
        )
    if output.lower().endswith(".dcm"):
        _check_single(source, output, scans)
        pairs = [(scans[0], target)]
    else:
        pairs = _named_in(target, source, scans, ".dcm")
    _check_pairs(source, output, pairs)
    return pairs


def _other_endings() -> set[str]:
    """What somebody may ask for who does not want a folder of that name."""
    every = {*format_table.every_ending(), *kinds.UNREAD_ENDINGS}
    return every - {*nifti.SUFFIXES}


def plan_names(source: str, output: str, scans: list[pathlib.Path]) -> list[Pair]:
    """Pairs each scan with a path without ending, of which tables and reports tell.

    For results of which no file is a volume.

    Args:
      source: what --input named.
      output: what --output named: a folder.
      scans: the scans found at `source`.

    Raises:
      ValueError: a file is named, two scans are for the same path, a scan would be
        overwritten by a result, or results lie within the folder of scans.
    """
    if output.lower().endswith((".dcm", *nifti.SUFFIXES, *_other_endings())):
        raise ValueError(
            f"--output={output}: the network gives tables, and no image. Name a folder."
        )
    pairs = _named_in(pathlib.Path(output), source, scans, "")
    _check_pairs(source, output, pairs)
    return pairs


def _check_single(source: str, output: str, scans: Sequence[pathlib.Path]) -> None:
    if len(scans) > 1:
        raise ValueError(
            f"{source} holds {len(scans)} scans, but --output={output} is one file."
            " Give a folder as --output."
        )


def _named_in(
    folder: pathlib.Path, source: str, scans: Sequence[pathlib.Path], suffix: str
) -> list[Pair]:
    """Each scan with a path in `folder` that is named after it."""
    root = pathlib.Path(source)
    return [(scan, folder / f"{_name(scan, root)}{suffix}") for scan in scans]


def _check_pairs(
    source: str, output: str, pairs: Sequence[Pair], volume_names: Sequence[str] = ()
) -> None:
    """ValueError where a result would fall on another, on a scan, or among scans."""
    _check_distinct(pairs, volume_names)
    paths.check_apart(output, source)


def further_path(target: pathlib.Path, volume_name: str) -> pathlib.Path:
    """NAME.nii.gz -> NAME_{volume_name}.nii.gz, in the same folder."""
    return target.with_name(f"{scan_stem(target)}_{volume_name}.nii.gz")


def without_ending(target: pathlib.Path) -> str:
    """NAME of NAME.nii.gz, NAME.nii, NAME.dcm and of the folder NAME."""
    return target.stem if target.suffix.lower() == ".dcm" else scan_stem(target)


def trust_beside(target: pathlib.Path) -> pathlib.Path:
    """NAME.nii.gz, NAME.dcm or the folder NAME -> NAME_trust.json beside it."""
    return target.absolute().with_name(f"{without_ending(target)}_trust.json")


def table_beside(output: str, name: str) -> pathlib.Path:
    """Where a table of all scans goes.

    Args:
      output: what --output named.
      name: of the table.

    Returns:
      {name}.csv in the folder that --output names; where it names one file,
      NAME_{name}.csv beside it, so that two commands for two scans keep both.
    """
    path = pathlib.Path(output)
    if output.lower().endswith(nifti.SUFFIXES):
        return path.with_name(f"{scan_stem(path)}_{name}.csv")
    if output.lower().endswith(".dcm"):
        return path.with_name(f"{path.stem}_{name}.csv")
    return path / f"{name}.csv"


def _check_distinct(pairs: Sequence[Pair], volume_names: Sequence[str]) -> None:
    """ValueError where a file would be written twice, or over one of the scans."""
    scans = {scan.resolve() for scan, _ in pairs}
    for _, target in pairs:
        _check_report(trust_beside(target))
    writer_of: dict[pathlib.Path, pathlib.Path] = {}
    for scan, target in pairs:
        further = (further_path(target, name) for name in volume_names)
        for result in (target, trust_beside(target), *further):
            if result in writer_of:
                raise ValueError(
                    f"{scan} and {writer_of[result]} would both become {result}. "
                    "Rename one, or give them different folders as --output."
                )
            if result.resolve() in scans:
                raise ValueError(f"--output would overwrite the scan {result} itself.")
            writer_of[result] = scan


def _check_report(path: pathlib.Path) -> None:
    """ValueError where no report can be written once the result is there."""
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder, and the report on the result would have that name. "
            "Move it away, or choose another --output."
        )
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise ValueError(
            f"{path.name}: names of results are {_LONGEST_NAME} bytes at most, their "
            "endings included. Choose a shorter --output, or rename the scan."
        )


def _name(scan: pathlib.Path, root: pathlib.Path) -> str:
    """The path below `root`, joined by "_", without its ending: patient-1_knee."""
    if scan == root:
        return scan_stem(scan)
    folders = scan.relative_to(root).parts[:-1]
    return "_".join([*folders, scan_stem(scan)])
