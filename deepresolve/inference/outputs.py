"""Which file each scan becomes."""

from __future__ import annotations

import pathlib

from deepresolve.imaging.formats import scan_stem

_NIFTI_ENDINGS = (".nii", ".nii.gz")
# What somebody may ask for who does not want a folder of that name.
_OTHER_ENDINGS = (".dcm", ".hdr", ".img", ".mgz", ".mha", ".mhd", ".nrrd", ".zip")


def plan_outputs(
    source: str, output: str, scans: list[pathlib.Path]
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Pairs each scan with the file that it becomes.

    Args:
      source: what --input named.
      output: what --output named.
      scans: the scans found at `source`.

    Raises:
      ValueError: another file format, several scans for one file, two scans for the
        same file, or a scan that would be overwritten by its own result.
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
    by_target: dict[pathlib.Path, pathlib.Path] = {}
    for scan, result in pairs:
        if result in by_target:
            raise ValueError(
                f"{scan} and {by_target[result]} would both become {result}. Rename "
                "one, or super-resolve them into different folders."
            )
        if result.resolve() == scan.resolve():
            raise ValueError(f"--output would overwrite the scan {scan} itself.")
        by_target[result] = scan
    return pairs


def _name(scan: pathlib.Path, root: pathlib.Path) -> str:
    """The path below `root`, joined by "_", without its ending: patient-1_knee."""
    if scan == root:
        return scan_stem(scan)
    folders = scan.relative_to(root).parts[:-1]
    return "_".join([*folders, scan_stem(scan)])
