import hashlib
import json
import pathlib
import re

import numpy as np
import pytest

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.labels import lookup_table
from deepresolve.metrics import image as image_metrics
from deepresolve.metrics import overlap
from deepresolve.runs import pretrained
from deepresolve.runs.workdir import Workdir
from deepresolve.simulation import phantom
from deepresolve.tasks.super_resolution.restoration import (
    acquired_span,
    restored_images,
)
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.trained_run import TrainedRun

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "deepresolve" / "runs" / "pretrained"
NAMES = sorted(pretrained.PRETRAINED)

each_network = pytest.mark.parametrize("name", NAMES)


def workdir_of(name):
    return Workdir(pretrained.PREFIX + name)


@pytest.fixture(scope="module")
def knee():
    """A knee that no training saw: those of benchmarks/pretrain.py have other seeds."""
    drawn = phantom.knee(seed=7, shape=(104, 104, 79), spacing_mm=(0.8, 0.8, 0.8))
    return drawn.image.canonical(), drawn.label.canonical()


def test_the_table_names_what_is_there():
    folders = {p.name for p in FOLDER.iterdir() if p.is_dir()} - {"__pycache__"}
    assert folders == set(NAMES)
    assert pretrained.DEFAULT in NAMES
    script = (ROOT / "benchmarks" / "pretrain.py").read_text(encoding="utf-8")
    assert all(f'"{name}": [' in script for name in NAMES)


@each_network
def test_files_are_few_small_and_tell_nothing_of_the_machine(name):
    files = {path.name: path for path in (FOLDER / name).iterdir()}
    assert {
        "best.npz",
        "config.json",
        "provenance.json",
        "training_set.json",
    } == set(files)
    assert sum(path.stat().st_size for path in files.values()) < 5e6
    for path in files.values():
        if path.suffix == ".json":
            values = re.findall(r'"(/[^"]*)"', path.read_text(encoding="utf-8"))
            assert all(value.startswith("/device:") for value in values), values


@each_network
def test_the_card_is_of_these_weights(name):
    card = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    content = (FOLDER / name / "best.npz").read_bytes()
    assert name in card
    assert hashlib.sha256(content).hexdigest() in card


@each_network
def test_the_description_warns(name):
    text = pretrained.describe(name)
    assert "synthetic" in text
    assert "not for diagnosis" in text
    assert "docs/models.md" in text


def convolved(x, kernel, bias, step):
    """A "same" convolution as Keras means it: (I, J, C) and (A, B, C, D).

    Of I = step * i rows come i; A - step of the rows around are padded.
    """
    rows, columns = x.shape[0] // step, x.shape[1]
    around = (kernel.shape[0] - step) // 2
    padded = np.pad(x, [(around, around), (1, 1), (0, 0)])
    result = np.zeros((rows, columns, kernel.shape[-1])) + bias
    for i, j in np.ndindex(kernel.shape[:2]):
        result += padded[i:, j : j + columns][: step * rows : step] @ kernel[i, j]
    return result


def spread_out(x, kernel, bias):
    """The transpose of a convolution of (6, 3, D, C) that takes every second row."""
    rows, columns, _ = x.shape
    full = np.zeros((2 * rows + 4, columns + 2, kernel.shape[2]))
    for i, j in np.ndindex(kernel.shape[:2]):
        full[i : i + 2 * rows : 2, j : j + columns] += x @ kernel[i, j].T
    return full[2:-2, 1:-1] + bias


def test_either_stack_computes_what_the_stored_arrays_mean():
    stored = np.load(FOLDER / "sr_knee" / "best.npz", allow_pickle=False)
    view = np.random.default_rng(3).random((14, 9, 4), np.float32)
    x = view
    for number in range(1, 8):
        layer = [stored[f"conv_{number}/{part}"] for part in (0, 1)]
        step = 2 if number == 1 else 1  # pixels are folded by two
        x = np.maximum(convolved(x, *layer, step), 0)
    expected = spread_out(x, stored["parts/0"], stored["parts/1"])
    model = workdir_of("sr_knee").load_model()
    actual = np.asarray(model(view[np.newaxis]))[0]
    assert actual.shape == (14, 9, 8)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_super_resolution_beats_interpolation(knee):
    image, _ = knee
    predictor = TrainedRun.open("pretrained:sr_knee").predictor(dtype="float32")
    images, _ = restored_images(image, predictor.restore, downsample_factor=3)
    truth = acquired_span(image, 3)
    scale = estimate_scale(image.array)
    psnr = {
        name: image_metrics.psnr(
            scale.apply(truth.array), scale.apply(images[name].array), data_range=1
        )
        for name in images
    }
    assert psnr["sr"] > max(psnr["tci"], psnr["fourier"]) + 0.3


def test_tissues_are_found(knee):
    image, label = knee
    run = TrainedRun.open("pretrained:seg_knee")
    found = run.predict(image, dtype="float32").label_map.array
    classes = lookup_table(run.config.classes, phantom.LABEL_NAMES)[label.array]
    for number, name in enumerate(run.config.class_names, start=1):
        least = 0.85 if name in ("femur", "tibia", "patella") else 0.6
        assert overlap.dsc(classes == number, found == number) > least, name


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'none'; known: .*'sr_knee'"):
        Workdir("pretrained:none")


def test_it_is_not_trained_further_and_has_no_last_weights():
    run = workdir_of("sr_knee")
    with pytest.raises(ValueError, match=r"not trained further\. Give a --workdir"):
        run.start(SuperResolutionConfig())
    with pytest.raises(ValueError, match=r"no last\.npz\. Leave out --checkpoint"):
        run.load_model("last")


def test_damaged_weights_are_named(tmp_path):
    config = FOLDER / "sr_knee" / "config.json"
    (tmp_path / "config.json").write_bytes(config.read_bytes())
    (tmp_path / "best.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"best\.npz: no NumPy archive.*Install"):
        Workdir(tmp_path).load_model()


def test_what_is_installed_holds_them():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert '"deepresolve.runs.pretrained": ["*/*.json", "*/*.npz"]' in setup


@each_network
def test_provenance_tells_how_it_was_trained(name):
    starts = json.loads((FOLDER / name / "provenance.json").read_text())
    assert starts
    for start in starts:
        (script,) = re.findall(r"benchmarks/pretrain\w*\.py", start["records"])
        assert (ROOT / script).is_file()
