"""Wrong paths are answered before TensorFlow is loaded, by every command."""

import pathlib
import subprocess
import sys

import pytest

from deepresolve.runs import checks
from deepresolve.system import paths

ROOT = pathlib.Path(__file__).parents[2]
PREDICT = ("-m", "deepresolve", "predict")
RECORDS = ("-m", "records")
READING = ("-m", "deepresolve", "reading")
EXPORT = ("-m", "deepresolve", "export")
ONNX = ("-m", "deepresolve", "export-onnx")

# The command line, with {} for a folder that holds scan.nii and the file `file`.
WRONG = {
    "predict, no scan": [*PREDICT, "--input={}/none", "--output={}/o.nii"],
    "predict, no run": [
        *(*PREDICT, "--workdir={}", "--input={}/scan.nii", "--output={}/o.nii"),
    ],
    "predict, among scans": [*PREDICT, "--input={}", "--output={}/new"],
    "predict, onto the scan": [
        *(*PREDICT, "--input={}/scan.nii", "--output={}/scan.nii"),
    ],
    "predict, unwritable": [*PREDICT, "--input={}/scan.nii", "--output={}/file/o.nii"],
    "train, no records": ["train.py", "--preset=sr_cnn", "--records={}", "--workdir=w"],
    "evaluate, no records": [
        *("evaluate.py", "--records={}", "--sr_workdir={}", "--output={}/r"),
    ],
    "convert, no scans": [
        *(*RECORDS, "convert", "--dataset=folder", "--source={}/none", "--output={}/o"),
    ],
    "convert, unwritable": [
        *(*RECORDS, "convert", "--dataset=phantom", "--num_subjects=1"),
        "--output={}/file",
    ],
    "verify": [*RECORDS, "verify", "--records={}"],
    "inspect": [*RECORDS, "inspect", "--records={}/none"],
    "export, no run": [*EXPORT, "--workdir={}/none", "--output={}/model"],
    "export, unknown": [*EXPORT, "--workdir=pretrained:none", "--output={}/model"],
    "export, a pattern": [*EXPORT, "--output={}/models/s[r]"],
    "export_onnx, unwritable": [*ONNX, "--output={}/file/sr.onnx"],
    "prepare": [*READING, "prepare", "--evaluation={}/none", "--output={}/study"],
    "serve": [*READING, "serve", "--study={}/none"],
    "analyse": [*READING, "analyse", "--study={}/none", "--output={}/readers"],
    "phantom": [
        *("-m", "deepresolve", "phantom", "--output={}/file/knee.nii"),
    ],
}


@pytest.fixture
def folder(tmp_path):
    for name in ("scan.nii", "file"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize("command", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_path_does_not_wait_for_tensorflow(command, folder):
    arguments = [part.replace("{}", str(folder)) for part in command]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    loaded = {line.split("|")[-1].strip() for line in lines if "|" in line}
    assert not loaded & {"tensorflow", "keras", "scipy", "nibabel", "matplotlib"}
    assert done.returncode == 1
    (told,) = (line for line in lines if not line.startswith("import time"))
    assert told.startswith("error: ")
    before = sorted(path.name for path in folder.iterdir())
    assert before == ["file", "scan.nii"]  # and nothing was made


def test_urls_are_left_to_tensorflow():
    paths.check_input("--source", "gs://bucket/scans")
    paths.check_records("gs://bucket/records")
    checks.check_workdir("gs://bucket/run")
    paths.check_output("gs://bucket/out.nii.gz")
    paths.check_output_folder("gs://bucket/out")


def test_what_is_there_passes(folder):
    (folder / "config.json").write_text("{}")
    (folder / "manifest.json").write_text("{}")
    paths.check_input("--input", folder / "scan.nii")
    checks.check_workdir(str(folder))
    checks.check_workdir("pretrained:sr_knee")
    paths.check_records(str(folder))
    for output in ("scan.nii", "new.nii", "a/b/new.nii", "."):
        paths.check_output(folder / output)
    paths.check_output_folder(str(folder / "a" / "b"))
    assert not (folder / "a").exists()
    paths.check_apart(str(folder / "out"), str(folder / "scan.nii"))


def test_a_dangling_link_says_where_it_leads(tmp_path):
    link = tmp_path / "scan.nii"
    link.symlink_to("annex/objects/abc")
    with pytest.raises(FileNotFoundError, match=r"a link to annex/objects/abc, and"):
        paths.check_input("--input", link)


def test_a_name_that_no_file_can_have_is_named(tmp_path):
    with pytest.raises(OSError, match=r"--input=.*xxx.*(too long|no such file)"):
        paths.check_input("--input", tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", ["models/x=[1,2]", "models/a\\b", "file:///[/sr"])
def test_what_tensorflow_could_not_load_is_not_exported(name):
    with pytest.raises(ValueError, match=r"cannot load a model from .* another folder"):
        paths.check_servable(name)


def test_what_tensorflow_can_load_is_exported(tmp_path, monkeypatch):
    for name in ("models/sr", "gs://bucket/sr", "/models/a*b?c", "{é}]/ sr"):
        paths.check_servable(name)
    # A path counts from the root.
    (tmp_path / "x=[1,2]").mkdir()
    monkeypatch.chdir(tmp_path / "x=[1,2]")
    with pytest.raises(ValueError, match=r"from .*/x=\[1,2\]/sr: "):
        paths.check_servable("sr")


def test_a_name_that_tensorflow_cannot_take_is_told():
    name = b"runs/\xff".decode(errors="surrogateescape")
    for check in (checks.check_workdir, paths.check_records, paths.check_output_folder):
        with pytest.raises(ValueError, match=r"'runs/\\udcff': the name is no UTF-8"):
            check(name)
