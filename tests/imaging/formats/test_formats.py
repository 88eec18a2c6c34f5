import pathlib
import zipfile

import nibabel as nib
import numpy as np
import pytest
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats.choice import ALL, ONLY, Choice

SHAPE = (5, 6, 4)
AFFINE = np.diag([0.5, 0.75, 3.0, 1.0])


def _voxels(dtype=np.int16):
    return np.random.default_rng(3).integers(0, 200, SHAPE).astype(dtype)


def _image():
    return volumes.Volume(_voxels(), AFFINE, 2, 2.5)


def _save(path, array, affine=AFFINE):
    nib.Nifti1Image(array, affine, dtype=array.dtype).to_filename(path)
    return path


@pytest.mark.parametrize("as_type", [str, pathlib.Path])
def test_formats_are_told_by_content(as_type, tmp_path, write_stack):
    folder, voxels = write_stack()
    np.testing.assert_array_equal(formats.read_image(as_type(folder)).array, voxels)
    _save(tmp_path / "scan.nii.gz", _voxels()).rename(tmp_path / "a scan.dcm")
    image = formats.read_image(as_type(tmp_path / "a scan.dcm"))
    np.testing.assert_array_equal(image.array, _voxels())


def test_slice_axis_is_overridden(tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    assert formats.read_image(path).slice_axis == 2
    assert formats.read_image(path, slice_axis=0).slice_axis == 0
    with pytest.raises(ValueError, match="slice_axis must be 0, 1 or 2; got 5"):
        formats.read_image(path, slice_axis=5)


def test_series_and_echo_reach_the_format(tmp_path, write_stack):
    folder, _ = write_stack(SeriesNumber=4)
    assert formats.read_image(folder, choice=Choice(series=4, echo=1)).num_slices == 4
    with pytest.raises(ValueError, match="0 fit 9"):
        formats.read_image(folder, choice=Choice(series=9))


def test_each_choice_has_its_part_of_the_identity(write_stack):
    for number in (4, 5):
        folder, _ = write_stack(
            each=lambda n, number=number: {"name": f"{number}_{n}.dcm"},
            SeriesNumber=number,
            SeriesInstanceUID=f"1.9.{number}",
            PatientID="P7",
            FrameOfReferenceUID=f"1.8.{number}",
        )
    found = formats.contents(folder, Choice(ALL))
    patient, *frames = (
        ("PatientID", "P7"),
        ("FrameOfReferenceUID", "1.8.4"),
        ("FrameOfReferenceUID", "1.8.5"),
    )
    assert found.identity == {patient, *frames}
    assert found.identities == tuple({patient, frame} for frame in frames)
    assert formats.contents(folder, Choice(5)).identities == ({patient, frames[1]},)
    # Without a choice nobody knows which is meant.
    assert formats.contents(folder).identities == (found.identity,)


def test_what_a_scan_holds_is_told_without_its_voxels(tmp_path, write_stack):
    folder, _ = write_stack(PatientID="P7", SeriesNumber=4)
    found = formats.contents(folder, Choice(ALL, ALL))
    assert found == formats.Contents((ONLY,), frozenset({("PatientID", "P7")}))
    assert found.acquired == (formats.Acquired(),)
    assert found.identities == (found.identity,)
    path = _save(tmp_path / "scan.nii", _voxels())
    assert formats.contents(path, Choice(ALL, 2)) == formats.Contents((ONLY,))


@pytest.mark.parametrize(
    ("elements", "side"),
    [
        ({"Laterality": "L"}, "left"),
        ({"ImageLaterality": "R", "Laterality": "L"}, "right"),
        ({"ImageLaterality": "B", "Laterality": "L"}, "unknown"),
        ({"ImageLaterality": "", "Laterality": "R"}, "right"),
    ],
)
def test_echo_time_and_side_of_dicom(write_stack, elements, side):
    folder, _ = write_stack(EchoTime="35.2", **elements)
    (acquired,) = formats.contents(folder).acquired
    assert acquired == formats.Acquired(35.2, side)
    assert formats.read_image(folder).side == side


def test_slices_that_contradict_each_other_tell_nothing(write_stack):
    folder, _ = write_stack(each=lambda n: {"ImageLaterality": "LRLR"[n]})
    assert formats.contents(folder).acquired == (formats.Acquired(),)
    assert formats.read_image(folder).side == "unknown"


@pytest.mark.parametrize(
    ("told", "expected_ms"),
    [("0.0352", 35.2), ("0", None), ("-1", None), ('"0.03"', None), ("true", None)],
)
def test_the_echo_time_of_a_nifti_scan_is_in_its_json(tmp_path, told, expected_ms):
    path = _save(tmp_path / "scan.nii", _voxels())
    # In seconds, as dcm2niix and BIDS have it.
    (tmp_path / "scan.json").write_text(f'{{"EchoTime": {told}}}')
    (acquired,) = formats.contents(path).acquired
    assert acquired == formats.Acquired(expected_ms)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_refused(value, tmp_path):
    array = _voxels(np.float32)
    array[1, 2, 3] = array[0, 0, 0] = value
    path = _save(tmp_path / "scan.nii", array)
    with pytest.raises(ValueError, match=r"scan.nii: 2 voxels are NaN or infinite"):
        formats.read_image(path)


def test_doubles_beyond_float32_are_refused(tmp_path):
    array = _voxels(np.float64)
    array[1, 2, 3] = 1e300
    with pytest.raises(ValueError, match="1 voxels are NaN or infinite"):
        formats.read_image(_save(tmp_path / "scan.nii", array))


def test_a_constant_image_is_refused(tmp_path):
    path = _save(tmp_path / "scan.nii", np.full(SHAPE, 7, np.int16))
    with pytest.raises(ValueError, match=r"scan.nii: every voxel is 7"):
        formats.read_image(path)


@pytest.mark.parametrize("shape", [(5, 6, 1), (1, 6, 5)])
def test_a_single_slice_is_refused(shape, tmp_path):
    path = _save(tmp_path / "scan.nii", np.arange(30, dtype=np.int16).reshape(shape))
    with pytest.raises(ValueError, match="a 3D scan of several slices"):
        formats.read_image(path)


def test_what_is_no_scan_is_refused(tmp_path):
    (tmp_path / "text.nii").write_text("not a scan " * 100)
    (tmp_path / "empty.nii.gz").touch()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no scan here")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "no scan here")
    for name, message in (
        ("text.nii", r"text.nii: neither NIfTI nor DICOM.*begins with b'not a scan"),
        ("empty.nii.gz", r"empty.nii.gz: neither NIfTI nor DICOM.*b''"),
        ("nothing", "nothing: the folder holds no DICOM file"),
        ("notes", "notes: the folder holds no DICOM file"),
        ("other.zip", r"other.zip: neither NIfTI nor DICOM"),
    ):
        with pytest.raises(ValueError, match=message):
            formats.read_image(tmp_path / name)


def test_a_gzip_cut_off_within_the_header_is_refused(tmp_path):
    path = _save(tmp_path / "scan.nii.gz", _voxels())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"scan.nii.gz: neither .*, or damaged"):
        formats.read_image(path)


@pytest.mark.parametrize("function", [formats.read_image, formats.find_scans])
def test_a_missing_path_is_a_missing_file(function, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing.nii: there is no such file"):
        function(tmp_path / "missing.nii")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_labels_become_uint8_on_the_images_grid(dtype, tmp_path):
    path = _save(tmp_path / "label.nii.gz", _voxels(dtype))
    label = formats.read_label_map(path, image=_image())
    assert label.array.dtype == np.uint8
    np.testing.assert_array_equal(label.array, _voxels())
    np.testing.assert_array_equal(label.affine, AFFINE)
    assert (label.slice_axis, label.slice_thickness_mm) == (2, 2.5)


def test_labels_follow_the_images_slice_axis(tmp_path):
    path = _save(tmp_path / "label.nii.gz", _voxels())
    image = volumes.Volume(_voxels(), AFFINE, 0)
    assert formats.read_label_map(path, image=image).slice_axis == 0
    # A canonical image stands for the scan that it was made of.
    label = formats.read_label_map(path, image=image.canonical())
    np.testing.assert_array_equal(label.array, _voxels())


def test_a_label_map_may_be_empty(tmp_path):
    path = _save(tmp_path / "label.nii.gz", np.zeros(SHAPE, np.uint8))
    assert not formats.read_label_map(path, image=_image()).array.any()


@pytest.mark.parametrize("value", [-1, 256, 0.5, np.nan, np.inf])
def test_other_values_are_no_labels(value, tmp_path):
    array = _voxels(np.float32)
    array[2, 2, 2] = value
    path = _save(tmp_path / "label.nii.gz", array)
    with pytest.raises(ValueError, match=rf"label.nii.gz: labels .* got {value}"):
        formats.read_label_map(path, image=_image())


def test_write_is_nifti(tmp_path):
    formats.write(str(tmp_path / "scan.nii.gz"), _image())
    again = formats.read_image(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(again.array, _voxels())
    np.testing.assert_allclose(again.affine, AFFINE)


def test_scans_are_found_at_any_depth(tmp_path, write_stack):
    for name in ("b.nii", "a.nii.gz", "study/c.NII.GZ", ".hidden.nii", ".trash/d.nii"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a.json").write_text("{}")
    for name in ("e.zip", "f.mha", "g.mhd", "g.raw", "h.nrrd"):
        (tmp_path / name).touch()
    write_stack("study/knee")
    write_stack("study/knee2")
    # What lies below a folder of slices belongs to that scan.
    (tmp_path / "study" / "knee" / "more").mkdir()
    first = (tmp_path / "study" / "knee" / "slice0.dcm").read_bytes()
    (tmp_path / "study" / "knee" / "more" / "slice9.dcm").write_bytes(first)
    found = formats.find_scans(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "a.nii.gz",
        "b.nii",
        "e.zip",
        "f.mha",
        "g.mhd",
        "h.nrrd",
        "study/c.NII.GZ",
        "study/knee",
        "study/knee2",
    ]


def test_a_scan_is_found_as_itself(tmp_path, write_stack):
    folder, _ = write_stack()
    path = _save(tmp_path / "scan.nii", _voxels())
    assert formats.find_scans(path) == [path]
    assert formats.find_scans(str(folder)) == [folder]


@pytest.mark.parametrize("name", ["knee.nii", "more/knee.nii.gz", "more/knee.ZIP"])
def test_a_folder_of_dicom_files_and_of_other_scans_is_refused(
    name, tmp_path, write_stack
):
    folder, _ = write_stack("study")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    message = rf"study: holds DICOM files \(slice0.dcm\) and other scans \({name}\)"
    for root in (tmp_path, folder):
        with pytest.raises(ValueError, match=message):
            formats.find_scans(root)


def test_a_disc_with_an_index_lists_its_series(tmp_path, write_stack):
    folder, _ = write_stack("study")
    scans.dicomdir(tmp_path / "DICOMDIR")
    assert formats.find_scans(tmp_path) == [folder]


def test_a_link_back_up_is_followed_once(tmp_path):
    (tmp_path / "a.nii").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert formats.find_scans(tmp_path) == [tmp_path / "a.nii"]


def test_a_folder_without_scans_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("no scan here")
    with pytest.raises(ValueError, match=r"no scan here\. Expected"):
        formats.find_scans(tmp_path)


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("study/knee.01.nii.gz", "knee.01"),
        ("knee.nii", "knee"),
        ("KNEE.NII.GZ", "KNEE"),
        ("knee.zip", "knee"),
        ("knee.mha", "knee"),
        ("knee.MHD", "knee"),
        ("knee.seg.nrrd", "knee.seg"),
        ("study/series.4/", "series.4"),
        ("knee.nii.gz.nii", "knee.nii.gz"),
    ],
)
def test_scan_stem(path, stem):
    assert formats.scan_stem(path) == stem


def test_the_stem_of_this_folder_is_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert formats.scan_stem(".") == tmp_path.name
