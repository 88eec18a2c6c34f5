"""Every command on a machine that was set up for other work, all at once.

A notebook's backend, a foreign keras.json, a home that takes no settings, the C locale,
warnings turned to errors, a table of a spreadsheet, and all paths by ~, with blanks,
brackets and letters beyond ASCII. `benchmarks/environments.py` tries each alone.
"""

import io
import json
import os
import sys
import zipfile

import h5py
import nibabel as nib
import numpy as np
import pytest
from world import scans

SHAPE, STEP = (24, 24, 12), np.diag([5.0, 5.0, 5.0, 1.0])
NAMES = ("André", "Zoë", "c", "d")
VARIABLES = {
    **{"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    **{"TF_USE_LEGACY_KERAS": "1", "KERAS_MAX_EPOCHS": "1", "PYTHONWARNINGS": "error"},
    **{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    **{"PYTHONCOERCECLOCALE": "0"},
}
UNSET = ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "KERAS_HOME")
_TRAIN = (
    *("--preset=sr_cnn", "--num_layers=2", "--num_features=2", "--patch_shape=8,8,6"),
    *("--batch_size=2", "--steps_per_epoch=4", "--num_epochs=2", "--min_tissue=0"),
    "--deterministic",
)
_PREDICT = ("--input=~/scans/c.nii.gz", "--dtype=float32", "--preview=png")
# In their order: each takes what those before it have left, by its name below ~.
COMMANDS = {
    "convert": (
        *("records", "convert", "--dataset=folder", "--source=~/scans"),
        *("--persons=~/people.csv", "--split=50,25,25", "--num_workers=1"),
        "--output=~/shards",
    ),
    "inspect": ("records", "inspect", "--records=~/shards"),
    "train": ("train.py", *_TRAIN, "--records=~/shards", "--workdir=~/sr"),
    "evaluate": (
        *("evaluate.py", "--records=~/shards", "--sr_workdir=~/sr", "--split=train"),
        *("--save_volumes", "--output=~/report"),
    ),
    "predict": (
        *("deepresolve", "predict", "--workdir=~/sr", *_PREDICT),
        "--output=~/thin é.nii.gz",
    ),
    "prepare": (
        *("deepresolve", "reading", "prepare", "--evaluation=~/report", "--repeats=1"),
        *("--readers=André", "--output=~/study"),
    ),
}
LEFT = {
    "convert": ("shards/manifest.json",),
    "inspect": ("shards/contact_sheet.png",),
    "train": ("sr/best.keras", "sr/last.keras"),
    "evaluate": ("report/report.html", "report/subjects.csv"),
    "predict": ("thin é.nii.gz", "thin é_preview.png", "thin é_trust.json"),
    "prepare": ("study/study.json",),
}


def make_home(folder):
    folder.mkdir()
    for number, name in enumerate(NAMES):
        array = scans.knee(SHAPE, seed=number).astype(np.int16)
        scans.nifti(folder / "scans" / f"{name}.nii.gz", array, STEP)
    rows = ["subject;person", *(f"{name};p{name}" for name in NAMES)]
    (folder / "people.csv").write_text("\r\n".join(rows), encoding="cp1252")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = make_home(tmp_path_factory.mktemp("machine") / "home é [x=1,2] {id}")
    (folder / ".config").touch()
    (folder / ".cache").touch()
    (folder / ".keras").mkdir()
    settings = {"image_data_format": "channels_first", "floatx": "float16"}
    settings |= {"backend": "jax", "epsilon": 0.5}
    (folder / ".keras" / "keras.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def run(script_server, home):
    """Runs a script on that machine, in its home."""
    environment = {**os.environ, **VARIABLES, "HOME": str(home)}
    for name in UNSET:
        environment.pop(name, None)
    with script_server("pinned", environment=environment) as run_there:
        yield run_there


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_its_work(command, run, home):
    result = run(*COMMANDS[command])
    assert "Traceback" not in result.stderr
    assert result.returncode == 0, result.stderr
    assert [name for name in LEFT[command] if not (home / name).exists()] == []
    assert result.stdout.isascii()


def test_a_network_is_exported_where_a_server_can_read_it(run, tmp_path):
    export = ("deepresolve", "export", "--workdir=~/sr")
    refused = run(*export, "--output=~/models/sr")
    assert refused.returncode == 1
    assert "Export into another folder" in refused.stderr  # TensorFlow's own limit
    result = run(*export, f"--output={tmp_path}/é/sr")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "é/sr/1/saved_model.pb").exists()


def test_nothing_else_was_left_behind(home):
    assert {path.name for path in home.iterdir()} == {
        *("scans", "people.csv", ".config", ".cache", ".keras", "shards", "sr"),
        *("report", "study"),
        *LEFT["predict"],
    }


def test_the_results_are_those_of_a_sound_machine(run_script, home, tmp_path):
    paths = [f"--records={home}/shards", f"--workdir={tmp_path}/sr"]
    assert run_script("train.py", *_TRAIN, *paths).returncode == 0
    ours, theirs = (weights(place / "sr/best.keras") for place in (tmp_path, home))
    assert len(ours) == len(theirs) >= 4
    for here, there in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(here, there)
    arguments = ["--dtype=float32", f"--input={home}/scans/c.nii.gz"]
    arguments += [f"--workdir={home}/sr", f"--output={tmp_path}/thin.nii.gz"]
    assert run_script("deepresolve", "predict", *arguments).returncode == 0
    np.testing.assert_array_equal(
        nib.load(tmp_path / "thin.nii.gz").get_fdata(),
        nib.load(home / "thin é.nii.gz").get_fdata(),
    )


def weights(path):
    found = []
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda _, item: (
                found.append(item[()]) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
@pytest.mark.parametrize("command", ["train", "prepare"])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(command, run, home):
    output = COMMANDS[command][-1].split("~/")[1]
    arguments = [*COMMANDS[command][:-1], f"{COMMANDS[command][-1]}_full"]
    result = run(*arguments, file_bytes=150)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert not [p for p in home.rglob("*.tmp*") if f"{output}_full" in str(p)]
