"""Which files each scan becomes."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from deepresolve.imaging.formats import scan_stem

_NIFTI_ENDINGS = (".nii", ".nii.gz")
# What somebody may ask for who does not want a folder of that name.
_OTHER_ENDINGS = (".dcm", ".hdr", ".img", ".mgz", ".mha", ".mhd", ".nrrd", ".zip")


def plan_outputs(
    source: str,
    output: str,
    scans: list[pathlib.Path],
    endings: Sequence[str] = (),
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Pairs each scan with the file that it becomes.

    Args:
      source: what --input named.
      output: what --output named.
      scans: the scans found at `source`.
      endings: of the further files of each scan, as for `with_ending`.

    Raises:
      ValueError: another file format, several scans for one file, two scans for the
        same file, a scan that would be overwritten by a result, or results within the
        folder of scans.
    """
    target = pathlib.Path(output)
    if output.lower().endswith(_OTHER_ENDINGS):
        raise ValueError(
            f"--output={output}: images are written as NIfTI. Name a .nii or .nii.gz "
            "file, or a folder."
        )
    if output.lower().endswith(_NIFTI_ENDINGS):
        if len(scans) > 1:
            raise ValueError(
                f"{source} holds {len(scans)} scans, but --output={output} is one file."
                " Give a folder as --output."
            )
        pairs = [(scans[0], target)]
    else:
        root = pathlib.Path(source)
        pairs = [(scan, target / f"{_name(scan, root)}.nii.gz") for scan in scans]
    _check_distinct(pairs, endings)
    # The next command for the same folder would take the results for scans.
    if target.resolve().is_relative_to(pathlib.Path(source).resolve()):
        raise ValueError(
            f"--output={output} lies within --input={source}, where results would pass "
            "for scans. Name a folder beside it."
        )
    return pairs


def with_ending(target: pathlib.Path, ending: str) -> pathlib.Path:
    """NAME.nii.gz -> NAME{ending}.nii.gz, in the same folder."""
    return target.with_name(f"{scan_stem(target)}{ending}.nii.gz")


def table_beside(output: str) -> pathlib.Path:
    """Where the volumes of all scans go.

    Returns:
      volumes.csv in the folder that --output names; where it names one file,
      NAME_volumes.csv beside it, so that two commands for two scans keep both.
    """
    path = pathlib.Path(output)
    if output.lower().endswith(_NIFTI_ENDINGS):
        return path.with_name(f"{scan_stem(path)}_volumes.csv")
    return path / "volumes.csv"


def _check_distinct(pairs, endings) -> None:
    """ValueError where a file would be written twice, or over one of the scans."""
    scans = {scan.resolve() for scan, _ in pairs}
    writer_of: dict[pathlib.Path, pathlib.Path] = {}
    for scan, target in pairs:
        for result in (target, *(with_ending(target, e) for e in endings)):
            if result in writer_of:
                raise ValueError(
                    f"{scan} and {writer_of[result]} would both become {result}. "
                    "Rename one, or give them different folders as --output."
                )
            if result.resolve() in scans:
                raise ValueError(f"--output would overwrite the scan {result} itself.")
            writer_of[result] = scan


def _name(scan: pathlib.Path, root: pathlib.Path) -> str:
    """The path below `root`, joined by "_", without its ending: patient-1_knee."""
    if scan == root:
        return scan_stem(scan)
    folders = scan.relative_to(root).parts[:-1]
    return "_".join([*folders, scan_stem(scan)])
