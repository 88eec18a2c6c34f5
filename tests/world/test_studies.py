"""A study is not contaminated in silence: whose scans they are, and which are used."""

import json
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from world import scans

from deepresolve.imaging.formats.choice import ALL
from records import conversion, splits, verification
from records.datasets import Folder
from records.inspection import overview
from records.runners import Beam, ProcessPool


def knee(seed):
    return scans.knee((16, 14, 5), seed=seed).astype(np.uint16)


def write_scan(folder, seed, **tags):
    """A DICOM series; identifiers that are not given are its own."""
    own = {
        "PatientID": f"Person{seed}",
        "StudyInstanceUID": f"1.2.{seed}.1",
        "FrameOfReferenceUID": f"1.2.{seed}.2",
    }
    return scans.dicom_stack(folder, knee(seed), series=seed, **{**own, **tags})


def dealt(root, **options):
    """The split of each scan, by person; half train, a quarter validate and test."""
    subjects = list(Folder(str(root), **options).subjects(0))
    assigned = splits.assign(subjects, (50, 25, 25), seed=0)
    return {s.id: split for split, found in assigned.items() for s in found}, subjects


@pytest.mark.parametrize(
    "element", ["PatientID", "StudyInstanceUID", "FrameOfReferenceUID"]
)
def test_scans_that_share_an_identifier_share_a_split(tmp_path, caplog, element):
    for number in range(1, 9):
        shared = {element: f"1.9.{(number + 1) // 2}"}
        write_scan(tmp_path / "abcdefgh"[number - 1], number, **shared)
    split_of, subjects = dealt(tmp_path)
    for pair in ("ab", "cd", "ef", "gh"):
        assert split_of[pair[0]] == split_of[pair[1]]
    assert {s.person for s in subjects} == set("aceg")
    (message,) = caplog.messages
    assert f"8 scans are taken for those of 4 persons, for they share {element}" in (
        message
    )


def test_an_anonymisers_constant_makes_nobody_one_person(tmp_path, caplog):
    for number in range(1, 5):
        write_scan(tmp_path / "abcd"[number - 1], number, PatientID="ANON")
    _, subjects = dealt(tmp_path)
    assert {s.person for s in subjects} == set("abcd")
    assert not caplog.messages


def test_two_echoes_of_one_knee_are_one_persons(tmp_path):
    for number in range(1, 5):
        folder = tmp_path / f"knee{number}"
        write_scan(folder, number, SeriesInstanceUID=f"1.2.{number}.3")
        if number < 4:  # The last one has a single echo.
            write_scan(
                *(folder, number),
                name="E{}.dcm",
                SeriesInstanceUID=f"1.2.{number}.3",
                edit=lambda made, index: setattr(
                    made, "SOPInstanceUID", f"{made.SOPInstanceUID}.9"
                ),
                **{"EchoNumbers": 2, "EchoTime": 60},
            )
    split_of, subjects = dealt(tmp_path, echo=ALL)
    assert sorted(split_of) == [
        *(f"knee{n}_e{echo}" for n in (1, 2, 3) for echo in (1, 2)),
        "knee4",
    ]
    for number in (1, 2, 3):
        assert split_of[f"knee{number}_e1"] == split_of[f"knee{number}_e2"]
    for subject in subjects:
        assert subject.load().image.shape == (16, 14, 5)
    # One choice for all is for those that leave one.
    _, subjects = dealt(tmp_path, echo=2)
    assert [s.id for s in subjects] == ["knee1", "knee2", "knee3", "knee4"]
    assert all(s.load().image.shape == (16, 14, 5) for s in subjects)


def test_a_table_chooses_for_each_scan(tmp_path):
    root = tmp_path / "scans"
    for number in (1, 2):
        write_scan(root / "a", number, name=f"{number}_{{}}.dcm", PatientID="P")
    write_scan(root / "b", 3)
    table = tmp_path / "persons.csv"
    table.write_text("subject,person,series\na,1,2\nb,2,\n")
    a, b = Folder(str(root), persons=str(table)).subjects(0)
    np.testing.assert_array_equal(a.load().image.array, knee(2))
    np.testing.assert_array_equal(b.load().image.array, knee(3))
    assert a.source == "a --series=2"  # Another choice is another set.


@pytest.mark.skipif(not shutil.which("dcm2niix"), reason="needs dcm2niix")
def test_a_conversion_beside_its_series_is_told(tmp_path, caplog):
    write_scan(tmp_path / "scans" / "a", 1)
    (tmp_path / "scans" / "b").mkdir()
    subprocess.run(
        ["dcm2niix", "-b", "n", "-z", "y", "-f", "export", "-o", "b", "a"],
        cwd=tmp_path / "scans",
        check=True,
        capture_output=True,
    )
    recipe = conversion.Recipe("folder", Folder(str(tmp_path / "scans")), (50, 50, 0))
    conversion.convert(recipe, str(tmp_path / "records"))
    (message,) = caplog.messages
    assert "The same voxels stand for 2 persons, a, b_export" in message


@pytest.mark.skipif(not shutil.which("dcm2niix"), reason="needs dcm2niix")
def test_the_json_beside_an_export_tells_whose_it_is(tmp_path, caplog):
    for number, name in enumerate("abc", start=1):
        write_scan(tmp_path / name, number, PatientID="P7" if name != "c" else "P8")
        command = ["dcm2niix", "-ba", "n", "-f", f"scan {name}", "-o", "out", name]
        (tmp_path / "out").mkdir(exist_ok=True)
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = {s.id: s.person for s in Folder(str(tmp_path / "out")).subjects(0)}
    assert found == {"scan_a": "scan_a", "scan_b": "scan_a", "scan_c": "scan_c"}
    assert "they share PatientID" in caplog.text


@pytest.fixture
def with_a_bad_one(tmp_path):
    """Six scans of six persons, of which one is cut short and one has a note."""
    for number in range(1, 7):
        write_scan(tmp_path / "scans" / "abcdef"[number - 1], number)
    (tmp_path / "scans" / "c" / "IM0002.dcm").write_bytes(b"cut short")
    return conversion.Recipe(
        "folder", Folder(str(tmp_path / "scans")), (60, 20, 20), num_shards=2
    )


@pytest.mark.parametrize("runner", [None, ProcessPool(2), Beam()], ids=str)
def test_what_is_left_out_is_told_alike_by_every_runner(
    with_a_bad_one, tmp_path, caplog, runner
):
    if isinstance(runner, Beam):
        pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    output = tmp_path / "records"
    made = conversion.convert(with_a_bad_one, str(output), runner, leave_out_bad=True)
    (problem,) = made.left_out
    assert problem.subject == "c"
    assert str(tmp_path) not in problem.reason
    assert any("1 scan cannot be used" in message for message in caplog.messages)
    assert problem.reason in overview.describe(made)
    assert verification.verify(str(output)) == []


def test_without_being_asked_nothing_is_left_out(with_a_bad_one, tmp_path):
    with pytest.raises(ValueError, match=r"(?s)Subject 'c' \(c\): .*IM0002"):
        conversion.convert(with_a_bad_one, str(tmp_path / "records"))
    assert not (tmp_path / "records" / "manifest.json").exists()


def test_no_identifier_travels_with_the_shards(with_a_bad_one, tmp_path):
    output = tmp_path / "records"
    conversion.convert(with_a_bad_one, str(output), leave_out_bad=True)
    content = b"".join(path.read_bytes() for path in output.iterdir())
    for secret in (b"Person", b"1.2.3.1", b"1.2.3.2", b"Test^Knee"):
        assert secret not in content
    persons = {
        entry["person"]
        for shard in json.loads((output / "manifest.json").read_bytes())["shards"]
        for entry in shard["subjects"]
    }
    assert persons == set("abdef")


def test_names_of_exports_and_of_bids_tell_persons(tmp_path):
    image = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    names = ["a_e1", "a_e2", "b", "c", "d", "sub-1_ses-1_pd", "sub-1_ses-2_pd"]
    for name in names:
        nib.save(image, tmp_path / f"{name}.nii.gz")
    split_of, _ = dealt(tmp_path)
    assert split_of["a_e1"] == split_of["a_e2"]
    assert split_of["sub-1_ses-1_pd"] == split_of["sub-1_ses-2_pd"]
