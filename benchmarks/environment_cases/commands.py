"""Each command on inputs of a few voxels, and what it leaves."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import zipfile
from typing import NamedTuple

SEGMENTS = "1=femoral cartilage"


class Command(NamedTuple):
    """One command.

    Attributes:
      arguments: of Python; {given} is the folder of inputs, {made} that of results.
      results: what it leaves in the folder of results.
    """

    arguments: tuple[str, ...]
    results: tuple[str, ...]


_PREDICT = ("-m", "deepresolve", "predict", "--workdir={given}/sr")
COMMANDS = {
    "phantom": Command(
        (
            *("-m", "deepresolve", "phantom", "--output={made}/knee.nii.gz"),
            *("--shape=16,16,16", "--spacing_mm=8,8,8"),
        ),
        ("knee.nii.gz",),
    ),
    "convert": Command(
        (
            *("-m", "records", "convert", "--dataset=folder"),
            *("--source={given}/scans", "--labels={given}/masks"),
            *(f"--label_names={SEGMENTS}", "--persons={given}/people.csv"),
            *("--split=50,25,25", "--num_shards=2", "--output={made}/shards"),
        ),
        ("shards",),
    ),
    "inspect": Command(
        (
            *("-m", "records", "inspect", "--records={given}/shards"),
            "--figure={made}/sheet.png",
        ),
        ("sheet.png",),
    ),
    "train": Command(
        (
            *("train.py", "--preset=sr_cnn", "--records={given}/shards"),
            *("--workdir={made}/sr", "--num_layers=2", "--num_features=2"),
            *("--patch_shape=8,8,8", "--batch_size=2", "--steps_per_epoch=4"),
            *("--num_epochs=2", "--min_tissue=0", "--deterministic"),
        ),
        ("sr/best.keras",),
    ),
    "predict": Command(
        (
            *(*_PREDICT, "--input={given}/scans", "--output={made}/thin"),
            *("--preview=png", "--dtype=float32"),
        ),
        ("thin",),
    ),
    "evaluate": Command(
        (
            *("evaluate.py", "--records={given}/shards", "--sr_workdir={given}/sr"),
            *("--split=train", "--save_volumes", "--output={made}/report"),
        ),
        ("report/subjects.csv", "report/volumes"),
    ),
    "export": Command(
        (
            *("-m", "deepresolve", "export", "--workdir={given}/sr"),
            "--output={made}/models/sr",
        ),
        ("models/sr/1/saved_model.pb",),
    ),
    "export_onnx": Command(
        (
            *("-m", "deepresolve", "export-onnx", "--workdir={given}/sr"),
            "--output={made}/sr.onnx",
        ),
        ("sr.onnx",),
    ),
    "prepare": Command(
        (
            *("-m", "deepresolve", "reading", "prepare", "--evaluation={given}/report"),
            *("--output={made}/study", "--readers=André,Zoë", "--repeats=1"),
        ),
        ("study/study.json", "study/images"),
    ),
    "analyse": Command(
        (
            *("-m", "deepresolve", "reading", "analyse", "--study={given}/study"),
            "--output={made}/readers",
        ),
        ("readers/answers.csv", "readers/scores.png"),
    ),
}

# Files whose bytes differ from run to run: times, paths and random names are in them.
_BY_PRESENCE = {".pb", ".onnx", ".json", ".npy", ".html", ".md"}


def digest(made: pathlib.Path, results: tuple[str, ...]) -> str:
    """SHA-256 of what a command left, as far as it is the same in every run.

    Raises:
      FileNotFoundError: it left less than it should have.
    """
    found = hashlib.sha256()
    for name in results:
        place = made / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if not file.exists():
                raise FileNotFoundError(file)
            if file.is_file() and not file.name.startswith("."):
                found.update(_content(file))
    return found.hexdigest()


def _content(file: pathlib.Path) -> bytes:
    if file.suffix in _BY_PRESENCE:
        return b"there"
    if file.suffix == ".keras":
        return _weights(file)
    if file.name.endswith((".nii", ".nii.gz")):
        import nibabel as nib

        image = nib.load(file)
        return image.get_fdata().tobytes() + image.affine.tobytes()
    return file.read_bytes()


def _weights(file: pathlib.Path) -> bytes:
    import h5py

    content = []
    with (
        zipfile.ZipFile(file) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights,
    ):
        weights.visititems(
            lambda name, item: (
                content.append(item[()].tobytes())
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return json.dumps([c.hex() for c in content]).encode()
