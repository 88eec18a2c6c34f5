import collections
import itertools
import json
import stat

import numpy as np
import pytest

from deepresolve.reading.study import Study, load_key, preparation


def test_a_study_is_read_back_as_it_was_made(study):
    assert Study.load(study.folder) == study
    assert study.readers == ("anna", "ben")
    for reader in study.readers:
        shown = study.presentations(reader)
        assert len(shown) == 6
        assert {p.reader for p in shown} == {reader}


def test_the_key_tells_which_image_is_what(study):
    key = load_key(study.folder)
    assert set(key.presentations) == set(study.all_presentations)
    by_set = collections.defaultdict(set)
    for name, sealed in key.presentations.items():
        images = study.all_presentations[name].images
        for image, image_set in zip(images, sealed.image_sets, strict=True):
            voxels = np.load(study.image_path(image))
            by_set[sealed.case, image_set].add(voxels.tobytes())
    # Each set of each case is one image, whoever sees it, and differs from all others.
    assert {len(contents) for contents in by_set.values()} == {1}
    assert len(set.union(*by_set.values())) == len(by_set) == 9


def test_every_reader_sees_each_set_at_each_place_equally_often(study):
    sealed = load_key(study.folder).presentations
    for reader in study.readers:
        rows = [sealed[name].image_sets for name in study.order[reader]]
        counts = collections.Counter(pair for row in rows for pair in enumerate(row))
        assert set(counts.values()) == {2}
        cases = [sealed[name].case for name in study.order[reader]]
        assert all(a != b for a, b in itertools.pairwise(cases))
        assert collections.Counter(cases) == {f"knee {n}": 2 for n in range(3)}


def test_a_seed_gives_the_same_study_under_new_names(evaluation, tmp_path, new_design):
    rows = []
    for name in ("one", "two"):
        made = preparation.prepare(evaluation, tmp_path / name, new_design())
        sealed = load_key(made.folder).presentations
        rows.append([sealed[shown] for shown in made.order["anna"]])
        assert len({i for p in made.all_presentations.values() for i in p.images}) == 36
    assert rows[0] == rows[1]


def test_without_a_seed_nobody_knows_it(evaluation, tmp_path, new_design):
    seeds = set()
    for name in ("one", "two"):
        design = new_design(seed=None)
        made = preparation.prepare(evaluation, tmp_path / name, design)
        seeds.add(load_key(made.folder).seed)
    assert len(seeds) == 2


def test_the_key_is_for_its_owner_alone(study):
    sealed = study.folder / "sealed"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o700
    assert stat.S_IMODE((sealed / "key.json").stat().st_mode) == 0o600


def test_a_changed_key_is_not_opened(study):
    path = study.folder / "sealed" / "key.json"
    path.write_text(path.read_text().replace('"tci"', '"sr"', 1))
    with pytest.raises(ValueError, match=r"key\.json: its SHA-256"):
        load_key(study.folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="key is missing"):
        load_key(study.folder)


def test_a_hash_changed_in_one_place_is_seen(study):
    path = study.folder / "study.json"
    path.write_text(path.read_text().replace(study.key_sha256, "0" * 64))
    with pytest.raises(ValueError, match=r"recorded at .* answers\.sqlite"):
        load_key(study.folder)


def test_drawn_cases_are_some_of_them(evaluation, tmp_path, new_design):
    made = preparation.prepare(
        evaluation, tmp_path / "study", new_design(num_cases=2, repeats=1)
    )
    sealed = load_key(made.folder).presentations.values()
    assert len({s.case for s in sealed}) == 2
    assert len(sealed) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_sets": ("ground_truth", "fourier")}, "has no fourier; there are"),
        ({"num_cases": 4}, "4 cases are wanted, but it has 3"),
        ({"num_cases": 1}, "say --repeats=1"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    evaluation, tmp_path, new_design, changes, message
):
    with pytest.raises(ValueError, match=message):
        preparation.prepare(evaluation, tmp_path / "study", new_design(**changes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"readers": ("anna", "anna")},
        {"readers": ("",)},
        {"readers": ("a/b",)},
        {"image_sets": ("sr",)},
        {"image_sets": ("sr", "sr")},
        {"image_sets": tuple("abcde")},
        {"repeats": 0},
        {"seed": -1},
    ],
)
def test_a_design_that_makes_no_sense_is_refused(new_design, changes):
    with pytest.raises(ValueError):
        new_design(**changes)


def test_an_existing_folder_is_left_alone(evaluation, study, new_design):
    before = (study.folder / "study.json").read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        preparation.prepare(evaluation, study.folder, new_design())
    assert (study.folder / "study.json").read_bytes() == before


def test_a_failure_in_the_middle_leaves_nothing(
    evaluation, tmp_path, new_design, monkeypatch
):
    def refuse(*args):
        raise OSError("disk full")

    monkeypatch.setattr(preparation.Answers, "create", refuse)
    with pytest.raises(OSError, match="disk full"):
        preparation.prepare(evaluation, tmp_path / "study", new_design())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_study_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="prepare"):
        Study.load(tmp_path)
    path = tmp_path / "study.json"
    for content in ("{", "[]", json.dumps({"version": 2}), json.dumps({"version": 1})):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"study\.json: "):
            Study.load(tmp_path)
