"""Synthetic DICOM slices, written by pydicom."""

import numpy as np
import pydicom
import pytest
from pydicom import uid

SERIES_UID = "1.2.826.0.1.3680043.8.498.11111111"


def _write_slice(path, pixels, *, position, syntax=uid.ExplicitVRLittleEndian, **tags):
    """Writes one MR slice.

    Args:
      path: of the file.
      pixels: (rows, columns) int16 or uint16.
      position: ImagePositionPatient.
      syntax: transfer syntax.
      **tags: other elements by keyword; None leaves a default out.
    """
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = syntax
    dataset = pydicom.dataset.FileDataset(
        str(path),
        {},
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=syntax.is_implicit_VR,
        is_little_endian=syntax.is_little_endian,
    )
    elements = {
        "SOPClassUID": uid.MRImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": SERIES_UID,
        "SeriesNumber": 4,
        "ImagePositionPatient": [float(x) for x in position],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.75],
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    for keyword, value in {**elements, **tags}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    byte_order = "<" if syntax.is_little_endian else ">"
    raw = pixels.astype(pixels.dtype.newbyteorder(byte_order)).tobytes()
    dataset.PixelData = pydicom.encaps.encapsulate([raw]) if _packed(syntax) else raw
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path)


def _packed(syntax):
    return syntax.is_compressed and syntax != uid.DeflatedExplicitVRLittleEndian


@pytest.fixture
def write_slice():
    return _write_slice


@pytest.fixture
def write_stack(tmp_path):
    """Writes `num_slices` axial slices 4 mm apart; returns their folder and voxels.

    Keyword `each` maps a slice's number to further tags for it. The voxels are the
    (column, row, slice) array that a reader should find.
    """

    def write(name="scan", *, num_slices=4, each=None, **tags):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        voxels = np.random.default_rng(7).integers(
            -500, 2000, (3, 5, num_slices), dtype=np.int16
        )
        for number in range(num_slices):
            own = {"position": (-10, -20, 4 * number), **tags}
            if each is not None:
                own |= each(number)
            file = folder / own.pop("name", f"slice{number}.dcm")
            _write_slice(file, own.pop("pixels", voxels[:, :, number].T), **own)
        return folder, voxels

    return write
