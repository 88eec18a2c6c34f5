"""Files of a map of relaxation times: NIfTI, a derived DICOM series, one of floats."""

from __future__ import annotations

import contextlib
import pathlib

from deepresolve.imaging.dicom_output import map_kinds
from deepresolve.imaging.dicom_output.maps import write_map_series
from deepresolve.imaging.dicom_output.parametric_map import write_parametric_map
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.echoes import DoubleEcho, Echoes
from deepresolve.imaging.formats import nifti
from deepresolve.prediction import placement
from deepresolve.quantification.relaxation import maps
from deepresolve.quantification.relaxation.maps import RelaxationMap

# Maps that go beside that of the times.
_BESIDE = ("error", "r2")
_DICOM_KINDS = {
    "t2": map_kinds.T2,
    "dess": map_kinds.T2,
    "t2star": map_kinds.T2STAR,
    "t1rho": map_kinds.T1RHO,
}


def nifti_paths(target: pathlib.Path) -> list[pathlib.Path]:
    """What `write_nifti` writes or removes: the map, its error and its r2."""
    return [target, *(placement.further_path(target, name) for name in _BESIDE)]


def write_nifti(target: pathlib.Path, found: RelaxationMap) -> None:
    """Writes a map and, beside it, its error and r2, where it has them: all or none.

    An earlier map's of the same name, which this one has none of, are removed.

    Args:
      target: ends in .nii or .nii.gz.
      found: 0 is written where it has no value.

    Raises:
      OSError: the disk is full or the folder missing.
    """
    title = maps.KINDS[found.kind].title
    contents = (
        (found.time_ms, f"{title}, ms ({found.method})"),
        (found.error_ms, f"standard error of {title}, ms"),
        (found.r2, f"r2 of the fit of {title}"),
    )
    stale = []
    with contextlib.ExitStack() as stack:
        # They get their names when the stack ends, the map last.
        for path, (volume, text) in zip(nifti_paths(target), contents, strict=True):
            if volume is None:
                stale.append(path)
            else:
                written = maps.without_nan(volume)
                stack.enter_context(nifti.staged(path, written, text))
    for path in stale:
        path.unlink(missing_ok=True)


def write_dicom(
    target: pathlib.Path, found: RelaxationMap, echoes: Echoes | DoubleEcho
) -> None:
    """Writes a map into the study of its echoes, to which it refers.

    Args:
      target: a file .dcm for a parametric map of floats, else the folder of a series.
      found: the map.
      echoes: that it was made of, read from DICOM.

    Raises:
      ValueError: the echoes are no DICOM; or of a parametric map, highdicom is missing.
      OSError: the disk is full or the folder missing.
    """
    kind = _DICOM_KINDS[found.kind]
    sources = [read_source(path, choice=choice) for path, choice in echoes.origins]
    processing = Processing(
        f"{kind.title} map", found.method, derivation=" ".join(found.notes)
    )
    if target.suffix.lower() == ".dcm":
        write_parametric_map(target, found.time_ms, kind, sources, processing)
    else:
        volume = maps.without_nan(found.time_ms)
        write_map_series(target, volume, kind, sources, processing)
