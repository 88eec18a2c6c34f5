"""A classification goes all the way through the commands, on a planted sign."""

import csv
import json
import re

import numpy as np
import pytest
import tensorflow as tf
from graded import graded_scan
from sklearn.metrics import roc_auc_score

from deepresolve.evaluation.combining import new_exams
from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.volume import Volume
from deepresolve.metrics import cohort as cohort_metrics
from deepresolve.serving import saved_model
from deepresolve.tasks.servable import ServingOptions
from deepresolve.tasks.trained_run import TrainedRun

TRAIN = [
    *("train", "--task=classification", "--grades=acl", "--only_series=sagittal"),
    *("--patch_shape=16,16,6", "--num_levels=2", "--num_features=8"),
    *("--batch_size=8", "--learning_rate=0.01", "--num_epochs=5"),
    *("--patches_per_volume=4", "--distribution=single", "--random_flip"),
]
NUM = {"train": 32, "validation": 12, "test": 16}


def series(number, grade):
    """A graded scan, of MRNet's number of pixels.

    Where there is no sign, as many bright spots are scattered over a slice: it is the
    square that makes a sign, not how bright a slice is.
    """
    scan = graded_scan(number, grade, (16, 16, 6))
    array = scan.array.copy()
    rng = np.random.default_rng(1000 + number)
    for k in np.flatnonzero(~_is_sign(scan).any(axis=(0, 1))):
        array[..., k].flat[rng.choice(16 * 16, 16, replace=False)] += 100
    return Volume(_enlarged(array), scan.affine)


def _is_sign(scan):
    return scan.array > 160


def _enlarged(array):
    """Each pixel 16 x 16 times."""
    return np.kron(array, np.ones((16, 16, 1), array.dtype))


def write_series(folder, number, scan):
    """As MRNet has it: (slices, rows, columns) of 8 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    voxels = np.moveaxis(scan.array, 2, 0).clip(0, 255).astype(np.uint8)
    np.save(folder / f"{number:04d}.npy", voxels)


def write_mrnet(root, grade_of):
    """MRNet's folders of exams whose sign is in the sagittal series alone."""
    folders = ["train"] * (NUM["train"] + NUM["validation"]) + ["valid"] * NUM["test"]
    tables = {}
    for number, folder in enumerate(folders):
        truth = number % 2
        shown = {"sagittal": truth, "coronal": 1 - truth, "axial": 0}
        for plane, grade in shown.items():
            write_series(root / folder / plane, number, series(number, grade))
        for label in ("abnormal", "acl", "meniscus"):
            row = f"{number:04d},{grade_of(number)}\n"
            tables[folder, label] = tables.get((folder, label), "") + row
    for (folder, label), rows in tables.items():
        (root / f"{folder}-{label}.csv").write_text(rows)


@pytest.fixture(scope="module")
def convert(run, tmp_path_factory):
    """Makes records of MRNet with such grades."""

    learned_from = NUM["train"] + NUM["validation"]
    train, validation = (
        100 * NUM[split] / learned_from for split in ("train", "validation")
    )

    def to_records(grade_of):
        root = tmp_path_factory.mktemp("mrnet")
        write_mrnet(root / "MRNet-v1.0", grade_of)
        run(
            *("records", "convert", "--dataset=mrnet", "--stratify=acl"),
            *(f"--source={root / 'MRNet-v1.0'}", f"--output={root / 'records'}"),
            f"--split={train},{validation},0",
        )
        return root / "records"

    return to_records


@pytest.fixture(scope="module")
def records(convert):
    return convert(lambda number: number % 2)


@pytest.fixture(scope="module")
def run(run_script):
    def to_the_end(*arguments):
        result = run_script("deepresolve", *arguments)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    return to_the_end


@pytest.fixture(scope="module")
def trained(records, run, tmp_path_factory):
    """A run that was stopped after three epochs, and went on; what it said then."""
    path = tmp_path_factory.mktemp("runs") / "acl"
    arguments = (*TRAIN, f"--records={records}", f"--workdir={path}")
    run(*arguments, "--num_epochs=3")
    return path, run(*arguments)


@pytest.fixture(scope="module")
def workdir(trained):
    return trained[0]


def cohort(folder):
    """The numbers of a report, by metric."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {row["metric"]: row for row in report["cohort"]}


def test_a_planted_sign_is_learned_and_a_run_goes_on(trained):
    workdir, said = trained
    assert "Resuming" in said
    assert "12 validation scans; acl>0 of 6 of 12." in said
    assert "best validation ROC AUC 1.000" in said
    assert (workdir / "best.keras").exists()


def test_it_is_measured_on_the_scans_of_its_series(workdir, records, run, tmp_path):
    run(
        *("evaluate", f"--records={records}", f"--workdir={workdir}"),
        f"--output={tmp_path}",
    )
    found = cohort(tmp_path)
    assert {row["n"] for row in found.values()} == {NUM["test"]}
    assert {row["image_set"] for row in found.values()} == {"sagittal"}
    assert found["roc_auc"]["value"] == 1.0
    assert found["roc_auc"]["class"] == "acl"
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert len(report["subjects"]) == NUM["test"]
    assert report["provenance"]["series"] == "sagittal"
    with (tmp_path / "compared.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "probabilities"]
    scores = [[float(row[of]) for row in rows] for of in ("reference", "estimate")]
    assert roc_auc_score(*scores) == 1.0
    assert all(row["subject"].endswith("sagittal") for row in rows)


def test_thresholds_are_those_of_the_validation_split(workdir, records, run, tmp_path):
    measure = ("evaluate", f"--records={records}", f"--workdir={workdir}")
    validation, test = tmp_path / "validation", tmp_path / "test"
    run(*measure, f"--output={validation}", "--split=validation")
    said = run(*measure, f"--output={test}", f"--thresholds={validation}")
    assert "Thresholds are Youden's" in said
    (row,) = json.loads((test / "report.json").read_text("utf-8"))["detection"]
    assert row["sensitivity"] == row["specificity"] == 1.0
    with (validation / "compared.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "probabilities"]
    scores = {truth: [] for truth in "01"}
    for answer in rows:
        scores[answer["reference"][0]].append(float(answer["estimate"]))
    assert max(scores["0"]) < row["threshold"] < min(scores["1"])
    assert (test / "roc.png").exists()


@pytest.fixture(scope="module")
def benchmark(records, run, tmp_path_factory):
    """A run that has learned next to nothing."""
    path = tmp_path_factory.mktemp("runs") / "benchmark"
    arguments = (*TRAIN, f"--records={records}", f"--workdir={path}", "--num_epochs=1")
    run(*arguments, "--seed=3", "--learning_rate=1e-6")
    return path


def test_two_networks_stand_beside_each_other(
    workdir, benchmark, records, run, tmp_path
):
    both = (f"--workdir={workdir}", f"--benchmark_workdir={benchmark}")
    said = run(
        *("evaluate", f"--records={records}", *both, f"--output={tmp_path}"),
    )
    assert "grades, sagittal - benchmark, sagittal" in said
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    rows = {row["source"]: row for row in report["detection"]}
    assert {*rows} == {"grades", "benchmark"}
    (test,) = report["detection_tests"]
    areas = [rows[source]["area"] for source in ("grades", "benchmark")]
    assert test["difference"] == pytest.approx(areas[0] - areas[1], abs=1e-5)
    assert test["n"] == NUM["test"] and test["p"] == test["p_holm"]
    provenance = report["provenance"]
    assert provenance["benchmark_sha256"] != provenance["network_sha256"]


def test_a_benchmark_of_other_scans_is_refused(
    workdir, records, run, run_script, tmp_path
):
    other = tmp_path / "coronal"
    arguments = (*TRAIN, f"--records={records}", f"--workdir={other}", "--num_epochs=1")
    run(*arguments, "--only_series=coronal")
    evaluate = ("evaluate", f"--records={records}", f"--output={tmp_path / 'report'}")
    both = (f"--workdir={workdir}", f"--benchmark_workdir={other}")
    result = run_script("deepresolve", *evaluate, *both)
    assert result.returncode == 1
    assert "a benchmark is measured on the same scans" in result.stderr
    same = (f"--workdir={workdir}", f"--benchmark_workdir={workdir}")
    result = run_script("deepresolve", *evaluate, *same)
    assert "is not its own benchmark" in result.stderr


def test_what_is_not_there_is_not_learned(convert, run, tmp_path):
    rng = np.random.default_rng(0)
    grades = rng.permutation(np.arange(sum(NUM.values())) % 2).tolist()
    records = convert(grades.__getitem__)
    workdir = tmp_path / "run"
    run(*TRAIN, f"--records={records}", f"--workdir={workdir}", "--num_epochs=2")
    run(
        *("evaluate", f"--records={records}", f"--workdir={workdir}"),
        f"--output={tmp_path / 'report'}",
    )
    truth = np.array(grades[-NUM["test"] :])
    m, n = np.count_nonzero(truth), np.count_nonzero(truth == 0)
    # Of no relation the variance of the Mann-Whitney statistic, over (m n)^2.
    deviation = np.sqrt((m + n + 1) / (12 * m * n))
    area = cohort(tmp_path / "report")["roc_auc"]["value"]
    assert abs(area - 0.5) < 2.58 * deviation  # 99% of all shufflings


def test_it_predicts_to_tables_that_name_the_slice(workdir, run, tmp_path):
    (tmp_path / "in").mkdir()
    for number, grade in ((1001, 0), (1002, 1), (1003, 1)):
        path = tmp_path / "in" / f"knee{number}.nii.gz"
        formats.write(path, series(number, grade))
    output = run(
        *("predict", f"--workdir={workdir}", f"--input={tmp_path / 'in'}"),
        *(f"--output={tmp_path / 'out'}", "--spread=report"),
    )
    with (tmp_path / "out" / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["scan"].partition(".")[0]: row for row in csv.DictReader(file)}
    assert {name: row["grade"] for name, row in rows.items()} == {
        **{"knee1001": "0", "knee1002": "1", "knee1003": "1"}
    }, output
    for number in (1002, 1003):
        assert int(rows[f"knee{number}"]["slice"]) == number % 6
    with (tmp_path / "out" / "slice_grades.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 3 * 6
    network = TrainedRun.open(str(workdir)).model_sha256
    answers = new_exams.read(str(tmp_path / "out"), "sagittal", network)["acl"]
    assert answers["knee1002"] == float(rows["knee1002"]["probability"])
    report = json.loads((tmp_path / "out" / "knee1002_trust.json").read_text("utf-8"))
    assert report["grades"]["acl"]["slice"] == 1002 % 6
    first, of_mirror = report["spread"]["grades"]["acl"]["acl above 0"]
    assert first == pytest.approx(answers["knee1002"], abs=0.001)
    assert of_mirror > 0.5


def test_there_is_no_volume_of_the_spread_of_a_grade(workdir, run_script, tmp_path):
    scan = tmp_path / "knee.nii.gz"
    formats.write(scan, series(1003, 1))
    result = run_script(
        *("deepresolve", "predict", f"--workdir={workdir}", f"--input={scan}"),
        *(f"--output={tmp_path / 'out'}", "--spread=volume"),
    )
    assert result.returncode == 1
    assert "Give --spread=report" in result.stderr


def test_a_page_shows_where_it_looked(workdir, run, tmp_path):
    scan = tmp_path / "knee.nii.gz"
    formats.write(scan, series(1003, 1))
    run(
        *("predict", f"--workdir={workdir}", f"--input={scan}", "--preview=html"),
        f"--output={tmp_path / 'out'}",
    )
    text = (tmp_path / "out" / "knee_preview.html").read_text("utf-8")
    facts = re.search(r'id="facts">(.*?)</script>', text)[1]
    answers = json.loads(facts)["answers"]
    (acl,) = answers["answers"]
    assert acl["grade"] == "acl: grade 1 of 0 to 1"
    axial = np.array(acl["of_slices"])  # as the file has them: from the feet up
    assert np.argmax(axial) in (1003 % 6, 5 - 1003 % 6)
    assert acl["probability"] > 0.5


def test_a_dicom_scan_has_a_report_of_its_grades(workdir, run, write_stack, tmp_path):
    highdicom = pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    folder, _ = write_stack("exam", StudyInstanceUID="1.2.3")
    output = tmp_path / "acl.dcm"
    run(
        *("predict", f"--workdir={workdir}", f"--input={folder}"),
        *(f"--output={output}", "--output_format=dicom", "--preview=html"),
    )
    page = (tmp_path / "acl_preview.html").read_text("utf-8")
    assert '"question": "acl above 0"' in page
    with (tmp_path / "acl_grades.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["scan"] == "acl.dcm"
    (group,) = highdicom.sr.srread(output).content.get_image_measurement_groups()
    probability, of_slice = group.get_measurements()
    assert probability.value == pytest.approx(float(row["probability"]), rel=1e-6)
    (image,) = of_slice.referenced_images
    headers = read_source(folder).headers
    decided = headers[int(row["slice"])].SOPInstanceUID
    assert image.referenced_sop_instance_uid == decided
    report = json.loads((tmp_path / "acl_trust.json").read_text("utf-8"))
    assert report["provenance"]["output_sha256"] == formats.sha256(output)


def test_it_looked_at_the_sign(workdir):
    scan = series(1003, 1)
    predictor = TrainedRun.open(str(workdir)).predictor()
    seen = predictor.activation(scan)["acl>0"]
    assert seen.shape == scan.shape
    np.testing.assert_array_equal(seen.affine, scan.affine)
    sign = _enlarged(_is_sign(graded_scan(1003, 1, (16, 16, 6))))
    # A feature is 32 pixels wide here, and sees its neighbours.
    assert cohort_metrics.roc_auc(sign.ravel(), seen.array.ravel()) > 0.8
    i, j, k = np.unravel_index(np.argmax(seen.array), seen.shape)
    assert k == 1003 % 6
    assert sign[max(i - 32, 0) : i + 32, max(j - 32, 0) : j + 32, k].any()


def test_it_is_served(workdir, tmp_path):
    trained = TrainedRun.open(str(workdir))
    folder = saved_model.export(
        trained, str(tmp_path / "grader"), 1, ServingOptions("float32", 16, 4.0)
    )
    served = tf.saved_model.load(folder).signatures["grade"]
    scan = series(1002, 1)
    canonical = scan.canonical().array[np.newaxis]
    served_one = served(tf.constant(canonical))["probabilities"].numpy()
    ((_, _, probability, _),) = trained.predict(scan).tables["grades"]
    assert served_one.shape == (1, 1)
    assert served_one[0, 0] == pytest.approx(probability, abs=1e-5)


def test_a_series_that_nobody_has_is_refused(records, run_script, tmp_path):
    arguments = (*TRAIN, f"--records={records}", f"--workdir={tmp_path / 'run'}")
    result = run_script("deepresolve", *arguments, "--only_series=oblique")
    assert result.returncode != 0
    assert "no training scan whose scalar 'series' is 'oblique'" in result.stderr


def test_a_scalar_that_nobody_has_is_refused(records, run_script, tmp_path):
    arguments = (*TRAIN, f"--records={records}", f"--workdir={tmp_path / 'run'}")
    result = run_script("deepresolve", *arguments, "--grades=fracture")
    assert result.returncode != 0
    assert re.search(r"fracture>0 is true of 0 of the 0 training", result.stderr)
