"""Synthetic knees as a dataset."""

import nibabel as nib
import numpy as np
import pytest

import deepresolve
from deepresolve.simulation import phantom
from records import conversion, manifest, reader
from records.datasets import Phantom

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
    image, label = subject.load()
    knee = phantom.knee(
        seed=subject.seed, side="left", shape=(24, 20, 12), spacing_mm=(1, 1.25, 1.5)
    )
    np.testing.assert_array_equal(image.array, knee.image.array)
    np.testing.assert_array_equal(label.array, knee.label.array)
    assert image.shape == (24, 20, 12)
    assert image.spacing_mm == pytest.approx((1, 1.25, 1.5))
    assert subject.num_bytes == image.array.nbytes + label.array.nbytes


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
    drawn = {subject.id: subject.load()[1] for subject in study.subjects(seed=0)}
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


def test_there_must_be_a_knee():
    with pytest.raises(ValueError, match="num_subjects must be 1 or more; got 0"):
        Phantom(0)
