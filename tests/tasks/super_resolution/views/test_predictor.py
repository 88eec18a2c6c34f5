"""From a scan to its thin slices, by networks of views that know little."""

import dataclasses
import pathlib

import numpy as np
import pytest
from nibabel import orientations

from deepresolve import networks
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.options import PASSING_FOLDER, Options
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views import learning, predictor
from deepresolve.tasks.super_resolution.views.data_consistency import DOUBT
from deepresolve.tasks.super_resolution.views.predictor import ViewsPredictor

CONFIG = SuperResolutionConfig(
    model="sr_views",
    num_layers=2,
    num_features=4,
    slice_profiles=("rect",),
    patch_shape=(1, 32, 8),
    patch_sampling="random",
    patches_per_volume=8,
    batch_size=4,
    loss="charbonnier",
)


def network(bias=0.0):
    """Adds `bias` of the intensity range to every part, and nothing else."""
    model = networks.build_model(CONFIG)
    *others, kernel, last = model.get_weights()
    model.set_weights([*others, np.zeros_like(kernel), last + np.float32(bias)])
    return model


def predictor_of(model=None, **options):
    return ViewsPredictor(model or network(), CONFIG, Options(**options))


@pytest.fixture
def learns(monkeypatch):
    """Makes learn_steps of one process not deterministic: TensorFlow has computed."""
    made = predictor._config

    def quick(*arguments):
        return made(*arguments).replace(deterministic=False)

    monkeypatch.setattr(predictor, "_config", quick)


@pytest.fixture(scope="module")
def whole(small_scan):
    """The small scan in whole numbers, as scanners write it."""
    return small_scan.with_array(np.rint(small_scan.array).astype(np.int16))


@pytest.fixture(scope="module")
def asked():
    return {"slice_profile": "rect", "spacing_mm": 1.6}


def along(axes, canonical):
    """The same scan with its voxels in another order."""
    own = orientations.io_orientation(canonical.affine)
    there = orientations.ornt_transform(own, orientations.axcodes2ornt(axes))
    to_old = orientations.inv_ornt_aff(there, canonical.shape)
    return Volume(
        orientations.apply_orientation(canonical.array, there),
        canonical.affine @ to_old,
        slice_axis=int(there[2, 0]),
        slice_thickness_mm=canonical.slice_thickness_mm,
    )


def outer_faces(volume):
    """Middles of the outer faces along the slices, in world mm, in any order."""
    axis, count = volume.slice_axis, volume.num_slices
    found = []
    for place in (-0.5, count - 0.5):
        index = np.array([(n - 1) / 2 for n in volume.shape] + [1.0])
        index[axis] = place
        found.append((volume.affine @ index)[:3])
    return sorted(map(tuple, np.round(found, 6)))


@pytest.mark.parametrize("axes", ["RAS", "LPI", "SLA", "AIR"])
def test_thin_slices_fill_the_field_of_view_in_the_scans_own_axes(whole, asked, axes):
    scan = along(axes, whole)
    assert scan.orientation == axes
    result = predictor_of(**asked).predict(scan).image
    assert result.orientation == axes
    assert result.slice_axis == scan.slice_axis
    assert result.num_slices == 32  # 8 slices of 6.4 mm
    assert result.slice_spacing_mm == pytest.approx(1.6)
    assert result.slice_thickness_mm == pytest.approx(1.6)
    assert outer_faces(result) == outer_faces(scan)
    assert result.array.dtype == np.int16
    # The same voxels as of the scan that was not turned.
    there_too = predictor_of(**asked).predict(whole.restore()).image.canonical()
    np.testing.assert_array_equal(result.canonical().array, there_too.array)


def test_a_canonical_scan_stays_canonical_and_floats_are_not_rounded(whole, asked):
    prediction = predictor_of(**asked, output_dtype="float32").predict(whole)
    assert prediction.image.array.dtype == np.float32
    assert prediction.image.to_source is not None
    assert np.abs(prediction.image.array % 1).max() > 0
    assert prediction.image.array.min() == whole.array.min()  # held there
    assert prediction.report["undershoot"].values["held_at"] == whole.array.min()


def test_without_a_gain_interpolation_is_given_unless_forced(whole, asked):
    worse = network(0.1)
    prediction = predictor_of(worse, **asked).predict(whole)
    (finding,) = prediction.report["self_test"].findings
    assert finding.found < 0
    better = prediction.report["self_test"].values["written"]
    assert better in ("cubic", "fourier")
    assert f"no gain, {better} interpolation" in prediction.summary
    assert f"{better} interpolation, for the network" in prediction.derivation
    assert prediction.title == f"computed {better} interpolation"
    forced = predictor_of(worse, **asked, force=True).predict(whole)
    assert forced.report["self_test"].values["written"] == "network"
    assert forced.report["self_test"].findings
    assert "no gain" not in forced.summary
    assert forced.title is None
    scale = estimate_scale(whole.array)
    brighter = np.mean(forced.image.array) - np.mean(prediction.image.array)
    # What the acquired slices contradict is taken back, but for their doubt.
    left = 0.1 * DOUBT / (1 + DOUBT)
    assert brighter == pytest.approx(left * (scale.high - scale.low), rel=0.2)


def test_the_spread_is_half_of_what_the_views_differ_by(whole, asked, monkeypatch):
    restore = predictor.restoring.restore

    def differing(*arguments):
        found = restore(*arguments)
        return found._replace(difference=np.full_like(found.difference, -0.2))

    monkeypatch.setattr(predictor.restoring, "restore", differing)
    prediction = predictor_of(**asked, spread="volume").predict(whole)
    scale = estimate_scale(whole.array)
    spread = prediction.volumes["spread"]
    np.testing.assert_allclose(spread.affine, prediction.image.affine)
    np.testing.assert_allclose(spread.array, 0.1 * (scale.high - scale.low), rtol=1e-5)
    assert prediction.report["spread"].values["mean"] == 0.1
    untold = predictor_of(**asked, spread="none").predict(whole)
    assert set(untold.volumes) == {"image"}
    assert untold.report["spread"].values["measured"] is False


def test_the_report_has_its_sections(whole, asked):
    prediction = predictor_of(**asked).predict(whole)
    assert set(prediction.report) == {
        *("consistency", "learned", "self_test", "slice_profile", "slices"),
        *("spread", "undershoot"),
    }
    assert prediction.report["learned"].values == {"from_scan": False}
    assert prediction.report["slice_profile"].values["shape"] == "rect"
    assert prediction.summary.startswith(
        "8 slices 6.4 mm apart -> 32 slices 1.6 mm apart, int16; self-test "
    )


def test_what_is_learned_from_the_scan_is_told(whole, asked, learns, monkeypatch):
    seen = []
    learn = learning.learn

    def watched(part, *arguments):
        seen.append(part.array)
        return learn(part, *arguments)

    monkeypatch.setattr(learning, "learn", watched)
    taken = predictor_of(**asked, learn="scan", learn_steps=2)
    assert taken.announcement == "Learning from the scan: 2 steps."
    assert taken.title == "computed super-resolution, learned from the scan"
    prediction = taken.predict(whole)
    learned = prediction.report["learned"].values
    assert (learned["from_scan"], learned["steps"]) == (True, 2)
    assert learned["slices_kept_from_learning"] == [3]  # counted from 1
    assert learned["slices_learned_from"] == [1, 2, 4, 5, 6, 7, 8]
    np.testing.assert_array_equal(seen, [whole.array[:, :, [0, 1, 3, 4, 5, 6, 7]]])
    mismatch = prediction.report["mismatch"].values
    assert mismatch["compared"] is False
    assert "learned from 7 slices in 2 steps" in prediction.derivation


def test_minutes_are_announced():
    assert "for 2 min 30 s" in predictor_of(learn="scan", minutes=2.5).announcement
    assert predictor_of().announcement == ""


@pytest.fixture
def folders(monkeypatch):
    """Where something was to be learned, in order; nothing is."""
    found = []

    def learn(part, scale, config, workdir, start, progress):
        found.append(pathlib.Path(workdir.path))
        return network()

    monkeypatch.setattr(learning, "learn", learn)
    monkeypatch.setattr(learning, "told", lambda workdir, model: {"steps": 0})
    return found


def test_each_scan_and_each_way_to_learn_has_a_folder_of_its_own(
    whole, asked, folders, tmp_path
):
    def predict(scan=whole, model=None, **others):
        options = {**asked, "learn": "scan", "learn_folder": str(tmp_path), **others}
        predictor_of(model, **options).predict(scan)

    predict()
    predict(minutes=7.0)  # goes on
    predict(force=True, output_dtype="float32")
    assert len(set(folders)) == 1
    predict(seed=1)
    predict(slice_thickness_mm=5.0)
    predict(learn_steps=9)
    predict(model=network(0.05))
    predict(whole.with_array(whole.array[::-1]))
    wider = np.diag([1.5, 1.5, 1, 1])
    predict(dataclasses.replace(whole, affine=whole.affine @ wider))
    assert len(set(folders)) == 7
    assert {folder.parent for folder in folders} == {tmp_path}
    assert all(folder.is_dir() for folder in folders)


def test_a_profile_that_changed_is_learned_anew(whole, folders, tmp_path):
    file = tmp_path / "profile.txt"
    for tail in (0, 0, 0.2):  # as wide at half of its maximum
        file.write_text(f"-4 0\n-3 {tail}\n-2 .5\n0 1\n2 .5\n3 {tail}\n4 0\n")
        predictor_of(
            slice_profile=str(file),
            learn="scan",
            learn_folder=str(tmp_path / "learned"),
        ).predict(whole)
    assert folders[0] == folders[1] != folders[2]


def test_the_passing_folder_goes_when_the_result_is_kept(
    whole, asked, folders, tmp_path
):
    above = tmp_path / PASSING_FOLDER
    options = {**asked, "learn": "scan", "learn_folder": str(above)}
    prediction = predictor_of(**options).predict(whole)
    assert folders[0].parent == above
    assert folders[0].is_dir() and prediction.passing == folders[0]
    (above / "of another scan").mkdir(parents=True)
    prediction.forget()
    assert [path.name for path in above.iterdir()] == ["of another scan"]
    (above / "of another scan").rmdir()
    predictor_of(**options).predict(whole).forget()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_stays(whole, asked, folders, tmp_path):
    options = {**asked, "learn": "scan", "learn_folder": str(tmp_path)}
    prediction = predictor_of(**options).predict(whole)
    assert prediction.passing is None
    prediction.forget()
    assert folders[0].is_dir()


def test_without_a_folder_nothing_stays(whole, asked, folders):
    predictor_of(**asked, learn="scan").predict(whole)
    assert not folders[0].exists()


def test_a_scan_of_three_slices_is_not_learned_from(whole, asked):
    few = whole.crop((slice(None), slice(None), slice(0, 3)))
    with pytest.raises(ValueError, match="3 slices, and 4 are needed"):
        predictor_of(**asked, learn="scan", learn_steps=1).predict(few)
    assert predictor_of(**asked).predict(few).image.num_slices == 12


def test_a_scan_too_small_for_the_self_test_is_declined(whole, asked):
    small = whole.crop((slice(0, 40), slice(0, 40), slice(None)))
    with pytest.raises(ValueError, match=r"only 5 slices 6\.4 mm apart have room"):
        predictor_of(**asked).predict(small)
