"""NIfTI-1 and NIfTI-2 in, also as pairs (.hdr, .img), and NIfTI-1 out in one file.

nibabel parses and composes the header; what stands here and in the modules beside
(`file_set`, `header`, `forms`) is which of its facts make a `Volume`,
and the care that a half-read or half-written file never passes for a scan.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
from collections.abc import Iterator, Sequence

import nibabel as nib
import numpy as np
from isal import igzip

from deepresolve.imaging import spaces
from deepresolve.imaging.folders import unpacking
from deepresolve.imaging.format_table import Format
from deepresolve.imaging.formats import grid
from deepresolve.imaging.formats.choice import Acquired
from deepresolve.imaging.formats.nifti import file_set, forms, sidecar
from deepresolve.imaging.formats.nifti import header as nifti_header
from deepresolve.imaging.formats.nifti.file_set import NiftiFiles
from deepresolve.imaging.formats.nifti.signature import SIGNATURE
from deepresolve.imaging.volume import Volume, default_slice_axis
from deepresolve.system import files

SUFFIXES = (".nii", ".nii.gz")

_LOGGER = logging.getLogger(__name__)
# Of Intel's ISA-L, which has 0 to 3: as small as zlib's level 1 in a fifth of its time;
# higher ones save nothing on a knee's noise.
_GZIP_LEVEL = 1
# Of 80 bytes the last is 0 (nifti1.h).
_LONGEST_DESCRIPTION = 79
# A qform within this fraction of a voxel of the affine says the same as the sform.
_QFORM_TOLERANCE = 1e-3
# Slices this many times as far apart as pixels are thick ones, whatever dim_info says:
# pixels are square, or nearly.
_CLEARLY_THICK = 1.5


def matches(path: pathlib.Path) -> bool:
    """Whether the file begins with a NIfTI header, or belongs to a pair with one.

    The headers of Analyze 7.5 pairs count as such.
    """
    return find(path) is not None


def find(path: pathlib.Path) -> NiftiFiles | None:
    """The files of the scan that a file belongs to; None where that is no NIfTI."""
    if not path.is_file():
        return None
    found = file_set.at(path)
    return found if found.is_scan else None


def files_of(path: pathlib.Path | NiftiFiles) -> list[pathlib.Path]:
    """The files that a scan consists of: one, or the header and the voxels of a pair.

    Args:
      path: the file, or what `find` found.

    Raises:
      ValueError: it is a header whose voxels are not beside it.
    """
    return _found(path).every()


def identity(path: pathlib.Path | NiftiFiles) -> frozenset[tuple[str, str]]:
    """Whose scan it is, by the JSON file beside it; see `sidecar.identity`."""
    return sidecar.identity(_found(path).path)


def acquired(path: pathlib.Path | NiftiFiles) -> Acquired:
    """How it was acquired, by the JSON file beside it."""
    return Acquired(echo_time_ms=sidecar.echo_time_ms(_found(path).path))


def read(path: pathlib.Path | NiftiFiles) -> Volume:
    """Reads a 3D scan, or a 4D one that holds one volume.

    The affine is that of `forms.placement`. The slice axis is the header's
    (dim_info), unless another one has clearly thicker slices; without it that of
    `volume.default_slice_axis`. The header has no place for the slice thickness and
    encoding: they come from a JSON file beside the scan, if there is one (see
    `sidecar`).

    Args:
      path: a file that `matches`, of a pair either of the two; or what `find` found.

    Returns:
      A Volume; integers keep their dtype in native byte order, floats and values with
      scale factors become float32.

    Raises:
      ValueError: the file is damaged or shorter than its header says, is not one 3D
        volume of real numbers, or its header gives no valid affine.
    """
    (volume,) = _volumes(_found(path), is_series=False)
    return volume


def read_series(path: pathlib.Path | NiftiFiles) -> list[Volume]:
    """Reads the volumes of a 4D file, or the one of a 3D file; see `read`.

    Raises:
      ValueError: as `read`, but for the number of volumes.
    """
    return _volumes(_found(path), is_series=True)


def _volumes(found: NiftiFiles, is_series: bool) -> list[Volume]:
    path, voxels_path = found.path, found.every()[-1]
    try:
        header = file_set.read_header(found)
        nifti_header.check(header, path, is_series=is_series)
        num_bytes = file_set.num_bytes(header)
        content = file_set.read_content(voxels_path, num_bytes)
    except unpacking.ERRORS as error:
        raise ValueError(
            f"{voxels_path}: damaged or cut short ({error}). Copy or export the file "
            "again."
        ) from error
    if found.kind is None:
        _LOGGER.warning(
            "%s: an Analyze 7.5 header, which does not say how the scan lies in the "
            "patient. Convert it to NIfTI by a program that knows.",
            path,
        )
    array = nifti_header.voxels(header, content, path)
    placement = forms.placement(header, path)
    sizes = nib.affines.voxel_sizes(placement.affine)
    slice_axis = _slice_axis(header, sizes, path)
    slices = sidecar.slices(path, float(sizes[slice_axis]))
    return [
        Volume(
            array[..., number],
            placement.affine,
            slice_axis,
            slices.thickness_mm,
            space=placement.space,
            other_form=placement.other,
            slice_encoding=slices.encoding,
        )
        for number in range(array.shape[3])
    ]


def write(path: pathlib.Path, volume: Volume, description: str = "") -> None:
    """Writes a NIfTI-1 file, in one step: either the whole file or none.

    A canonical volume is restored first. Integers keep their dtype; bool becomes
    uint8, any float becomes float32. The affine is stored as the sform and as the
    qform, both with the code of the volume's space; where the scan's header had two
    forms, each goes back to its place with its own code, so that the result lies on
    the scan in every viewer. A qform cannot hold shear: a volume whose slices step
    sideways gets the sform alone, which nibabel reads and ITK refuses. The slice axis
    goes to dim_info; the slice thickness has no place in the header.

    Args:
      path: ends in .nii or .nii.gz; an existing file is replaced.
      volume: what to write.
      description: of the voxels, such as their unit, in at most 79 letters of ASCII.

    Raises:
      ValueError: another suffix, a dtype that NIfTI has no place for, or a description
        that is too long.
      OSError: the disk is full or the folder missing; nothing is left behind.
    """
    with staged(path, volume, description):
        pass


@contextlib.contextmanager
def staged(path: pathlib.Path, volume: Volume, description: str = "") -> Iterator[None]:
    """Writes as `write` does; the file gets its name when the context ends.

    On any error, in the context too, what was at the path stays: so several files
    appear together, or none does.

    Args:
      path: ends in .nii or .nii.gz; an existing file is replaced.
      volume: what to write.
      description: of the voxels, in at most 79 letters of ASCII.

    Raises:
      ValueError: what `write` does not take.
      OSError: the disk is full or the folder missing; nothing is left behind.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(f"{path}: the name of a NIfTI file ends in .nii or .nii.gz.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it.")
    image = _image(volume.restore(), path)
    if len(description) > _LONGEST_DESCRIPTION or not description.isascii():
        raise ValueError(
            f"{path}: a description has at most {_LONGEST_DESCRIPTION} letters of "
            f"ASCII; got {description!r}."
        )
    image.header["descrip"] = description
    compressed = path.name.lower().endswith(".gz")
    with files.replacing(path) as temporary:
        with temporary.open("xb") as stream:
            if compressed:
                # No name and no time in the header: same volume, same bytes.
                with igzip.IGzipFile("", "wb", _GZIP_LEVEL, stream, mtime=0) as packed:
                    image.to_stream(packed)
            else:
                image.to_stream(stream)
        yield


def _found(path: pathlib.Path | NiftiFiles) -> NiftiFiles:
    return path if isinstance(path, NiftiFiles) else file_set.at(path)


def _slice_axis(
    header: nib.Nifti1Header, sizes: Sequence[float], path: pathlib.Path
) -> int:
    """dim_info's, where the sizes of voxels do not speak against it."""
    told = (int(header["dim_info"]) >> 4 & 3) - 1  # nifti1.h: 1 to 3; 0 is unknown.
    by_size = default_slice_axis(sizes)
    if told < 0:
        return by_size
    largest_pixel = max(size for axis, size in enumerate(sizes) if axis != by_size)
    if told == by_size or sizes[by_size] <= _CLEARLY_THICK * largest_pixel:
        return told
    _LOGGER.warning(
        "%s: dim_info says that slices are stacked along axis %d, %.4g mm apart, but "
        "voxels are %.4g mm long along axis %d: this one is taken, unless --slice_axis "
        "says otherwise.",
        path,
        told,
        sizes[told],
        sizes[by_size],
        by_size,
    )
    return by_size


def _image(volume: Volume, path: pathlib.Path) -> nib.Nifti1Image:
    array = volume.array
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
    elif array.dtype.kind == "b":
        array = array.astype(np.uint8)
    elif array.dtype.kind not in "iu":
        raise ValueError(f"{path}: NIfTI has no place for voxels of {array.dtype}.")
    image = nib.Nifti1Image(array, volume.affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.header.set_dim_info(slice=volume.slice_axis)
    (sform, sform_code), (qform, qform_code) = _forms(volume)
    image.set_sform(sform, sform_code)
    image.set_qform(qform, qform_code)
    apart = grid.corner_distance_mm(array.shape, image.get_qform(), qform)
    if apart > _QFORM_TOLERANCE * min(volume.spacing_mm):
        image.set_qform(None)
    return image


def _forms(volume: Volume) -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
    """(affine, code) of the sform, then of the qform."""
    own = (volume.affine, _code(volume))
    if volume.other_form is None:
        return own, own
    form = volume.other_form
    other = (form.affine, spaces.SPACES.index(form.space))
    return (other, own) if form.is_sform else (own, other)


def _code(volume: Volume) -> int:
    """The xform code; 0 only where a reader then takes the axes that the affine has."""
    if volume.space == "unknown":
        # A header without forms has voxel sizes alone, and x to the left (nibabel).
        axes = np.diag([-1, 1, 1]) * volume.spacing_mm
        is_told = np.allclose(volume.affine[:3, :3], axes, atol=1e-6)
        return 0 if is_told else spaces.SPACES.index("aligned")
    return spaces.SPACES.index(volume.space)


FORMAT = Format(
    titles=("NIfTI",),
    signature=SIGNATURE,
    expected="a NIfTI file (.nii, .nii.gz, or .hdr with .img)",
    shown_endings=(".nii", ".nii.gz", ".hdr with .img"),
    find=find,
    read=read,
    identity=identity,
    acquired=acquired,
    files_of=files_of,
    write=write,
    suffixes=SUFFIXES,
)
