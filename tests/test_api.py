"""The Python interface, and the README's lines of it."""

import ast
import dataclasses
import inspect
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from doc_pages import ROOT, blocks, run

import deepresolve as dr
from deepresolve import api
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS
from deepresolve.runs import pretrained
from deepresolve.simulation import phantom
from deepresolve.tasks.trained_run import TrainedRun


def test_offers_what_it_names_with_a_docstring():
    assert {*api.__all__, "metrics"} == set(dr.__all__)
    assert set(dr.__all__) <= set(dir(dr))
    for name in api.__all__:
        assert getattr(dr, name) is getattr(api, name)
        assert getattr(dr, name).__doc__


def test_type_checkers_see_what_is_loaded_late():
    tree = ast.parse((ROOT / "deepresolve" / "__init__.py").read_text("utf-8"))
    (late,) = (node for node in tree.body if isinstance(node, ast.If) and node.orelse)
    seen = [a.name for n in late.body for a in n.names if n.module != "deepresolve"]
    assert seen == api.__all__


def test_offers_every_measure_of_images_masks_and_cohorts():
    assert {getattr(dr.metrics, name) for name in dr.metrics.__all__} == {
        metric.function for metric in METRICS.values()
    }


@pytest.mark.parametrize("module", [dr, dr.metrics])
def test_other_names_are_no_attributes(module):
    with pytest.raises(AttributeError, match="no attribute 'super_resolve'"):
        module.super_resolve  # noqa: B018


@pytest.mark.parametrize(
    ("line", "loaded"),
    [
        ("import deepresolve as dr", set()),
        ("import deepresolve as dr; dr.metrics", set()),
        ("import deepresolve as dr; dr.metrics.dsc; dr.read", {"numpy", "scipy"}),
        ("import deepresolve as dr; dr.open_run", {"numpy", "scipy"}),
    ],
)
def test_loads_no_more_than_is_used(line, loaded):
    heavy = {"numpy", "scipy", "skimage", "tensorflow", "keras"}
    script = f"{line}; import sys; print(*{heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == loaded


def test_reads_and_writes_a_scan(tmp_path):
    knee = phantom.knee(seed=1, shape=(16, 16, 16), spacing_mm=(8, 8, 8))
    dr.write(tmp_path / "knee.nii.gz", knee.image)
    scan = dr.read(tmp_path / "knee.nii.gz", slice_axis=0)
    np.testing.assert_array_equal(scan.array, knee.image.array)
    assert scan.slice_axis == 0
    with pytest.raises(ValueError, match="leave out --echo=2"):
        dr.read(tmp_path / "knee.nii.gz", echo=2)


def test_echoes_become_a_map_by_the_kind_that_is_measured(tmp_path):
    """Of 35 ms, in the words of one kind from the files to the map."""
    knee = phantom.knee(seed=1, shape=(16, 16, 16), spacing_mm=(8, 8, 8)).image
    times, paths = (0, 10, 40, 80), []
    for time in times:
        paths.append(tmp_path / f"{time:02d}.nii")
        decayed = 400 * np.exp(-time / 35) * np.ones(knee.shape)
        decayed[0] = 0
        dr.write(paths[-1], knee.with_array(decayed.astype(np.float32)))
    echoes = dr.read_echoes(paths, times, kind="t1rho")
    found = dr.relaxometry(echoes, "t1rho", noise=0)
    assert found.kind == "t1rho" and "TSL 0, 10, 40, 80 ms" in found.notes[0]
    np.testing.assert_allclose(found.time_ms.array[1:], 35, rtol=1e-4)
    assert np.isnan(found.time_ms.array[0]).all()
    longer = dr.relaxometry(echoes, "t1rho", noise=0, most_ms=30, method="nonlinear")
    assert np.isnan(longer.time_ms.array).all() and longer.method == "nonlinear"
    with pytest.raises(ValueError, match="Read them with kind='t2'"):
        dr.relaxometry(echoes)
    with pytest.raises(ValueError, match="Expected one of t2, t2star and t1rho"):
        dr.read_echoes(paths, times, kind="TSL")


def test_a_run_loads_its_network_once_for_the_same_options(monkeypatch):
    opened = dr.open_run(pathlib.Path("pretrained:sr_knee"))
    assert isinstance(opened, TrainedRun)
    loaded = []
    monkeypatch.setattr(
        TrainedRun, "predictor", lambda run, **options: loaded.append(options) or Spy()
    )
    scan = Volume(np.zeros((4, 5, 6), np.float32), np.eye(4))
    for options in ({}, {}, {"dtype": "float32"}, {}):
        assert opened.predict(scan, **options) == "prediction of 6 slices"
    assert loaded == [{}, {"dtype": "float32"}]
    found = dr.predict(scan, "pretrained:seg_knee", min_piece=0.1)
    assert found == "prediction of 6 slices"
    assert loaded[2:] == [{"min_piece": 0.1}]


class Spy:
    """In the place of a network."""

    def predict(self, scan):
        return f"prediction of {scan.num_slices} slices"


def test_the_lines_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    knee = phantom.knee(seed=7, shape=(128, 128, 97), spacing_mm=(0.8, 0.8, 0.75))
    formats.write("clinical.nii.gz", dr.thicken(knee.image, 3))
    # The truth is on a grid of its own.
    truth = knee.label.crop((slice(4, 126), slice(128), slice(97)))
    formats.write("truth.nii.gz", truth)
    page = ROOT / "README.md"
    (lines,) = (block for block in blocks(page) if block.language == "python")
    printed = run(lines, page, {})
    # 33 slices 2.25 mm apart become as fine as pixels of 0.8 mm, or nearly.
    assert dr.read("thin.nii.gz").shape == (128, 128, round(33 * 2.25 / 0.8))
    assert {0, 1, 2, 3} <= set(np.unique(dr.read("cartilage.nii.gz").array))
    assert 0.7 < float(printed) < 0.95


def test_a_measure_that_is_added_to_the_table_is_offered(monkeypatch):
    added = dataclasses.replace(METRICS["mse"], function=lambda a, b: 7.0)
    monkeypatch.setitem(METRICS, "added", added)
    assert dr.metrics.added(None, None) == 7.0
    assert "dsc" in dir(dr.metrics)


def test_predict_takes_the_package_s_default_network():
    chosen = inspect.signature(dr.predict).parameters["workdir"].default
    assert chosen == pretrained.PREFIX + pretrained.DEFAULT
