"""One name in two normal forms: é as one character, or as e and an accent (a Mac's)."""

import itertools
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import scans

from deepresolve.imaging import labels
from records.datasets.folder import Folder

NAMES = ("Jörg", "Zoë", "María", "André")
FORMS = ("NFC", "NFD")


def form(name, text):
    return unicodedata.normalize(name, text)


def small():
    return scans.knee((12, 12, 4)).astype(np.int16)


@pytest.fixture(params=itertools.product(FORMS, repeat=2), ids="-".join)
def forms(request):
    return request.param


def test_the_table_of_persons_names_files_in_either_form(forms, tmp_path):
    rows = ["subject,person"]
    for number, name in enumerate(NAMES):
        scans.nifti(tmp_path / "scans" / f"{form(forms[0], name)}.nii.gz", small())
        rows.append(f"{form(forms[1], name)},p{number}")
    table = tmp_path / "people.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    found = list(Folder(str(tmp_path / "scans"), persons=str(table)).subjects(seed=0))
    assert {subject.id: subject.person for subject in found} == {
        name: f"p{number}" for number, name in enumerate(NAMES)
    }
    # What is on the disk keeps its name.
    assert {subject.source for subject in found} == {
        f"{form(forms[0], name)}.nii.gz" for name in NAMES
    }
    found[0].load()


def test_label_maps_and_patterns_name_scans_in_either_form(forms, tmp_path):
    name, other = (form(each, "André") for each in forms)
    scans.nifti(tmp_path / "scans" / f"{name}.nii.gz", small())
    scans.nifti(tmp_path / "masks" / f"{other}.nii.gz", np.ones((12, 12, 4), np.uint8))
    names = {"label_names": {1: "bone"}, "labels": str(tmp_path / "masks")}
    (beside,) = Folder(str(tmp_path / "scans"), **names).subjects(seed=0)
    patterns = {"image_pattern": form(forms[1], "{id}é.nii.gz")}
    patterns["label_pattern"] = form(forms[0], "{id}é.nii.gz")
    (matched,) = Folder(str(tmp_path / "scans"), **names, **patterns).subjects(seed=0)
    assert (beside.id, matched.id) == ("André", "Andr")
    assert beside.label_path == matched.label_path == tmp_path / f"masks/{other}.nii.gz"


def test_two_files_of_one_name_are_told(tmp_path):
    for each in FORMS:
        scans.nifti(tmp_path / f"{form(each, 'André')}.nii.gz", small())
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this disk takes them for one file")
    with pytest.raises(ValueError, match="Two scans would share the id 'André'"):
        list(Folder(str(tmp_path)).subjects(seed=0))


def test_classes_are_found_among_labels_in_either_form(forms):
    names = labels.parse_label_names(form(forms[0], "1=fémur,2=ménisque"))
    table = labels.lookup_table((form(forms[1], "os=fémur+ménisque"),), names)
    assert table[:3].tolist() == [0, 1, 1]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(text=st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=12))
def test_any_label_is_found_by_any_form_of_its_name(text):
    names = labels.parse_label_names(f"1={form('NFD', text)}")
    assert labels.lookup_table((form("NFC", text),), names)[1] == 1
