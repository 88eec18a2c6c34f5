"""Naming patterns."""

import pytest

from records.datasets.folder import patterns


@pytest.fixture
def files(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def found(root, pattern):
    return {
        name: path.relative_to(root).as_posix()
        for name, path in patterns.find(root, pattern, "image_pattern").items()
    }


def test_the_id_is_what_stands_in_its_place(files):
    root = files(
        "imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz"
    )
    assert found(root, "imagesTr/{id}_0000.nii.gz") == {"a": "imagesTr/a_0000.nii.gz"}
    assert found(root, "labelsTr/{id}.nii.gz") == {"a": "labelsTr/a.nii.gz"}
    # A star stays within one part, as does an id.
    assert found(root, "*/{id}_0001*") == {"a": "imagesTr/a_0001.nii.gz"}
    assert found(root, "labelsTr/{id}*") == {"a.nii.gz": "labelsTr/a.nii.gz"}
    assert (
        set(found(root, "{id}*"))
        == set(found(root, "{id}**"))
        == {
            "imagesTr",
            "labelsTr",
        }
    )


def test_folders_match_too_and_signs_stand_for_themselves(files):
    root = files("9001[a]/DESS+1/slice1", "9002/DESS+1/slice1", "9002/DESSS1/slice1")
    assert found(root, "{id}/DESS+1") == {
        "9001[a]": "9001[a]/DESS+1",
        "9002": "9002/DESS+1",
    }


def test_an_id_may_come_twice(files):
    root = files("a/a_image.mha", "b/a_image.mha", "b/b_image.mha")
    assert found(root, "{id}/{id}_image.mha") == {
        "a": "a/a_image.mha",
        "b": "b/b_image.mha",
    }


def test_two_paths_of_one_id_are_refused(files):
    root = files("a/x.nii", "a/y.nii")
    with pytest.raises(ValueError, match=r"--image_pattern=.* one id, 'a'"):
        found(root, "{id}/*.nii")


@pytest.mark.parametrize("pattern", ["a.nii", "/{id}", "../{id}", "a//{id}", "{id}/"])
def test_a_pattern_needs_an_id_and_stays_below_the_folder(files, pattern):
    with pytest.raises(ValueError, match=r"--image_pattern=.*with \{id\} in it"):
        found(files("a.nii"), pattern)


def test_nothing_found_is_an_error(files, tmp_path):
    with pytest.raises(ValueError, match=r"\{id\}.mha matches nothing in"):
        found(files("a.nii"), "{id}.mha")
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        found(tmp_path / "missing", "{id}.mha")


def test_hidden_files_are_passed_over_unless_they_are_asked_for(files):
    root = files(".DS_Store", "._a.nii", "a.nii", ".cache/b.nii")
    assert found(root, "{id}.nii") == {"a": "a.nii"}
    assert found(root, "._{id}.nii") == {"a": "._a.nii"}
    assert found(root, ".cache/{id}.nii") == {"b": ".cache/b.nii"}
