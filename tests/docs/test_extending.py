"""The examples of docs/extending.md work as they stand, by the tables' own tests."""

import importlib
import re
import runpy
import sys
import types

import keras
import numpy as np
import pytest
from doc_pages import ROOT, blocks, run
from imaging.formats.test_format_table import ARRAY, check_entry
from metrics.test_table import broken_promises
from networks.test_conformance import check_model
from presets.test_presets import check_preset

from deepresolve import networks
from deepresolve.imaging import format_table, formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.metrics.table import METRICS, Metric
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.models import MODELS
from deepresolve.tasks.trained_run import TrainedRun
from records import conversion, reader, verification
from records.datasets import DATASETS

PAGE = ROOT / "docs" / "extending.md"
# The package `records` has the name of the folder of its tests.
CONFORMANCE_OF_DATASETS = (
    ROOT / "tests" / "records" / "datasets" / "test_conformance.py"
)


class Example:
    """The blocks of a section: modules, and lines of tables."""

    def __init__(self, heading, monkeypatch):
        self._blocks = {block.title: block for block in blocks(PAGE, heading)}
        self._monkeypatch = monkeypatch

    def module(self, path):
        """The block as the module that its title says, which others can import."""
        name = path.removesuffix(".py").replace("/", ".")
        module = types.ModuleType(name)
        self._monkeypatch.setitem(sys.modules, name, module)
        package = importlib.import_module(name.rpartition(".")[0])
        last = name.rpartition(".")[2]
        self._monkeypatch.setattr(package, last, module, raising=False)
        block = self._blocks[path]
        assert max(map(len, block.text.splitlines())) <= 88, "Ruff's lines"
        run(block, PAGE, vars(module))
        return module

    def line(self, title, **names):
        """The line of a table: its name, and its entry."""
        [(name, entry)] = eval(f"{{{self._blocks[title].text}}}", names).items()  # noqa: S307
        return name, entry


@pytest.fixture
def example(monkeypatch):
    return lambda heading: Example(heading, monkeypatch)


@pytest.fixture
def two_branches(example, monkeypatch):
    """The network, in its table."""
    found = example("A network")
    module = found.module("deepresolve/networks/two_branches.py")
    name, entry = found.line(
        "a line of MODELS of super_resolution", two_branches=module
    )
    monkeypatch.setitem(MODELS, name, entry)
    return entry


@pytest.fixture
def preset(example, two_branches):
    """The name of the preset, and its module."""
    found = example("A preset")
    module = found.module("deepresolve/presets/two_branches_small.py")
    name, config = found.line("a line of PRESETS", two_branches_small=module)
    assert config is module.CONFIG
    return name, module


def test_a_network(preset, two_branches):
    config = preset[1].CONFIG
    check_model(two_branches, config.replace(num_layers=3), 1)


def test_a_preset(preset):
    name, module = preset
    check_preset(name, module.CONFIG, module.__doc__)


def test_the_network_predicts_what_one_pass_gives(preset, tmp_path):
    config = preset[1].CONFIG.replace(
        num_layers=3, num_features=4, patch_shape=(8, 8, 9)
    )
    workdir = Workdir(tmp_path / "run")
    workdir.start(config)
    model = networks.build_model(config)
    model.compile(keras.optimizers.Adam(0.1), networks.build_loss(config))
    batch = np.random.default_rng(0).random((2, 2, 8, 8, 9, 1), np.float32)
    model.train_on_batch(*batch)
    workdir.save_model(model, "best")
    array = np.random.default_rng(1).integers(0, 900, (30, 28, 9)).astype(np.float32)
    scan = Volume(array, np.eye(4), to_source=np.eye(3, 2))

    scale = estimate_scale(array)
    scaled = interpolate(scan.with_array(scale.apply(array)), 3).array
    expected = scale.invert(np.asarray(model(scaled[None, ..., None]))[0, ..., 0])
    expected = np.maximum(expected, array.min())
    predictor = TrainedRun.open(workdir.path).predictor(
        dtype="float32", window=(16, 16, 16)
    )
    found = predictor.predict(scan).image.array
    assert np.abs(found - interpolate(scan, 3).array).max() > 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.ptp(expected))


def test_a_dataset(example, monkeypatch, tmp_path):
    found = example("A dataset")
    module = found.module("records/datasets/numpy_files.py")
    name, kind = found.line("a line of DATASETS", **vars(module))
    monkeypatch.setitem(DATASETS, name, kind)
    faults = runpy.run_path(str(CONFORMANCE_OF_DATASETS))["faults"]
    assert faults(kind, DATASETS) == []
    (tmp_path / "arrays").mkdir()
    for person in ("a", "b", "c"):
        np.save(tmp_path / "arrays" / f"{person}_V00.npy", ARRAY + ord(person))
    dataset = kind(source=str(tmp_path / "arrays"), spacing_mm=(0.4, 0.5, 0.7))
    assert dataset.describe() == ["3 NumPy files"]
    shards = str(tmp_path / "shards")
    conversion.convert(conversion.Recipe(name, dataset), shards)
    assert verification.verify(shards) == []
    [knee] = reader.subjects(shards, "test")
    np.testing.assert_array_equal(knee.image.array, ARRAY + ord(knee.person))
    assert knee.image.spacing_mm == pytest.approx((0.4, 0.5, 0.7))
    assert knee.scalars == {"visit": "V00"}
    with pytest.raises(ValueError, match="found none"):
        list(kind(source=str(tmp_path), spacing_mm=(1.0, 1.0, 1.0)).subjects(0))


def test_a_file_format(example, monkeypatch, tmp_path):
    found = example("A file format")
    found.module("deepresolve/imaging/formats/plain.py")
    name, where = found.line("a line of FORMATS")
    monkeypatch.setitem(format_table.FORMATS, name, where)
    sample = tmp_path / "scan.plain"
    affine = affine_along_axes("IPL", (0.5, 0.4, 2.0))
    formats.write(sample, Volume(ARRAY.astype(np.float32), affine, slice_axis=0))
    check_entry(format_table.named(name), sample, tmp_path)
    assert formats.find_scans(tmp_path)[0] == sample
    scan = formats.read_image(sample)
    assert (scan.slice_axis, scan.orientation) == (0, "IPL")
    np.testing.assert_array_equal(scan.array, ARRAY)
    sample.write_bytes(sample.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut short"):
        formats.read_image(sample)


def test_a_metric(example):
    found = example("A metric")
    image = found.module("deepresolve/metrics/image.py")
    name, entry = found.line("a line of METRICS", Metric=Metric, image=image)
    assert name not in METRICS
    assert list(broken_promises(name, entry)) == []
    ones = np.ones((2, 3, 4))
    assert entry.function(ones, ones * 1.5) == 0.5
    with pytest.raises(ValueError, match="one shape"):
        entry.function(ones, ones[1:])


def test_a_task_is_shown_whole():
    """`tests/tasks/test_brightness.py` takes it all the way."""
    shown = set(re.findall(r'--8<-- "(.+)"', PAGE.read_text("utf-8")))
    folder = ROOT / "tests" / "brightness"
    modules = {f"tests/brightness/{path.name}" for path in folder.glob("[a-z]*.py")}
    assert shown == modules


def test_every_example_is_tried():
    tried = {
        "A network",
        "A preset",
        "A dataset",
        "A file format",
        "A metric",
        "A task",
    }
    headings = {
        line[3:] for line in PAGE.read_text("utf-8").splitlines() if line[:3] == "## "
    }
    assert headings - {"Other tables"} == tried
