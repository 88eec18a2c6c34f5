"""Knees of slabs cut into pieces: how many, of which lesion, of whom."""

import numpy as np
import pytest
from slab_knees import LABEL_NAMES, slab_knee, write_slab_knees

from deepresolve.quantification import crops, sites
from deepresolve.quantification.knee import measure
from records import conversion, manifest, reader
from records.datasets import Rois


@pytest.fixture(scope="module")
def knees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slabs") / "knees"
    return write_slab_knees(folder, train=2, validation=1, test=1)


def test_pieces_are_those_of_the_sites_of_each_knee(knees, tmp_path):
    dataset = Rois(str(knees), "cartilage")
    folder = str(tmp_path / "pieces")
    made = conversion.convert(conversion.Recipe("rois", dataset), folder)
    knee = slab_knee(0, plate=2)
    measured = measure(knee.label, LABEL_NAMES)
    found = sites.along_cartilage(measured)
    kind = crops.KINDS["cartilage"]
    stored = {
        each.subject: each
        for each in reader.subjects(folder, "train")
        if each.scalars["knee"] == "train-0"
    }
    assert len(stored) == len(found)
    for number, site in enumerate(found):
        each = stored[f"train-0_{site.place}_{number:04d}"]
        np.testing.assert_array_equal(
            each.image.array, crops.cut(knee.scan, site, kind).array
        )
        place = [each.scalars[f"{axis}_mm"] for axis in "xyz"]
        np.testing.assert_allclose(place, site.centre_mm)
        assert (each.person, each.side) == ("p0", "right")
    counts = made.grades["lesion"]
    assert counts[1]["train"] > 0 and counts[1]["validation"] == 0
    of_test = {e.scalars["knee"] for e in made.subjects("test")}
    assert of_test == {"test-3"}


def test_a_lesion_is_of_the_pieces_around_it(knees):
    lesion = slab_knee(0, plate=2).place_mm
    for piece in Rois(str(knees), "cartilage").subjects(0):
        told = dict(piece.scalars)
        if told["knee"] == "train-0":
            place = np.array([told[f"{axis}_mm"] for axis in "xyz"])
            away = np.hypot(*(place - lesion)[:2])  # Along the plate.
            # The lesion is 3.75 x 4 mm: its corners lie 2.7 mm from its middle.
            if told["lesion"]:
                assert away < sites.REACH_MM + 2.8 and told["place"] == "MT"
            else:
                assert away > sites.REACH_MM - 1.0


@pytest.mark.parametrize("grades", [(), ("medial_tear", "lateral_tear")])
def test_a_torn_meniscus_is_told_by_the_array_or_by_the_grades(knees, grades):
    dataset = Rois(str(knees), "menisci", grades)
    told = {
        (of["knee"], of["place"]): of["lesion"]
        for of in (dict(piece.scalars) for piece in dataset.subjects(0))
    }
    assert told == {
        **{("train-0", "MM"): 1, ("train-0", "LM"): 0},
        **{("train-1", "MM"): 0, ("train-1", "LM"): 1},
        **{("validation-2", "MM"): 0, ("validation-2", "LM"): 0},
        **{("test-3", "MM"): 1, ("test-3", "LM"): 0},
    }


def test_training_knees_keep_some_pieces_without_a_lesion(knees):
    whole = list(Rois(str(knees), "cartilage").subjects(0))
    dataset = Rois(str(knees), "cartilage", most_without=5)
    first, again, other = (list(dataset.subjects(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert {piece.id for piece in first} < {piece.id for piece in whole}

    def without(pieces, knee):
        told = [dict(piece.scalars) for piece in pieces]
        return [of["lesion"] for of in told if of["knee"] == knee].count(0)

    assert [without(first, f"train-{n}") for n in range(2)] == [5, 5]
    for knee in ("validation-2", "test-3"):
        assert without(first, knee) == without(whole, knee) > 5
    assert sum(p.grades["lesion"] for p in first if p.split == "train") == sum(
        p.grades["lesion"] for p in whole if p.split == "train"
    )


def test_the_same_knees_give_the_same_pieces(knees):
    first, again = (list(Rois(str(knees), "menisci").subjects(n)) for n in (0, 1))
    assert first == again
    assert first[0].hashes() == again[0].hashes() != first[1].hashes()


def test_what_tells_of_no_lesion_is_refused(tmp_path):
    from records.datasets import Phantom

    folder = str(tmp_path / "whole")
    knees = Phantom(1, phantom_shape=(72, 72, 48), phantom_spacing_mm=(1.7, 1.7, 2.0))
    conversion.convert(
        conversion.Recipe("phantom", knees, split=(100.0, 0.0, 0.0)), folder
    )
    assert sum(manifest.load(folder).counts.values()) == 1
    with pytest.raises(ValueError, match=r"phantom-0000.*no array 'lesion'.*thickness"):
        list(Rois(folder, "cartilage").subjects(0))


@pytest.mark.parametrize(
    ("regions", "grades", "said"),
    [
        ("bones", (), "cartilage or menisci; got 'bones'"),
        ("cartilage", ("a", "b"), "with regions=cartilage"),
        ("menisci", ("a",), "two scalars"),
    ],
)
def test_settings_that_make_no_sense_are_refused(regions, grades, said):
    with pytest.raises(ValueError, match=said):
        Rois("knees", regions, grades)
