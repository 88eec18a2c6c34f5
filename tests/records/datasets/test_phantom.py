"""Synthetic knees as a dataset."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest
import scipy.stats

import deepresolve
from deepresolve.simulation import phantom
from deepresolve.simulation.phantom import lesions
from records import conversion, manifest, reader
from records.datasets import Phantom
from records.datasets.phantom import _mean_mm

SMALL = Phantom(4, phantom_shape=(24, 20, 12), phantom_spacing_mm=(1.0, 1.25, 1.5))


def test_sides_take_turns_and_everyone_is_a_person():
    subjects = list(SMALL.subjects(seed=0))
    assert [s.side for s in subjects] == ["right", "left", "right", "left"]
    assert len({s.person for s in subjects}) == 4


def test_the_seed_decides_each_knee():
    first, again, other = ([s.seed for s in SMALL.subjects(seed)] for seed in (1, 1, 2))
    assert first == again
    assert len({*first, *other}) == 8
    # More subjects keep the knees there were.
    assert [s.seed for s in Phantom(9).subjects(1)][:4] == first


def test_a_knee_is_drawn_as_asked():
    (_, subject, *_) = SMALL.subjects(seed=0)
    loaded = subject.load()
    image, label = loaded.image, loaded.label
    knee = phantom.knee(
        seed=subject.seed, side="left", shape=(24, 20, 12), spacing_mm=(1, 1.25, 1.5)
    )
    np.testing.assert_array_equal(image.array, knee.image.array)
    np.testing.assert_array_equal(label.array, knee.label.array)
    assert image.shape == (24, 20, 12)
    assert image.spacing_mm == pytest.approx((1, 1.25, 1.5))
    thickness = loaded.arrays["thickness_mm"]
    np.testing.assert_array_equal(thickness.array, knee.thickness_mm.array)
    nbytes = image.array.nbytes + label.array.nbytes + thickness.array.nbytes
    assert subject.num_bytes == nbytes


def test_the_hash_changes_with_settings_and_code(monkeypatch):
    first, second, *_ = SMALL.subjects(seed=0)
    (before, _), (other, _) = first.hashes(), second.hashes()
    assert before != other
    assert first.hashes()[0] == before
    monkeypatch.setattr(deepresolve, "__version__", "another")
    assert first.hashes()[0] != before


def test_labels_have_names():
    assert SMALL.label_names == phantom.LABEL_NAMES


def test_labels_of_both_knees_come_out_again(tmp_path):
    study = Phantom(2, phantom_shape=(10, 10, 24), phantom_spacing_mm=(3, 3, 3))
    conversion.convert(
        conversion.Recipe("phantom", study, split=(0, 0, 100)), str(tmp_path)
    )
    assert manifest.load(str(tmp_path)).label_names == phantom.LABEL_NAMES
    drawn = {subject.id: subject.load().label for subject in study.subjects(seed=0)}
    medial_of = {}
    for stored in reader.subjects(str(tmp_path), "test"):
        label = stored.label.restore()
        np.testing.assert_array_equal(label.array, drawn[stored.subject].array)
        centres = [
            np.argwhere(stored.label.array == value).mean(axis=0)
            for value in (2, 3)  # medial and lateral tibial cartilage
        ]
        # x of RAS+ grows to the patient's right.
        medial, lateral = nib.affines.apply_affine(stored.label.affine, centres)[:, 0]
        medial_of[stored.side] = "left" if medial < lateral else "right"
    # The medial side faces the other knee.
    assert medial_of == {"right": "left", "left": "right"}


def test_the_thickness_of_a_layer_is_its_mean_over_the_bone():
    # 1 mm over an area of 3 and 3 mm over an area of 1, in voxels of 0.5 mm.
    voxels = np.repeat(np.float32([1, 3]), [3 * 2, 1 * 6])
    assert _mean_mm(voxels) == pytest.approx((3 * 1 + 1 * 3) / 4)


def test_the_true_thickness_comes_out_again(tmp_path):
    study = Phantom(1, phantom_shape=(30, 30, 24), phantom_spacing_mm=(3, 3, 3))
    conversion.convert(
        conversion.Recipe("phantom", study, split=(0, 0, 100)), str(tmp_path)
    )
    (stored,) = reader.subjects(str(tmp_path), "test")
    (subject,) = study.subjects(seed=0)
    thickness = stored.arrays["thickness_mm"]
    drawn = subject.load().arrays["thickness_mm"]
    np.testing.assert_array_equal(thickness.restore().array, drawn.array)
    told = {name for name in Phantom.brings.scalars if name.startswith("thickness_mm")}
    assert stored.scalars.keys() == told
    assert "second_echo" not in stored.arrays
    for value, tissue in phantom.LABEL_NAMES.items():
        if "cartilage" in tissue:
            covered = thickness.array[stored.label.array == value]
            told = stored.scalars[f"thickness_mm_{tissue.replace(' ', '_')}"]
            assert told == pytest.approx(scipy.stats.hmean(covered), rel=1e-6)
    (element,) = reader.dataset(
        str(tmp_path),
        "test",
        needs=("thickness_mm", "thickness_mm_patellar_cartilage"),
    ).as_numpy_iterator()
    np.testing.assert_array_equal(element["thickness_mm"], thickness.array)
    told = stored.scalars["thickness_mm_patellar_cartilage"]
    assert element["thickness_mm_patellar_cartilage"] == told


def test_two_echoes_come_out_again(tmp_path):
    shape, spacing_mm = (24, 20, 12), (3.0, 3.0, 6.0)
    study = Phantom(1, shape, spacing_mm, second_echo_ms=25.0)
    conversion.convert(
        conversion.Recipe("phantom", study, split=(0, 0, 100)), str(tmp_path)
    )
    (stored,) = reader.subjects(str(tmp_path), "test")
    (subject,) = study.subjects(seed=0)
    drawn = phantom.knee(
        seed=subject.seed, shape=shape, spacing_mm=spacing_mm, later_ms=25.0
    )
    assert stored.scalars["echo_spacing_ms"] == 25.0
    for name, expected in (
        *(("image", drawn.image), ("second_echo", drawn.second_echo)),
        ("t2_ms", drawn.t2_ms),
    ):
        found = stored.arrays[name].restore()
        np.testing.assert_array_equal(found.array, expected.array)
        np.testing.assert_allclose(found.affine, expected.affine, atol=1e-5)
    arrays = (drawn.image, drawn.second_echo, drawn.label, drawn.t2_ms)
    num_bytes = sum(volume.array.nbytes for volume in (*arrays, drawn.thickness_mm))
    assert subject.num_bytes == num_bytes


def test_a_second_echo_comes_later():
    with pytest.raises(ValueError, match="second_echo_ms must be finite and above 0"):
        Phantom(1, second_echo_ms=0.0)


def test_there_must_be_a_knee():
    with pytest.raises(ValueError, match="num_subjects must be 1 or more; got 0"):
        Phantom(0)


# --- lesions -------------------------------------------------------------------------

KINDS = ("cartilage", "meniscus", "marrow")
WHOLE = {"phantom_shape": (30, 30, 24), "phantom_spacing_mm": (3.0, 3.0, 3.0)}
EVERY = Phantom(2, **WHOLE, lesions=KINDS, lesion_share=1.0)


def test_every_kind_of_lesion_can_be_asked_for():
    assert lesions.KINDS == KINDS
    assert EVERY.describe() == [
        "2 synthetic knees with lesions of cartilage, meniscus, marrow"
    ]


def test_lesions_and_what_is_told_of_them_come_out_again(tmp_path):
    conversion.convert(
        conversion.Recipe("phantom", EVERY, split=(0, 0, 100)), str(tmp_path)
    )
    stored = {each.subject: each for each in reader.subjects(str(tmp_path), "test")}
    for subject in EVERY.subjects(seed=0):
        told = stored[subject.id].scalars
        defect, tear, marrow = (lesions.draw(kind, subject.seed) for kind in KINDS)
        assert (told["cartilage_lesion"], told["cartilage_lesion_grade"]) == (
            1,
            defect.grade,
        )
        assert told["cartilage_lesion_depth"] == defect.depth
        assert told["cartilage_lesion_width_mm"] == defect.width_mm
        assert (told["meniscal_tear"], told["meniscal_tear_width_mm"]) == (
            1,
            tear.width_mm,
        )
        assert told["meniscal_tear_region"] == f"{tear.meniscus}, {tear.zone}"
        assert told["marrow_lesion_diameter_mm"] == marrow.diameter_mm
        # The place, in world mm: the middle of the ball in the map of lesions.
        found = stored[subject.id].arrays["lesion"].restore()
        middle = np.argwhere(found.array == 3).mean(axis=0)
        world = nib.affines.apply_affine(found.affine, middle)
        place = [told[f"marrow_lesion_{axis}_mm"] for axis in "xyz"]
        assert np.linalg.norm(world - place) < 3.0


def test_a_knee_is_the_same_with_and_without_its_lesions():
    without = next(Phantom(1, **WHOLE).subjects(seed=3))
    with_all = next(dataclasses.replace(EVERY, num_subjects=1).subjects(seed=3))
    none = dataclasses.replace(with_all, lesion_share=0.0)
    assert (without.id, without.seed) == (with_all.id, with_all.seed)
    plain, bare, ill = (each.load() for each in (without, none, with_all))
    np.testing.assert_array_equal(plain.image.array, bare.image.array)
    changed = plain.image.array != ill.image.array
    assert 0 < changed.mean() < 0.02
    assert "lesion" not in plain.arrays and "cartilage_lesion" not in plain.scalars
    assert not bare.arrays["lesion"].array.any()
    told = {k: v for k, v in bare.scalars.items() if "thickness" not in k}
    assert told == {
        **{"cartilage_lesion": 0, "cartilage_lesion_grade": 0},
        **{"meniscal_tear": 0, "marrow_lesion": 0},
    }
    nbytes = (ill.image, ill.label, ill.arrays["thickness_mm"], ill.arrays["lesion"])
    assert with_all.num_bytes == sum(volume.array.nbytes for volume in nbytes)
    assert len({each.hashes()[0] for each in (without, none, with_all)}) == 3


def test_half_of_the_knees_have_a_lesion_by_default():
    subjects = Phantom(400, **WHOLE, lesions=("marrow",)).subjects(seed=1)
    told = [bool(subject.drawn()) for subject in subjects]
    # Binomial: three standard deviations.
    assert np.mean(told) == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(400))


def test_the_hash_of_a_knee_without_lesions_is_that_of_before(monkeypatch):
    """From the code that knew no lesions."""
    monkeypatch.setattr(deepresolve, "__version__", "0.1")
    assert next(SMALL.subjects(seed=0)).hashes()[0] == (
        "13ef85edf25f0f4166990b428431a7f6d25cdf9587f17a29f0782f6946dbff6e"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lesions": ("ligament",)}, "some of cartilage, meniscus, marrow.*ligament"),
        ({"lesions": ("marrow", "marrow")}, "each once; got marrow, marrow"),
        ({"lesion_share": 0.5}, "lesion_share is a share of lesions: say which"),
        ({"lesions": ("marrow",), "lesion_share": 1.5}, "lie in 0..1; got 1.5"),
    ],
)
def test_bad_settings_of_lesions_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Phantom(1, **settings)
