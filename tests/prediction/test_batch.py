"""Many scans on Apache Beam: the files of one process. Real pipelines."""

import json
import os
from typing import ClassVar

import nibabel as nib
import numpy as np
import pytest
from world import scans

from deepresolve.prediction import batch
from deepresolve.prediction.placement import table_beside
from deepresolve.prediction.result_files import NiftiFiles
from deepresolve.prediction.trust.report import Trust
from deepresolve.tasks.findings import Finding
from deepresolve.tasks.prediction import Image, Prediction
from deepresolve.tasks.segmentation.sizes import KIND

TWO_PROCESSES = "--direct_num_workers=2 --direct_running_mode=multi_processing"


@pytest.fixture(scope="module")
def apache_beam():
    """Skips where Apache Beam is not installed."""
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")


@pytest.fixture
def source(tmp_path):
    """Two scans, and between them a file that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("a.nii.gz", "c.nii"):
        voxels = np.random.default_rng(len(name)).integers(0, 900, (12, 13, 5))
        image = nib.Nifti1Image(voxels.astype(np.int16), np.diag([0.5, 0.5, 3, 1]))
        nib.save(image, folder / name)
    (folder / "b.nii").write_text("not a scan")
    return folder


@pytest.fixture
def predict(run_script):
    """Runs the command; gives what it said and the files that it wrote."""

    def run(workdir, source, output, *flags):
        given = [f"--workdir={workdir.path}", f"--input={source}", f"--output={output}"]
        done = run_script("deepresolve", "predict", *given, *flags)
        assert "Traceback" not in done.stderr, done.stderr
        return done, {p.name: content(p) for p in output.glob("[!.]*")}

    return run


def content(path):
    """A file's bytes; of a report on trust all but the command, which differs."""
    if path.suffix != ".json":
        return path.read_bytes()
    report = json.loads(path.read_text())
    del report["provenance"]["command"]
    return report


def test_thin_slices_by_one_worker(
    apache_beam, predict, silent_workdir, source, tmp_path
):
    here, expected = predict(
        silent_workdir, source, tmp_path / "here", "--preview=html"
    )
    flags = ("--preview=html", "--runner=beam")
    there, written = predict(silent_workdir, source, tmp_path / "there", *flags)
    assert sorted(expected) == [
        *("a.nii.gz", "a_preview.html", "a_trust.json"),
        *("c.nii.gz", "c_preview.html", "c_trust.json"),
    ]
    assert written == expected
    assert here.returncode == there.returncode == 1
    for done in (here, there):
        assert f"error: {source / 'b.nii'}: neither NIfTI nor DICOM" in done.stderr
        assert "1 of 3 scans failed." in done.stderr
        assert "5 slices 3 mm apart -> 13 slices 1 mm apart" in done.stdout


def test_label_maps_and_one_table_by_two_workers(
    apache_beam, predict, seg_workdir, source, tmp_path
):
    _, expected = predict(seg_workdir, source, tmp_path / "here", "--probabilities")
    flags = ("--probabilities", "--runner=beam", f"--beam_options={TWO_PROCESSES}")
    there, written = predict(seg_workdir, source, tmp_path / "there", *flags)
    # Two label maps and reports, four probabilities, volumes.csv.
    assert len(expected) == 9
    assert written == expected
    assert there.returncode == 1


def test_beam_options_need_beam(predict, silent_workdir, source, tmp_path):
    flag = "--beam_options=--direct_num_workers=2"
    done, files = predict(silent_workdir, source, tmp_path / "out", flag)
    assert done.returncode == 1
    assert "error: --beam_options: only with --runner=beam." in done.stderr
    assert files == {}


def test_leftovers_of_a_killed_command_are_neither_scans_nor_kept(
    predict, silent_workdir, source, tmp_path
):
    number, output = os.urandom(16).hex(), tmp_path / "out"
    output.mkdir()
    for folder in (source, output):
        (folder / f".a.nii.gz.{number}.tmp").write_bytes(b"half")
    done, files = predict(silent_workdir, source, output)
    assert "1 of 3 scans failed." in done.stderr
    assert sorted(files) == ["a.nii.gz", "a_trust.json", "c.nii.gz", "c_trust.json"]


def test_what_lies_in_the_folder_is_told_and_a_lost_scan_is_an_error(
    predict, silent_workdir, source, tmp_path
):
    (source / "b.nii").unlink()
    (source / "b.nii").symlink_to("../annex/b.nii")
    (source / "a.json").write_text("{}")
    done, files = predict(silent_workdir, source, tmp_path / "out")
    assert done.returncode == 1
    line = "4 files: 3 scans (2 NIfTI, 1 that cannot be read); also 1 .json"
    assert done.stdout.splitlines()[0] == f"{source}/: {line}"
    assert f"error: {source / 'b.nii'} is a link to ../annex/b.nii" in done.stderr
    assert sorted(files) == ["a.nii.gz", "a_trust.json", "c.nii.gz", "c_trust.json"]


def test_notes_of_reading_reach_the_user_and_the_report(
    predict, silent_workdir, tmp_path
):
    folder = tmp_path / "scan"
    scans.dicom_stack(folder)
    (folder / "notes.txt").symlink_to("nowhere.txt")
    done, files = predict(silent_workdir, folder, tmp_path / "thin.nii.gz")
    assert done.returncode == 0, done.stderr
    assert files == {}  # beside the one that is named
    assert done.stdout.startswith(f"{folder}/: 11 files became 10 slices\n")
    note = "passed over: notes.txt is a link to nowhere.txt, which is not there"
    assert f"note: {folder}: {note}" in done.stderr
    report = json.loads((tmp_path / "thin_trust.json").read_text())
    assert [text.startswith(note) for text in report["notes"]] == [True]


class Forgetful:
    """A predictor without memory."""

    kind, title, training_factor = Image(), "computed nothing", None
    volume_names = ("probability",)
    tables: ClassVar = {"volumes": KIND}
    announcement = ""
    memory_advice = "Less needs less."

    def predict(self, scan, *, progress=False):
        raise MemoryError


class Copies(Forgetful):
    """A predictor that gives the scan back, with a row for a table."""

    def predict(self, scan, *, progress=False):
        volumes = {"image": scan, "probability": scan}
        rows = {"volumes": [("femur", 1, 9, 2.7)]}
        return Prediction(self.kind, volumes, {}, "copied", rows)


def opened(target, predictor, trust=None, **options):
    trust = trust or Trust(None, None, {}, ())
    tables = {"volumes": table_beside(str(target), "volumes")}
    job = batch.Job(None, NiftiFiles(), tables, trust, **options)
    return batch.OpenJob(job, predictor)


def test_too_little_memory_is_the_scans_error(source, tmp_path):
    target = tmp_path / "a.nii.gz"
    result = opened(target, Forgetful()).one(source / "a.nii.gz", target)
    assert result.failed
    assert result.message.endswith("a.nii.gz: out of memory. Less needs less.")


class NoPreviews:
    def remove(self, target):
        pass

    def write(self, *_):
        raise OSError("no room")


def test_what_is_off_is_told_though_the_preview_fails(source, tmp_path):
    class Suspicious:
        def write(self, *_):
            return [Finding("gap_share", 0.5, [0, 0], "there are gaps.")]

    target = tmp_path / "a.nii.gz"
    (tmp_path / "a_trust.json").write_text("of an older result")
    work = opened(target, Copies(), Suspicious(), previews=NoPreviews())
    scan = source / "a.nii.gz"
    result = work.one(scan, target)
    assert result.failed
    assert result.message == "error: no room"
    assert result.notes == (f"note: {scan}: there are gaps.",)
    assert target.exists()
    assert not (tmp_path / "a_trust.json").exists()


def test_the_table_holds_every_scan_so_far_whatever_fails(source, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    table = output / "volumes.csv"
    work = opened(output, Copies(), previews=NoPreviews())
    pairs = [
        (source / "a.nii.gz", output / "a.nii.gz"),
        (source / "b.nii", output / "b.nii.gz"),
        (source / "c.nii", output / "c.nii.gz"),
    ]
    names = []
    for result in batch.Here().run(work, pairs):
        assert result.failed  # no preview, or no scan
        lines = table.read_text().splitlines()[1:]
        names.append([line.split(",")[0] for line in lines])
    assert names == [["a.nii.gz"], ["a.nii.gz"], ["a.nii.gz", "c.nii.gz"]]


def test_a_table_that_cannot_be_written_is_the_scans_error(source, tmp_path):
    target = tmp_path / "a.nii.gz"
    work = opened(target, Copies())
    work.check_tables()
    (tmp_path / "a_volumes.csv").mkdir()
    (result,) = batch.Here().run(work, [(source / "a.nii.gz", target)])
    assert result.failed
    assert "a_volumes.csv" in result.message


def test_another_table_is_refused_before_the_work(tmp_path):
    (tmp_path / "a_volumes.csv").write_text("side\nleft\n")
    with pytest.raises(ValueError, match="is no table of tissue volumes"):
        opened(tmp_path / "a.nii.gz", Copies()).check_tables()


def test_leftovers_of_every_file_are_deleted(source, tmp_path):
    target = tmp_path / "a.nii.gz"
    number = os.urandom(16).hex()
    others = f"a_volumes.csv.{number}.tmp"
    ours = (".a.nii.gz", ".a_probability.nii.gz", ".a_trust.json")
    for name in (*ours, "a_volumes.csv"):
        (tmp_path / f"{name}.{number}.tmp").write_bytes(b"half")
    work = opened(target, Copies())
    work.remove_leftovers([(source / "a.nii.gz", target)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [others, "scans"]
