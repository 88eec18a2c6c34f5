"""evaluate.py as its user runs it: in a process of its own."""

import json
import os
import pathlib
import re
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

ROOT = pathlib.Path(__file__).parent.parent
SPACING_MM = (0.5, 0.5, 0.8)
LABEL_NAMES = {2: "femoral cartilage", 5: "tibia"}
FIGURES = ["bland_altman.png", "figure_2.png", "paired.png", "super_resolution.png"]
NUMBERS = ["report.html", "report.json", "report.md", "subjects.csv"]

# Runs evaluate.py several times in one process, for much is loaded but once.
SEVERAL_RUNS = """
import json, sys
from deepresolve.commands import evaluate
from absl import flags

outcomes = {}
for name, arguments in json.loads(sys.argv[1]).items():
    for flag in list(flags.FLAGS):
        flags.FLAGS[flag].unparse()
    flags.FLAGS(["evaluate.py", *arguments])
    try:
        evaluate.run()
        outcomes[name] = "done"
    except ValueError as error:
        outcomes[name] = str(error)
print(json.dumps(outcomes))
"""


def run(*command):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def evaluate(*flags):
    return run("evaluate.py", *flags)


def scan_and_label(seed):
    """Smooth random voxels in RAS; what is bright is cartilage."""
    noise = np.random.default_rng(seed).standard_normal((24, 22, 20))
    smooth = ndimage.gaussian_filter(noise, 1.5)
    voxels = (1000 + 300 * smooth / smooth.std()).astype(np.int16)
    return voxels, np.where(voxels > 1300, 2, np.where(voxels < 700, 5, 0))


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Folders of two scans of 24 x 22 x 20 voxels, and of their labels."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("scans", "labels")}
    for seed in range(2):
        for folder, voxels in zip(folders.values(), scan_and_label(seed), strict=True):
            image = nib.Nifti1Image(
                voxels.astype(np.int16), np.diag([*SPACING_MM, 1.0])
            )
            image.to_filename(folder / f"knee{seed}.nii.gz")
    return {name: str(folder) for name, folder in folders.items()}


@pytest.fixture(scope="module")
def convert(tmp_path_factory):
    """Makes records whose test split holds all scans of a folder."""

    def converted(source, **settings):
        from records import conversion
        from records.datasets.folder import Folder

        output = str(tmp_path_factory.mktemp("records"))
        recipe = conversion.Recipe(
            "folder", Folder(source, **settings), split=(0.0, 0.0, 100.0)
        )
        conversion.convert(recipe, output)
        return output

    return converted


@pytest.fixture(scope="module")
def records_dir(convert, scans):
    return convert(scans["scans"], labels=scans["labels"], label_names=LABEL_NAMES)


@pytest.fixture(scope="module")
def make_workdir(tmp_path_factory):
    """Makes the workdir of a run that has just started."""

    def made(config, zero=False, trained=True):
        from deepresolve.networks import build_model
        from deepresolve.runs.workdir import Workdir

        model = build_model(config)
        if zero:
            model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        folder = Workdir(str(tmp_path_factory.mktemp("run")))
        folder.start(config)
        if trained:
            folder.save_model(model, "best")
        return folder.path

    return made


@pytest.fixture(scope="module")
def workdirs(make_workdir):
    """Untrained runs; the super-resolution adds exactly nothing."""
    from deepresolve import presets

    small = {"num_levels": 2, "num_features": 2, "precision": "float32"}
    seg = presets.get("seg_cnn_small").replace(**small)
    benchmark = presets.get("unet_2d_small").replace(**small)
    sr = presets.get("sr_cnn").replace(num_layers=2, num_features=2)
    views = presets.get("sr_views").replace(num_layers=2, num_features=2)
    two = ("femoral cartilage", "tibia")
    return {
        "sr": make_workdir(sr, zero=True),
        "sharp": make_workdir(sr),
        "views": make_workdir(views),
        "seg": make_workdir(seg),
        "benchmark": make_workdir(benchmark),
        # Told from its config: there are no weights to load.
        "two_classes": make_workdir(benchmark.replace(classes=two), trained=False),
        "patella": make_workdir(seg.replace(classes=("patellar cartilage",))),
    }


def rows_of(folder):
    content = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    keys = ("network", "image_set", "metric", "class")
    return content, {tuple(r[k] for k in keys): r["mean"] for r in content["rows"]}


def dice_by_hand(workdir, num_slices=19, flips=False):
    """DSC on the ground truth from the network's own output, of 19 or all 20 slices."""
    from deepresolve.runs.workdir import Workdir

    model = Workdir(workdir).load_model("best")
    scores = []
    for seed in range(2):
        # To rows, columns, slices of an axial scan: posterior, left, superior.
        scan, label = (
            np.transpose(array, (1, 0, 2))[::-1, ::-1, :num_slices]
            for array in scan_and_label(seed)
        )
        low, high = np.percentile(scan, (0.1, 99.9))
        scaled = ((scan - low) / (high - low)).astype(np.float32)
        output = np.asarray(model(scaled[None, ..., None]))
        if flips:
            mirrored = np.asarray(model(scaled[None, :, ::-1, :, None]))
            output = output + mirrored[:, :, ::-1]
        found = output.argmax(-1)[0] == 1
        true = label == 2
        scores.append(2 * np.sum(found & true) / (found.sum() + true.sum()))
    return np.mean(scores)


@pytest.fixture(scope="module")
def full_report(run_script, records_dir, workdirs, tmp_path_factory):
    output = tmp_path_factory.mktemp("report") / "new"
    done = run_script(
        "evaluate.py",
        f"--records={records_dir}",
        f"--output={output}",
        *(f"--{part}_workdir={workdirs[part]}" for part in ("sr", "seg", "benchmark")),
        "--save_volumes",
    )
    assert done.returncode == 0, done.stderr
    return output, done.stdout


def test_report_of_all_three_networks(full_report, records_dir):
    output, printed = full_report
    found = sorted(path.name for path in output.iterdir())
    assert found == sorted([*FIGURES, *NUMBERS, "volumes"])
    assert all(str(output / name) in printed for name in FIGURES + NUMBERS)
    for line in ("SSIM (x100)", "DSC (%), femoral cartilage, 3D Seg-CNN", "2D U-Net"):
        assert line in printed
    content, _ = rows_of(output)
    assert [row["network"] for row in content["seconds"]] == ["sr", "seg", "benchmark"]
    provenance = content["provenance"]
    assert provenance["records"] == records_dir
    assert provenance["split"] == "test"
    assert provenance["sr_preset"] == "sr_cnn"
    assert provenance["benchmark_preset"] == "unet_2d_small"
    assert len(provenance["records_sha256"]) == 64
    assert {"deepresolve", "tensorflow", "keras", "scipy", "skimage"} <= set(provenance)
    # Two layers are not the published network, whatever preset they came from.
    assert "79.1 ± 1.3" not in (output / "report.md").read_text(encoding="utf-8")


def test_volumes_are_the_scans_that_were_converted(full_report, scans):
    folder = full_report[0] / "volumes"
    index = json.loads((folder / "volumes.json").read_text(encoding="utf-8"))
    assert index["downsample_factor"] == 3
    assert [row["subject"] for row in index["subjects"]] == ["knee0", "knee1"]
    assert str(folder / "volumes.json") in full_report[1]
    for row in index["subjects"]:
        name = row["subject"]
        scan = nib.load(pathlib.Path(scans["scans"]) / f"{name}.nii.gz")
        truth = nib.load(folder / name / "ground_truth.nii")
        np.testing.assert_array_equal(truth.affine, scan.affine)
        # Of 20 slices 0, 3, ..., 18 are acquired.
        np.testing.assert_array_equal(truth.dataobj, scan.dataobj[..., :19])
        for image_set in ("sr", "tci", "fourier"):
            image = nib.load(folder / name / f"{image_set}.nii")
            assert (image.shape, image.get_data_dtype()) == (truth.shape, np.int16)
            np.testing.assert_array_equal(image.affine, truth.affine)


def test_a_network_that_adds_nothing_is_tci_to_every_measure(full_report):
    _, means = rows_of(full_report[0])
    compared = [key for key in means if key[1] == "sr"]
    assert len(compared) > 10
    for network, _, metric, label_class in compared:
        sr, tci = (means[network, s, metric, label_class] for s in ("sr", "tci"))
        assert sr == pytest.approx(tci, abs=1e-5)


def test_dsc_is_that_of_the_networks_own_output(full_report, workdirs):
    _, means = rows_of(full_report[0])
    for part in ("seg", "benchmark"):
        key = part, "ground_truth", "dsc", "femoral cartilage"
        assert means[key] == pytest.approx(dice_by_hand(workdirs[part]), abs=2e-3)
    voxel_mm3 = np.prod(SPACING_MM)
    bright = [np.sum(scan_and_label(s)[1][..., :19] == 2) for s in range(2)]
    reference = means["seg", "sr", "reference_volume_mm3", "femoral cartilage"]
    assert reference == pytest.approx(np.mean(bright) * voxel_mm3)


@pytest.fixture(scope="module")
def study(full_report, tmp_path_factory):
    """A reader study of the volumes that were saved; its reader likes SR best."""
    from deepresolve.reading.study import Study, load_key, preparation, questions

    folder = tmp_path_factory.mktemp("reading") / "study"
    sets = ("ground_truth", "sr", "tci")
    asked = questions.DEFAULT[:2]
    design = preparation.Design("Two knees", asked, ("ann",), sets, repeats=1)
    preparation.prepare(full_report[0], folder, design)
    answers = Study.load(folder).answers
    for name, shown in load_key(folder).presentations.items():
        for place, image_set in enumerate(shown.image_sets):
            score = 4 if image_set == "sr" else 2
            rank = {"sr": 3, "ground_truth": 2, "tci": 1}[image_set]
            given = [(place, "diq", str(score)), (place, "rank", str(rank))]
            answers.record("ann", name, given)
        answers.lock("ann", name)
    return str(folder)


@pytest.fixture(scope="module")
def several(run_script, records_dir, workdirs, scans, convert, study, tmp_path_factory):
    """What became of several runs, by name, and the folder of their reports."""
    folder = tmp_path_factory.mktemp("several")

    def flags(name, records=records_dir, **others):
        given = {"records": records, "output": folder / name} | others
        return [f"--{flag}={value}" for flag, value in given.items()]

    def networks(**chosen):
        return {f"{part}_workdir": workdirs[name] for part, name in chosen.items()}

    bare = convert(scans["scans"])
    runs = {
        "sr alone": flags("sr", **networks(sr="sr"), reading=study),
        "seg alone": flags("seg", **networks(seg="seg")),
        "seg and TCI": flags("tci", **networks(seg="seg"), downsample_factor=2),
        "flips": flags("flips", **networks(seg="seg", benchmark="benchmark"), flips=1),
        "no flips": flags("9", **networks(benchmark="benchmark"), flips=1),
        "sr for seg": flags("1", **networks(seg="sr")),
        "seg for sr": flags("2", **networks(sr="seg")),
        "other classes": flags("3", **networks(seg="seg", benchmark="two_classes")),
        "no labels": flags("4", records=bare, **networks(sr="sr", seg="seg")),
        "unknown class": flags("5", **networks(benchmark="patella")),
        "no such factor": flags("6", **networks(seg="seg"), downsample_factor=9),
        "twice the same": flags("8", **networks(seg="seg", benchmark="seg")),
        "one sr": flags("one_sr", workdir=workdirs["sharp"]),
        "sr of one": flags("sr_of_one", **networks(sr="sharp")),
        "no factor": flags("13", workdir=workdirs["views"], downsample_factor=0),
        "one views": flags("one_views", workdir=workdirs["views"]),
        "views of one": flags("views_of_one", **networks(sr="views")),
        "one seg": flags("one_seg", workdir=workdirs["seg"], flips=1),
        "seg of one": flags("seg_of_one", **networks(seg="seg"), flips=1),
        "one without labels": flags("11", records=bare, workdir=workdirs["seg"]),
        "one of a factor": flags("12", workdir=workdirs["sr"], downsample_factor=2),
        "study of sr": flags("10", **networks(seg="seg"), reading=study),
        "empty split": flags("7", **networks(sr="sr"), split="train"),
    }
    script = folder / "several_runs.py"
    script.write_text(SEVERAL_RUNS)
    done = run_script(str(script), json.dumps(runs))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), folder


@pytest.mark.parametrize(
    ("name", "output", "image_sets", "figures"),
    [
        ("sr alone", "sr", {"sr", "tci", "fourier"}, FIGURES[1:]),
        ("seg alone", "seg", {"ground_truth"}, FIGURES[:2]),
        ("seg and TCI", "tci", {"ground_truth", "tci", "fourier"}, FIGURES),
    ],
)
def test_any_of_the_workdirs_will_do(several, name, output, image_sets, figures):
    outcomes, folder = several
    assert outcomes[name] == "done"
    names = sorted(path.name for path in (folder / output).iterdir())
    assert names == sorted(figures + NUMBERS)
    _, means = rows_of(folder / output)
    assert {key[1] for key in means} == image_sets


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sr for seg", "for super_resolution; expected one for segmentation"),
        ("seg for sr", "for segmentation; expected one for super_resolution"),
        (
            "other classes",
            "different classes: femoral cartilage; and femoral cartilage, ",
        ),
        ("no labels", "2 of 2 test subjects of .* have no labels, the first 'knee0'"),
        ("unknown class", "lacks labels .* 'patellar cartilage'"),
        ("no such factor", "9"),
        ("no factor", "downsample_factor must be at least 2; got 0"),
        ("twice the same", "both .*: a network is not its own benchmark"),
        ("one without labels", "2 of 2 test subjects of .* have no labels"),
        ("one of a factor", r"trained for downsample factors \(3,\); 2 was asked"),
        ("no flips", "--flips is for a segmentation that sees more than one slice"),
        ("study of sr", "compares ground_truth, sr, tci, but this .* makes no sr, tci"),
        ("empty split", "The split 'train' of .* has no subjects"),
    ],
)
def test_what_cannot_be_measured_is_told_before_the_run(several, name, message):
    outcomes, folder = several
    assert re.search(message, outcomes[name])
    assert not any(folder.glob("[1-9]*/*"))


def test_readers_of_the_saved_volumes_fill_their_rows(several, study):
    folder = several[1] / "sr"
    content, _ = rows_of(folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    (diq,) = re.findall(r"\| DIQ \(1 to 5\), 2 cases *\|(.*)\|", text)
    cells = [cell.strip() for cell in diq.split("|")]
    assert cells == ["2.00 ± 0.00", "4.00 ± 0.00", "2.00 ± 0.00", "not read"]
    means = {
        (r["metric"], r["image_set"]): r["mean"] for r in content["readers"]["rows"]
    }
    assert means["rank", "sr"] == 3
    assert content["provenance"]["reading"] == study
    assert "Rank (1 to 3, 3 best), 2 cases" in (folder / "report.html").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("part", ["sr", "seg"])
def test_one_run_has_the_numbers_of_table_1(several, workdirs, part):
    outcomes, folder = several
    one, of_table_1 = folder / f"one_{part}", folder / f"{part}_of_one"
    assert outcomes[f"one {part}"] == outcomes[f"{part} of one"] == "done"
    # Volumes are numbers of the cohort, too: what they rest on lies beside them.
    of_cohort = {"compared.csv"} if part == "seg" else set()
    assert {path.name for path in one.iterdir()} == {*NUMBERS} | of_cohort
    content, _ = rows_of(one)
    expected, _ = rows_of(of_table_1)
    assert content["rows"] == expected["rows"]
    assert (one / "subjects.csv").read_bytes() == (
        of_table_1 / "subjects.csv"
    ).read_bytes()
    cohort = {(r["class"], r["metric"]): r["value"] for r in content["cohort"]}
    of_mm3 = {"bias": "bias", "lower_limit": "lower", "upper_limit": "upper"}
    for row in expected["bland_altman"]:  # mm³ with one decimal
        for name, key in of_mm3.items():
            found = cohort.pop((row["class"], name))
            assert found == pytest.approx(row[key], abs=0.06)
        assert cohort.pop((row["class"], "rms_cv")) == row["rms_cv"]
    assert not cohort
    given, known = content["provenance"], expected["provenance"]
    assert given["workdir"] == known[f"{part}_workdir"]
    assert given["preset"] == known[f"{part}_preset"]
    same = ("records_sha256", "trained_on", "tensorflow", "split", "checkpoint")
    assert [given[name] for name in same] == [known[name] for name in same]


@pytest.mark.parametrize("name", ["sr", "views"])
def test_one_run_of_a_sharper_network_is_no_tci(several, name):
    _, means = rows_of(several[1] / f"one_{name}")
    assert means["sr", "sr", "rmse", None] != means["sr", "tci", "rmse", None]


def test_a_run_of_views_is_measured_like_any_other(several):
    outcomes, folder = several
    assert outcomes["one views"] == outcomes["views of one"] == "done"
    one, of_table_1 = (rows_of(folder / n) for n in ("one_views", "views_of_one"))
    assert one[0]["rows"] == of_table_1[0]["rows"]
    assert [row["network"] for row in of_table_1[0]["seconds"]] == ["sr"]


def test_flips_average_what_sees_more_than_one_slice(several, workdirs):
    outcomes, folder = several
    assert outcomes["flips"] == "done"
    content, means = rows_of(folder / "flips")
    for part, flips in (("seg", True), ("benchmark", False)):
        key = part, "ground_truth", "dsc", "femoral cartilage"
        by_hand = dice_by_hand(workdirs[part], num_slices=20, flips=flips)
        assert means[key] == pytest.approx(by_hand, abs=1e-3)
    assert content["protocol"]["flips"].startswith("3D Seg-CNN: the mean over")


def test_an_error_is_one_line_and_leaves_no_file(
    run_script, records_dir, workdirs, tmp_path
):
    output = tmp_path / "report"
    done = run_script(
        "evaluate.py",
        f"--records={records_dir}",
        f"--sr_workdir={workdirs['sr']}",
        f"--output={output}",
        "--downsample_factor=2",
    )
    assert done.returncode == 1
    assert "error: The network was trained for downsample factors (3,)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_unknown_flags_are_refused():
    done = evaluate("--records=a", "--sr_workdir=b", "--output=c", "--spilt=test")
    assert done.returncode == 1
    assert "spilt" in done.stderr


def test_a_workdir_is_asked_for():
    done = evaluate("--records=a", "--output=b")
    assert done.returncode == 1
    assert "at least one of --sr_workdir, --seg_workdir" in done.stderr


@pytest.mark.parametrize(
    "other", ["--sr_workdir=c", "--seg_workdir=c", "--save_volumes", "--reading=c"]
)
def test_one_run_is_measured_alone(other):
    done = evaluate("--records=a", "--output=b", "--workdir=c", other)
    assert done.returncode == 1
    assert "--workdir measures one run, if need be beside" in done.stderr


def test_one_workdir_that_is_none_is_told(records_dir, tmp_path):
    workdir, output = tmp_path / "none", tmp_path / "out"
    done = evaluate(
        f"--records={records_dir}", f"--workdir={workdir}", f"--output={output}"
    )
    assert done.returncode == 1
    assert f"{workdir} is no workdir" in done.stderr
    assert not output.exists()


def test_help_does_not_load_tensorflow():
    script = (
        "import deepresolve.commands.evaluate, sys; print('tensorflow' in sys.modules)"
    )
    done = run("-c", script)
    assert done.stdout == "False\n", done.stderr
    assert "--benchmark_workdir" in evaluate("--help").stdout
