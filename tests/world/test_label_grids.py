"""Label maps are compared with their images in the patient, not array by array.

Where a map lies, nibabel and SimpleITK say; what it should become on the image's grid
is known, for each map here is made out of one that lies on its image voxel by voxel.
"""

import itertools
import re

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel import orientations
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.system import notes

FEW = settings(max_examples=60, deadline=None, derandomize=True)
SHAPE = (12, 10, 6)
# Oblique: no axis lies along one of the patient's.
OBLIQUE = scans.AFFINE.copy()
OBLIQUE[:3, :3] = nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ OBLIQUE[:3, :3]
IMAGE = volumes.Volume(scans.knee(SHAPE), OBLIQUE)
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[3:9, 2:7, 1:5] = np.arange(120).reshape(6, 5, 4) % 4
AXES = [
    "".join(letters)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for letters in itertools.product(*axes)
]


def save(path, array=LABELS, affine=OBLIQUE, code=1, dtype=np.uint8):
    image = nib.Nifti1Image(array.astype(dtype), affine, dtype=dtype)
    image.set_qform(None)
    image.set_sform(affine, code)
    image.to_filename(path)
    return path


def read(path, image=IMAGE, **options):
    with notes.collected() as found:
        label = formats.read_label_map(path, image=image, **options)
    assert label.array.dtype == np.uint8
    np.testing.assert_array_equal(label.affine, image.affine)
    assert all(note.startswith(f"{path}: ") for note in found)
    return label.array, list(found)


@pytest.mark.parametrize("codes", AXES)
def test_every_order_of_axes_is_turned_without_loss(codes, tmp_path):
    plain = nib.Nifti1Image(LABELS, OBLIQUE)
    turn = orientations.ornt_transform(
        nib.io_orientation(OBLIQUE), orientations.axcodes2ornt(codes)
    )
    made = plain.as_reoriented(turn)
    path = save(tmp_path / "label.nii", np.asanyarray(made.dataobj), made.affine)
    array, found = read(path)
    np.testing.assert_array_equal(array, LABELS)
    if codes == "".join(nib.aff2axcodes(OBLIQUE)):
        assert found == []
    else:
        assert len(found) == 1
        assert f"along other axes ({codes}) than its image" in found[0]


@st.composite
def storages(draw):
    """An order of axes, and voxels cut off (below 0) or added at the six sides."""
    sides = [draw(st.tuples(st.integers(-3, 3), st.integers(-3, 3))) for _ in range(3)]
    return draw(st.sampled_from(AXES)), sides


@FEW
@given(storages(), st.floats(-0.05, 0.05))
def test_any_turn_crop_and_margin_gives_the_identical_labels(
    tmp_path_factory, storage, off_voxels
):
    codes, sides = storage
    array, affine = LABELS, OBLIQUE.copy()
    for axis, (before, after) in enumerate(sides):
        widths = [(0, 0)] * 3
        widths[axis] = (max(0, before), max(0, after))
        array = np.pad(array, widths)
        cut = [slice(None)] * 3
        cut[axis] = slice(max(0, -before), array.shape[axis] - max(0, -after))
        lost = array.sum() - array[tuple(cut)].sum()
        if not lost:  # Else the side stays as it is.
            array = array[tuple(cut)]
            affine[:3, 3] -= affine[:3, axis] * before
        else:
            array = array[tuple(slice(w[0], -w[1] or None) for w in widths)]
    affine[:3, 3] += affine[:3, 0] * off_voxels
    made = nib.Nifti1Image(array, affine)
    made = made.as_reoriented(
        orientations.ornt_transform(
            nib.io_orientation(affine), orientations.axcodes2ornt(codes)
        )
    )
    path = save(
        tmp_path_factory.mktemp("labels") / "a.nii",
        np.asanyarray(made.dataobj),
        made.affine,
    )
    is_twin = np.allclose(affine[:3, 3], OBLIQUE[:3, 3], atol=0.03)
    if array.shape == SHAPE and not is_twin:
        with pytest.raises(ValueError, match="mm off its image"):
            read(path)
        return
    placed, found = read(path)
    np.testing.assert_array_equal(placed, LABELS)
    is_moved = any("laid where it lies in the patient" in note for note in found)
    assert is_moved == (array.shape != SHAPE)


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nrrd", ".mha"])
def test_a_map_that_3d_slicer_cut_to_its_segments_is_placed(tmp_path, suffix):
    made = sitk.GetImageFromArray(scans.knee().astype(np.int16).T)
    made.SetSpacing((scans.PIXEL_MM, scans.PIXEL_MM, scans.STEP_MM))
    made.SetOrigin((-12.25, 3.5, 71))
    sitk.WriteImage(made, str(tmp_path / "scan.nrrd"))
    labels = sitk.Cast(made > 400, sitk.sitkUInt8) * 3
    labels.CopyInformation(made)
    cut = labels[4:44, 4:36, 2:8]
    cut.SetMetaData("Segment0_LabelValue", "3")
    cut.SetMetaData("Segment0_Name", "femoral cartilage")
    sitk.WriteImage(cut, str(tmp_path / f"label{suffix}"))
    # Everything that is cut away is background.
    expected = sitk.GetArrayFromImage(labels).T.copy()
    inside = np.zeros_like(expected)
    inside[4:44, 4:36, 2:8] = expected[4:44, 4:36, 2:8]
    image = formats.read_image(tmp_path / "scan.nrrd")
    array, found = read(tmp_path / f"label{suffix}", image)
    np.testing.assert_array_equal(array, inside)
    assert len(found) == 1
    assert "on the image's voxels 4 to 43, 4 to 35, 2 to 7" in found[0]


def test_segments_in_layers_are_refused_with_words(tmp_path):
    layers = np.stack([LABELS > 1, LABELS > 2], axis=-1).astype(np.uint8)
    image = sitk.GetImageFromArray(layers.transpose(2, 1, 0, 3), isVector=True)
    sitk.WriteImage(image, str(tmp_path / "label.seg.nrrd"))
    with pytest.raises(ValueError, match=r"segments.*layers.*label map") as caught:
        read(tmp_path / "label.seg.nrrd")
    assert str(caught.value).startswith(str(tmp_path / "label.seg.nrrd"))


def test_a_larger_map_is_cut_unless_labels_are_lost(tmp_path):
    larger = np.pad(LABELS, ((2, 1), (0, 0), (3, 0)))
    affine = OBLIQUE @ nib.affines.from_matvec(np.eye(3), (-2, 0, -3))
    array, _ = read(save(tmp_path / "a.nii", larger, affine))
    np.testing.assert_array_equal(array, LABELS)
    larger[0, 0, 0] = 1
    with pytest.raises(ValueError, match="1 labelled voxels lie outside the image"):
        read(save(tmp_path / "b.nii", larger, affine))


def tilted(angle):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ OBLIQUE


@pytest.mark.parametrize(
    ("angle", "note"), [(1e-5, None), (1e-3, "voxels off its image"), (2e-2, "error")]
)
def test_a_tilt_of_a_tenth_of_a_voxel_is_rounding(tmp_path, angle, note):
    path = save(tmp_path / "label.nii", affine=tilted(angle))
    if note == "error":
        with pytest.raises(ValueError, match="--ignore_label_affines") as caught:
            read(path)
        text = str(caught.value)
        assert text.startswith(f"{path}: the label map of shape (12, 10, 6) lies ")
        assert str(OBLIQUE.tolist()) in text
        assert len(re.findall("Affine of", text)) == 2
        array, found = read(path, ignore_affine=True)
        assert found == []
    else:
        array, found = read(path)
        assert [bool(re.search(note, text)) for text in found] == [True] * bool(note)
    np.testing.assert_array_equal(array, LABELS)


@pytest.mark.parametrize(("share", "is_near"), [(0.09, True), (0.12, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_stated_share_holds_along_each_axis(tmp_path, axis, share, is_near):
    step = np.zeros(3)
    step[axis] = share
    affine = OBLIQUE @ nib.affines.from_matvec(np.eye(3), step)
    path = save(tmp_path / "label.nii", affine=affine)
    if is_near:
        np.testing.assert_array_equal(read(path)[0], LABELS)
    else:
        with pytest.raises(ValueError, match="mm off its image"):
            read(path)


@pytest.mark.parametrize("moved", [(1, 0, 0), (0, 0, -2), (40, 0, 0), (0.5, 0, 0)])
def test_a_map_of_the_images_shape_elsewhere_is_refused(tmp_path, moved):
    """Who knows whether it was cut and filled up again, or has a wrong affine."""
    affine = OBLIQUE @ nib.affines.from_matvec(np.eye(3), moved)
    path = save(tmp_path / "label.nii", affine=affine)
    far = np.linalg.norm(OBLIQUE[:3, :3] @ moved)
    with pytest.raises(ValueError, match=rf"lies {far:.3g} mm off its image") as caught:
        read(path)
    assert "--ignore_label_affines" in str(caught.value)


def test_other_voxel_sizes_are_refused_as_such(tmp_path):
    path = save(tmp_path / "label.nii", affine=OBLIQUE @ np.diag([2, 2, 1, 1]))
    with pytest.raises(
        ValueError, match=r"voxels of 1 x 1 x 3 mm, its image of 0.5 x 0.5 x 3 mm"
    ) as caught:
        read(path)
    assert "Resample the label map" in str(caught.value)


def test_a_map_that_does_not_say_how_it_lies_is_not_turned(tmp_path):
    path = save(tmp_path / "label.nii", code=0)
    with pytest.raises(ValueError, match="does not say how its voxels lie") as caught:
        read(path)
    assert "--ignore_label_affines" in str(caught.value)
    np.testing.assert_array_equal(read(path, ignore_affine=True)[0], LABELS)
    # Beside an image that does not say it, either, both lie alike.
    unplaced = scans.nifti(tmp_path / "scan.nii", scans.knee(SHAPE), code=0)
    with notes.collected():
        image = formats.read_image(unplaced)
    array, found = read(path, image)
    np.testing.assert_array_equal(array, LABELS)
    assert any("neither sform nor qform" in note for note in found)


def test_a_map_may_lie_on_either_form_of_its_image(tmp_path):
    """nibabel.Nifti1Image(labels, scan.affine) keeps one form, and names it aligned."""
    scan = tmp_path / "scan.nii"
    moved = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3), (5, 6, 7)) @ OBLIQUE
    scans.nifti(scan, scans.knee(SHAPE), OBLIQUE, edit=lambda i: i.set_sform(moved, 4))
    with notes.collected():
        image = formats.read_image(scan)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-5)
    path = tmp_path / "label.nii"
    nib.Nifti1Image(LABELS, nib.load(scan).affine).to_filename(path)
    array, found = read(path, image)
    np.testing.assert_array_equal(array, LABELS)
    assert found == []


# ------------------------------------------------------------------ values
@pytest.mark.parametrize("num_labels", [1, 4, 6, 40])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_labels_that_a_scale_factor_made_of_whole_numbers(tmp_path, num_labels, dtype):
    """Floats saved by nibabel under the integer header of the scan."""
    labels = np.arange(LABELS.size).reshape(SHAPE) % (num_labels + 1)
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    path = tmp_path / "label.nii.gz"
    image = nib.Nifti1Image(labels.astype(np.float64), OBLIQUE, header)
    image.set_sform(OBLIQUE, 1)
    image.to_filename(path)
    stored = np.asanyarray(nib.load(path).dataobj)
    array, found = read(path)
    np.testing.assert_array_equal(array, labels)
    assert bool(found) == bool(np.any(stored.astype(np.float32) != labels))


@pytest.mark.parametrize(
    "array",
    [
        LABELS * 0.25,
        np.where(LABELS > 0, LABELS + 0.2, 0),
        # Near to whole numbers, but drawn in parts: many values around one.
        LABELS + np.linspace(0, 0.05, LABELS.size).reshape(SHAPE),
        LABELS + np.linspace(0.001, 0.05, LABELS.size).reshape(SHAPE),
        np.where(LABELS == 1, np.nan, LABELS),
        np.where(LABELS == 1, np.inf, LABELS),
    ],
    ids=["quarters", "fifths", "parts", "no_whole", "nan", "inf"],
)
def test_fractions_are_no_labels(tmp_path, array):
    path = save(tmp_path / "label.nii", array, dtype=np.float32)
    with pytest.raises(ValueError, match=r"whole numbers 0 to 255; got .* more such"):
        read(path)


def test_what_floats_round_is_whole(tmp_path):
    array = LABELS.astype(np.float32)
    place = tuple(np.argwhere(array == 1)[0])
    array[place] = np.nextafter(np.float32(1), np.float32(2))
    label, found = read(save(tmp_path / "label.nii.gz", array, dtype=np.float32))
    np.testing.assert_array_equal(label, LABELS)
    (note,) = found
    assert "no whole numbers, such as 1.0000001" in note


def test_a_flag_that_needs_equal_shapes_is_not_named_without(tmp_path):
    moved = OBLIQUE @ nib.affines.from_matvec(np.eye(3), [0.5, 0, 0])
    for array, is_named in (LABELS, True), (LABELS[1:], False):
        with pytest.raises(ValueError, match="Resample the label map") as caught:
            read(save(tmp_path / "label.nii.gz", array, moved))
        assert ("--ignore_label_affines" in str(caught.value)) == is_named


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize(
    ("factor", "listed"), [(1010, "1010, 2020, 3030"), (-1, "-3, -2, -1")]
)
def test_other_whole_numbers_are_listed_and_the_way_on_is_told(
    tmp_path, dtype, factor, listed
):
    path = save(tmp_path / "label.nii", LABELS.astype(dtype) * factor, dtype=dtype)
    with pytest.raises(ValueError, match=rf"got {listed}\. Give each") as caught:
        read(path)
    assert "--label_names" in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8])
def test_whole_numbers_of_any_type_and_none_at_all(tmp_path, dtype):
    array, found = read(save(tmp_path / "a.nii", LABELS, dtype=dtype))
    np.testing.assert_array_equal(array, LABELS)
    assert found == []
    assert not read(save(tmp_path / "b.nii", LABELS * 0, dtype=dtype))[0].any()
