"""From knees to pieces, to a network, to the map of a whole scan, by commands alone."""

import csv
import json

import numpy as np
import pytest
from slab_knees import NAMES_FLAG, slab_knee, write_slab_knees

from deepresolve.imaging import formats

TRAIN = [
    *("train", "--preset=cartilage_lesion", "--num_features=4", "--num_levels=2"),
    *("--learning_rate=0.01", "--num_epochs=3", "--batch_size=16"),
    "--distribution=single",
]


@pytest.fixture(scope="module")
def run(run_script):
    def to_the_end(*arguments, status=0):
        result = run_script("deepresolve", *map(str, arguments))
        output = result.stdout + result.stderr
        assert result.returncode == status, output
        return output

    return to_the_end


@pytest.fixture(scope="module")
def pieces(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    knees = write_slab_knees(folder / "knees", train=6, validation=3, test=3)
    run(
        *("records", "convert", "--dataset=rois", "--regions=cartilage"),
        *(f"--source={knees}", f"--output={folder / 'cartilage'}"),
    )
    return folder / "cartilage"


@pytest.fixture(scope="module")
def workdir(run, pieces, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "lesion"
    said = run(*TRAIN, f"--records={pieces}", f"--workdir={path}")
    assert "best validation ROC AUC" in said
    return path


@pytest.fixture
def scans(tmp_path):
    """Two scans with their label maps, and where the lesion of the first one is."""
    sick, well = slab_knee(100, plate=3), slab_knee(101)
    for name, knee in (("sick", sick), ("well", well)):
        for kind in ("scan", "label"):
            path = tmp_path / f"{kind}s" / "visit" / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            formats.write(path, getattr(knee, kind))
    return tmp_path, sick


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pieces_are_evaluated_as_scans_are(run, pieces, workdir, tmp_path):
    run(
        *("evaluate", f"--records={pieces}", f"--workdir={workdir}"),
        f"--output={tmp_path}",
    )
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    (row,) = report["detection"]
    assert (row["image_set"], row["name"]) == ("cartilage", "lesion")
    assert row["num_with"] > 3 and row["area"] > 0.9


def test_a_new_scan_shows_its_lesion_where_it_is(run, workdir, scans):
    folder, sick = scans
    out = folder / "found"
    said = run(
        *("lesions", f"--workdir={workdir}", f"--input={folder / 'scans'}"),
        *(f"--label_map={folder / 'labels'}", f"--label_names={NAMES_FLAG}"),
        f"--output={out}",
    )
    assert "visit/sick.nii.gz: lesion: " in said
    found = rows(out / "lesions.csv")
    assert {row["scan"] for row in found} == {"visit/sick", "visit/well"}
    highest = max(found, key=lambda row: float(row["probability"]))
    place = [float(highest[f"{axis}_mm"]) for axis in "xyz"]
    assert highest["scan"] == "visit/sick" and highest["place"] == "LT"
    assert np.linalg.norm((place - sick.place_mm)[:2]) < 8
    on_scan = formats.read_image(out / "visit" / "sick_lesion.nii.gz")
    np.testing.assert_allclose(on_scan.affine, sick.scan.affine)
    is_lesion = sick.lesion.array == 1
    is_cartilage = np.isin(sick.label.array, (2, 3))
    inside, beside = is_lesion & is_cartilage, is_cartilage & ~is_lesion
    assert on_scan.array[inside].mean() > 1.5 * on_scan.array[beside].mean()
    assert (out / "visit" / "well_lesion.png").exists()


def test_a_bad_scan_is_told_and_the_others_go_on(run, workdir, scans):
    folder, _ = scans
    (folder / "labels" / "visit" / "well.nii.gz").unlink()
    said = run(
        *("lesions", f"--workdir={workdir}", f"--input={folder / 'scans'}"),
        *(f"--label_map={folder / 'labels'}", f"--label_names={NAMES_FLAG}"),
        f"--output={folder / 'found'}",
        status=1,
    )
    assert "has no visit/well.nii.gz" in said and "1 of 2 scans failed" in said
    assert {row["scan"] for row in rows(folder / "found" / "lesions.csv")} == {
        "visit/sick"
    }


def test_what_values_are_taken_for_is_told(run_script, workdir, scans):
    folder, _ = scans
    result = run_script(
        *("deepresolve", "lesions", f"--workdir={workdir}"),
        f"--input={folder / 'scans' / 'visit' / 'sick.nii.gz'}",
        f"--label_map={folder / 'labels' / 'visit' / 'sick.nii.gz'}",
        f"--output={folder / 'found'}",
    )
    assert "taken for those of pretrained:seg_knee, 1=femoral" in result.stderr


def test_predict_refuses_a_whole_scan(run, workdir, scans):
    folder, _ = scans
    said = run(
        *("predict", f"--workdir={workdir}", f"--input={folder / 'scans' / 'visit'}"),
        f"--output={folder / 'graded'}",
        status=1,
    )
    assert "is cut and graded by `deepresolve lesions`" in said


def test_a_network_of_whole_scans_does_not_learn_from_pieces(run, pieces, tmp_path):
    said = run(
        *(*TRAIN, "--regions=none", f"--records={pieces}"),
        f"--workdir={tmp_path}",
        status=1,
    )
    assert "holds pieces of scans (cartilage)" in said
    said = run(
        *("train", "--preset=meniscus_tear", f"--records={pieces}"),
        f"--workdir={tmp_path}",
        status=1,
    )
    assert "no training scan whose scalar 'roi' is 'menisci'" in said
