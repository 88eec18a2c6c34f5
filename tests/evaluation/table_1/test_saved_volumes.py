import dataclasses
import json

import nibabel as nib
import numpy as np
import pytest

from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.saved_volumes import SavedVolumes
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume


def save(folder, subjects, plan):
    saved = SavedVolumes(folder, plan.downsample_factor)
    evaluate(subjects, plan, on_images=saved.add)
    return saved.finish()


def scan_of(make_subject, array, affine):
    """A subject made of a scan in its own axes."""
    image = Volume(array, affine, slice_axis=int(np.argmin(array.shape))).canonical()
    scale = estimate_scale(image.array)
    return dataclasses.replace(make_subject(0), image=image, scale=scale)


@pytest.mark.parametrize("axcodes", ["RAS", "LPI", "SRA", "PIL"])
def test_ground_truth_is_the_scan_voxel_for_voxel(
    make_subject, sr_plan, tmp_path, axcodes
):
    """Of 12 slices 0, 3, 6, 9 are acquired: ten are compared, from whichever end."""
    array = np.random.default_rng(3).integers(-300, 2000, (22, 24, 12), dtype=np.int16)
    ornt = nib.orientations.axcodes2ornt(axcodes)
    affine = nib.orientations.inv_ornt_aff(ornt, array.shape)
    oblique = np.array([[0.36, 0.1, 0], [-0.1, 0.36, 0], [0, 0, 0.7]])
    affine = nib.affines.from_matvec(oblique, [7.1, -31, 9]) @ affine
    save(tmp_path, [scan_of(make_subject, array, affine)], sr_plan())
    found = nib.load(tmp_path / "volumes/knee-0/ground_truth.nii")
    assert found.get_data_dtype() == np.int16
    # Where the file says that its voxels lie, in the scan's own indices.
    offset = np.linalg.inv(affine) @ found.affine
    first = np.rint(offset[:3, 3]).astype(int)
    np.testing.assert_allclose(
        offset, nib.affines.from_matvec(np.eye(3), first), atol=1e-5
    )
    assert found.shape == (22, 24, 10)
    assert first[2] in (0, 2)
    np.testing.assert_array_equal(
        np.asarray(found.dataobj), array[..., first[2] :][..., :10]
    )


def test_other_sets_are_what_was_measured_rounded_to_the_scans_units(
    make_subject, sr_plan, tmp_path
):
    subject = make_subject(1)
    index = save(tmp_path, [subject], sr_plan())
    thick = thicken(subject.image, 3)
    tci = interpolate(thick, 3).restore().array
    expected = np.rint(np.maximum(tci, thick.array.min()))
    folder = tmp_path / "volumes" / "knee-1"
    truth = nib.load(folder / "ground_truth.nii")
    for name in ("sr", "tci"):  # this network adds nothing
        found = nib.load(folder / f"{name}.nii")
        assert found.get_data_dtype() == np.int16
        np.testing.assert_array_equal(found.affine, truth.affine)
        # Once more to the scale of the network and back: a half may go either way.
        assert np.abs(np.asarray(found.dataobj) - expected).max() <= 1
        assert np.mean(np.asarray(found.dataobj) != expected) < 1e-3
    window = json.loads(index.read_text())["subjects"][0]["window"]
    voxels = np.asarray(truth.dataobj)
    np.testing.assert_allclose(window, np.percentile(voxels, (0.5, 99.5)))


def test_float_scans_stay_float_and_integers_are_clipped(
    make_subject, sr_plan, tmp_path
):
    subject = make_subject(2)
    scan = subject.image
    floats = scan.with_array((scan.array / 1000).astype(np.float32))
    black_and_white = scan.with_array(
        np.where(scan.array > 1000, 255, 0).astype(np.uint8)
    )
    cases = [
        dataclasses.replace(
            subject, subject=name, image=image, scale=estimate_scale(image.array)
        )
        for name, image in (("floats", floats), ("bytes", black_and_white))
    ]
    save(tmp_path, cases, sr_plan())
    tci = nib.load(tmp_path / "volumes/floats/tci.nii")
    assert tci.get_data_dtype() == np.float32
    # An interpolation overshoots; 256 must not come out as 0.
    overshooting = interpolate(thicken(black_and_white, 3), 3).restore().array
    assert overshooting.max() > 260
    tci = np.asarray(nib.load(tmp_path / "volumes/bytes/tci.nii").dataobj)
    assert np.abs(np.clip(overshooting, 0, 255) - tci).max() < 1


def test_index_names_what_is_there(make_subject, sr_plan, tmp_path):
    subjects = [make_subject(0), make_subject(1, person="ann")]
    index = json.loads(save(tmp_path, subjects, sr_plan(factor=2)).read_text())
    assert (index["version"], index["downsample_factor"]) == (1, 2)
    named = [(row["subject"], row["person"]) for row in index["subjects"]]
    assert named == [("knee-0", "knee-0"), ("knee-1", "ann")]
    for row in index["subjects"]:
        files = {
            path.stem for path in (tmp_path / "volumes" / row["subject"]).iterdir()
        }
        assert (
            files == set(row["image_sets"]) == {"ground_truth", "sr", "tci", "fourier"}
        )
        low, high = row["window"]
        assert low < high


def test_volumes_of_two_runs_are_never_mixed(make_subject, sr_plan, tmp_path):
    save(tmp_path, [make_subject(0), make_subject(1)], sr_plan())
    saved = SavedVolumes(tmp_path, 3)

    def stop():
        yield make_subject(2)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        evaluate(stop(), sr_plan(), on_images=saved.add)
    # Cut short: what is there is of the new run, and no index says that it is all.
    assert [path.name for path in (tmp_path / "volumes").iterdir()] == ["knee-2"]


def test_a_strangers_files_are_not_deleted(make_subject, sr_plan, tmp_path):
    mine = tmp_path / "volumes" / "knee-0" / "mine.nii"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(ValueError, match=r"mine\.nii.*Move that away"):
        SavedVolumes(tmp_path, 3)
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("name", ["..", "a/b", ""])
def test_names_that_lead_elsewhere_are_refused(make_subject, sr_plan, tmp_path, name):
    subject = dataclasses.replace(make_subject(0), subject=name)
    with pytest.raises(ValueError, match="cannot give its name to a folder"):
        save(tmp_path, [subject], sr_plan())
