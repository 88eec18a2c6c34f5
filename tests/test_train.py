"""The script as a user runs it, in real processes."""

import functools
import importlib.util
import json
import shutil

import pytest

from deepresolve.imaging.formats import nifti
from deepresolve.runs import training_set
from deepresolve.simulation import phantom
from deepresolve.system import locking
from records import conversion
from records.datasets import DATASETS


@pytest.fixture(scope="module")
def records_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    study = DATASETS["phantom"](
        num_subjects=3, phantom_shape=(24, 24, 24), phantom_spacing_mm=(2.0, 2.0, 2.0)
    )
    recipe = conversion.Recipe("phantom", study, split=(34, 33, 33))
    conversion.convert(recipe, str(folder))
    return folder


@pytest.fixture(scope="module")
def unlabelled_records_dir(tmp_path_factory):
    """Records of scans that come without label maps."""
    scans, folder = (tmp_path_factory.mktemp(name) for name in ("scans", "unlabelled"))
    for seed in range(3):
        knee = phantom.knee(seed=seed, shape=(24, 24, 24), spacing_mm=(2.0, 2.0, 2.0))
        nifti.write(scans / f"knee-{seed}.nii.gz", knee.image)
    study = DATASETS["folder"](source=str(scans))
    recipe = conversion.Recipe("folder", study, split=(34, 33, 33))
    conversion.convert(recipe, str(folder))
    return folder


def super_resolution(records_dir, workdir, *flags):
    return [
        "--preset=sr_cnn",
        *(f"--records={records_dir}", f"--workdir={workdir}"),
        *("--num_layers=2", "--num_features=2", "--patch_shape=8,8,8"),
        *("--batch_size=2", "--steps_per_epoch=20", "--min_tissue=0"),
        *("--checkpoint_minutes=0", *flags),
    ]


def segmentation(records_dir, workdir, *flags):
    return [
        "--preset=seg_cnn_small",
        *(f"--records={records_dir}", f"--workdir={workdir}"),
        *("--num_levels=2", "--num_features=2", "--patch_shape=16,16,8"),
        *("--batch_size=2", "--steps_per_epoch=2", "--num_epochs=2", *flags),
    ]


@pytest.fixture
def train(run_script):
    return functools.partial(run_script, "train.py")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--patch_shape=8,8,64"], "too few for a patch"),
        (["--fold=1,1,2"], "works for downsample_factors=2 alone"),
        (["--model=transformer"], "Unknown model 'transformer'"),
        (["--model=seg_cnn"], "'seg_cnn' is for task=segmentation"),
        (["--loss=vibes"], "Unknown loss 'vibes'"),
        (["--optimizer=hope"], "Unknown optimizer 'hope'"),
        (["--num_levels=3"], "num_levels belongs to task=classification or task=seg"),
    ],
)
def test_what_cannot_train_is_one_line(train, records_dir, tmp_path, flags, message):
    result = train(*super_resolution(records_dir, tmp_path / "run", *flags))
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_segmentation_trains_on_classes_of_the_records(train, records_dir, tmp_path):
    workdir = tmp_path / "run"
    classes = "--classes=femoral cartilage,bone=femur+tibia"
    result = train(*segmentation(records_dir, workdir, classes))
    assert result.returncode == 0, result.stderr
    last = result.stderr.splitlines()[-1]
    assert f"Trained; the weights are {workdir}/best.keras; best validation" in last
    assert "The validation blocks hold femoral cartilage" in result.stderr
    assert "seg_cnn: " in result.stderr
    assert "val_dsc_femoral_cartilage" in result.stderr
    (entry,) = json.loads((workdir / "provenance.json").read_text())
    assert entry["class_names"] == ["femoral cartilage", "bone"]
    assert entry["label_names"]["5"] == "femur"


def test_unknown_class_names_the_records_and_their_labels(train, records_dir, tmp_path):
    result = train(*segmentation(records_dir, tmp_path / "run", "--classes=spine"))
    assert result.returncode == 1
    assert f"error: {records_dir}: The class 'spine'" in result.stderr
    assert "the records have: femoral cartilage" in result.stderr
    assert "Traceback" not in result.stderr


def test_segmentation_of_scans_without_labels_is_refused(
    train, unlabelled_records_dir, tmp_path
):
    result = train(*segmentation(unlabelled_records_dir, tmp_path / "run"))
    assert result.returncode == 1
    assert f"training scans of {unlabelled_records_dir} have labels" in result.stderr
    assert "--labels and --label_names" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_addons") is not None,
    reason="tensorflow-addons is here",
)
def test_optimizer_of_the_other_stack_is_one_line(train, records_dir, tmp_path):
    result = train(
        *segmentation(records_dir, tmp_path / "run", "--optimizer=rectified_adam")
    )
    assert result.returncode == 1
    assert "pip install '.[addons]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_start_in_one_workdir_is_one_line(train, records_dir, tmp_path):
    run = tmp_path / "x=[1,2]"
    with locking.held(str(run), "training", "wait"):
        before = sorted(run.iterdir())
        result = train(*super_resolution(records_dir, run))
        assert sorted(run.iterdir()) == before
    assert result.returncode == 1
    assert f"{run} is being written by another training: process" in result.stderr
    assert "choose another --workdir" in result.stderr
    assert "Traceback" not in result.stderr


def test_damaged_shard_stops_the_training_with_the_cure(train, records_dir, tmp_path):
    damaged = tmp_path / "records"
    shutil.copytree(records_dir, damaged)
    (shard,) = damaged.glob("train-*")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    # As an earlier start leaves it: the training itself is the first to read the shard.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / training_set.FILE).touch()
    result = train(*super_resolution(damaged, tmp_path / "run", "--num_epochs=1"))
    assert result.returncode == 1
    assert "damaged or missing shard" in result.stderr
    assert "python -m records verify" in result.stderr
    assert "corrupted record" in result.stderr
    assert "Detected at node" not in result.stderr


def test_missing_shard_is_one_line(train, records_dir, tmp_path):
    lacking = tmp_path / "records"
    shutil.copytree(records_dir, lacking)
    (shard,) = lacking.glob("train-*")
    shard.unlink()
    result = train(*super_resolution(lacking, tmp_path / "run", "--num_epochs=1"))
    assert result.returncode == 1
    assert f"{shard.name} cannot be read" in result.stderr
    assert "python -m records verify" in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_records_are_named(train, tmp_path):
    result = train(*super_resolution(tmp_path / "nowhere", tmp_path / "run"))
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr
