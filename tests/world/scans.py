"""Small synthetic scans, series and label maps: what tests of the world's faults begin
with. Each maker writes a sound file; a test then spoils one thing of it.
"""

import pathlib

import nibabel as nib
import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from scipy import ndimage

SHAPE = (48, 40, 10)  # columns, rows, slices
PIXEL_MM, STEP_MM = 0.5, 3.0
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)  # rows run to posterior, columns down
FIRST_MM = (20.0, -10.0, 15.0)  # of the first slice along the normal, LPS+
UID_ROOT = "1.2.826.0.1.3680043.8.498.77."
# RAS+, of sagittal slices that run to the left.
AFFINE = np.array(
    [[0, 0, -STEP_MM, 20], [PIXEL_MM, 0, 0, -10], [0, PIXEL_MM, 0, -9], [0, 0, 0, 1.0]]
)


def knee(shape=SHAPE, seed=0, top=900.0):
    """Bright blobs in dark air with a little noise, float64 [column, row, slice]."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), (4, 4, 1.2))
    field = (field - field.min()) / np.ptp(field)
    body = np.zeros(shape)
    body[4:-4, 4:-4] = 1
    body = ndimage.gaussian_filter(body, (2, 2, 0))
    return top * field * body + rng.rayleigh(8, shape)


def nifti(path, array=None, affine=AFFINE, code=1, edit=None):
    """Writes a NIfTI file, sform and qform alike; `edit(image)` changes it before."""
    array = knee().astype(np.int16) if array is None else array
    image = nib.Nifti1Image(array, affine)
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    image.header.set_xyzt_units("mm")
    if edit:
        edit(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def patch(path, offset, content):
    """Overwrites bytes of a file in place."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(content)] = content
    path.write_bytes(raw)


def dicom_slice(pixels, index, position=None, series=1, **tags):
    """One MR image of [row, column] voxels, as a scanner of the 2D kind writes it."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    made.SOPClassUID = uid.MRImageStorage
    made.SOPInstanceUID = f"{UID_ROOT}1.{series}.{index + 1}"
    made.StudyDate, made.StudyTime = "20200102", "101112"
    made.Modality, made.Manufacturer = "MR", "SYNTHETIC"
    made.SeriesDescription = "sag pd"
    made.PatientName, made.PatientID = "Test^Knee", "T1"
    made.PatientBirthDate, made.PatientSex = "", "O"
    made.ReferringPhysicianName, made.AccessionNumber = "", ""
    made.StudyID, made.SeriesNumber, made.InstanceNumber = "1", series, index + 1
    made.StudyInstanceUID = f"{UID_ROOT}2"
    made.SeriesInstanceUID = f"{UID_ROOT}3.{series}"
    made.FrameOfReferenceUID = f"{UID_ROOT}4"
    made.PositionReferenceIndicator = ""
    made.ScanningSequence, made.SequenceVariant, made.ScanOptions = "SE", "SK", ""
    made.MRAcquisitionType, made.RepetitionTime, made.EchoTime = "2D", 3000, 30
    made.EchoTrainLength, made.EchoNumbers, made.PatientPosition = 8, 1, "FFS"
    made.SliceThickness, made.SpacingBetweenSlices = STEP_MM, STEP_MM
    made.Laterality = "L"
    place = place_mm(index) if position is None else position
    made.ImagePositionPatient = [round(float(x), 6) for x in place]
    made.ImageOrientationPatient = list(SAGITTAL)
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = pixels.shape
    made.PixelSpacing = [PIXEL_MM, PIXEL_MM]
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made["PixelData"].VR = "OW"
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


def place_mm(index, step_mm=STEP_MM):
    """ImagePositionPatient of a slice, LPS+."""
    return np.add(FIRST_MM, (-index * step_mm, 0, 0))


def save_dicom(dataset, path, syntax=uid.ExplicitVRLittleEndian):
    """Writes a dataset as a DICOM file, however odd its values are."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    with pydicom.config.disable_value_validation():
        pydicom.dcmwrite(
            path,
            dataset,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            enforce_file_format=True,
        )
    return path


def dicom_stack(
    folder: pathlib.Path,
    array=None,
    *,
    series=1,
    name="IM{:04d}.dcm",
    edit=None,
    **tags,
):
    """Writes a plain series; `edit(dataset, index)` changes one slice.

    Returns the voxels that a reader should find, uint16 [column, row, slice]: what
    dcm2niix gives, but that it flips the rows.
    """
    if array is None:
        array = knee(seed=series).astype(np.uint16)
    for index in range(array.shape[2]):
        # [column, row, slice] -> [row, column].
        made = dicom_slice(array[:, :, index].T, index, series=series, **tags)
        if edit:
            edit(made, index)
        save_dicom(made, folder / name.format(index + 1))
    return array


def dicomdir(path, series=()):
    """Writes the index of a disc; `series` are lists of the files of each."""
    made = Dataset()
    made.FileSetID = "DISC"
    made.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    made.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    made.FileSetConsistencyFlag = 0
    made.DirectoryRecordSequence = []
    for number, files in enumerate(series):
        record = Dataset()
        record.DirectoryRecordType = "SERIES"
        record.SeriesInstanceUID = f"{UID_ROOT}3.{number}"
        made.DirectoryRecordSequence.append(record)
        for file in files:
            record = Dataset()
            record.DirectoryRecordType = "IMAGE"
            record.ReferencedFileID = file.split("/")
            made.DirectoryRecordSequence.append(record)
    made.SOPClassUID = uid.MediaStorageDirectoryStorage
    made.SOPInstanceUID = f"{UID_ROOT}9"
    return save_dicom(made, path)


def dicom_report(path):
    """Writes a structured report: DICOM without an image."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = uid.BasicTextSRStorage, f"{UID_ROOT}8"
    made.Modality, made.SeriesInstanceUID = "SR", f"{UID_ROOT}3.99"
    return save_dicom(made, path)


def frame_of(pixels, index, position=None, **macros):
    """A frame of an Enhanced MR image: its [row, column] voxels and its macros.

    Each macro is a dict of elements, without "Sequence" in its name; `macros` adds to
    those that say where the frame lies.
    """
    place = place_mm(index) if position is None else position
    own = {
        "PlanePosition": {"ImagePositionPatient": [round(float(x), 6) for x in place]},
        "PlaneOrientation": {"ImageOrientationPatient": list(SAGITTAL)},
        "PixelMeasures": {
            "PixelSpacing": [PIXEL_MM, PIXEL_MM],
            "SliceThickness": STEP_MM,
        },
        "FrameContent": {
            "StackID": "1",
            "InStackPositionNumber": index + 1,
            "DimensionIndexValues": [1, index + 1],
        },
        "MREcho": {"EffectiveEchoTime": 30.0},
    }
    for name, elements in macros.items():
        own[name] = own.get(name, {}) | elements
    return pixels, own


def save_enhanced(path, frames, shared=("PlaneOrientation", "PixelMeasures"), **tags):
    """Writes frames (see `frame_of`) as one Enhanced MR file.

    The macros in `shared` are those of the first frame, for all.
    """
    made = dicom_slice(frames[0][0], 0)
    for keyword in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
        *("SliceThickness", "SpacingBetweenSlices", "EchoTime", "EchoNumbers"),
        *("RepetitionTime", "ScanningSequence", "SequenceVariant", "ScanOptions"),
    ):
        delattr(made, keyword)
    made.SOPClassUID = uid.EnhancedMRImageStorage
    made.EchoPulseSequence, made.ResonantNucleus = "SPIN", "1H"
    made.NumberOfFrames = len(frames)
    pixels = np.stack([pixels for pixels, _ in frames])
    made.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made["PixelData"].VR = "OW"
    made.SharedFunctionalGroupsSequence = [_group(frames[0][1], set(shared))]
    made.PerFrameFunctionalGroupsSequence = [
        _group(macros, macros.keys() - set(shared)) for _, macros in frames
    ]
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return save_dicom(made, path, tags.get("syntax", uid.ExplicitVRLittleEndian))


def _group(macros, names):
    group = Dataset()
    for name in sorted(names & macros.keys()):
        item = Dataset()
        for keyword, value in macros[name].items():
            setattr(item, keyword, value)
        setattr(group, f"{name}Sequence", [item])
    return group
