"""Processes write what one process writes, and tell of every bad scan."""

import concurrent.futures
import contextlib
import signal
import types

import pytest

from deepresolve.system import progress_bar
from records import conversion, manifest
from records.datasets import Folder
from records.runners import ProcessPool


@pytest.fixture
def recipe(make_volume, save_nifti, tmp_path):
    """Five scans on disk, which worker processes can read, in four shards."""
    for n in range(5):
        save_nifti(tmp_path / "scans" / f"{n}.nii.gz", make_volume(seed=n))
    dataset = Folder(str(tmp_path / "scans"))
    return conversion.Recipe("folder", dataset, split=(60, 20, 20), num_shards=2)


def test_bad_scans_are_all_named_and_the_next_run_continues(
    recipe, content_of, make_volume, save_nifti, tmp_path
):
    output = tmp_path / "out"
    for n in (1, 3):
        (tmp_path / "scans" / f"{n}.nii.gz").write_bytes(b"no scan")
    with pytest.raises(ValueError, match="2 scans cannot be used") as raised:
        conversion.convert(recipe, str(output), ProcessPool(2))
    for name in "13":
        assert f"\n  Subject '{name}' ({name}.nii.gz): " in str(raised.value)
    assert not manifest.exists(str(output))
    kept = {path: path.stat().st_mtime_ns for path in output.glob("*.tfrecord")}
    assert kept
    for n in (1, 3):
        save_nifti(tmp_path / "scans" / f"{n}.nii.gz", make_volume(seed=n))
    conversion.convert(recipe, str(output), ProcessPool(2))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    conversion.convert(recipe, str(tmp_path / "alone"))
    assert content_of(output) == content_of(tmp_path / "alone")


def test_a_signal_waits_until_no_lock_is_held(recipe, monkeypatch, tmp_path):
    waited, wait = [], concurrent.futures.wait

    def interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        waited.append(True)  # Nothing was raised in the middle of it.
        return wait(*args)

    monkeypatch.setattr(concurrent.futures, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        conversion.convert(recipe, str(tmp_path / "out"), ProcessPool(2))
    assert waited == [True]


def test_there_is_at_least_one_worker():
    with pytest.raises(ValueError, match="num_workers must be 1 or more; got 0"):
        ProcessPool(0)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_scans_are_counted_within_shards(recipe, monkeypatch, tmp_path, num_workers):
    counts, totals = [], {}

    @contextlib.contextmanager
    def shown(what, total, unit, **_):
        totals[what] = total, unit
        used = counts if what == "convert" else []
        yield types.SimpleNamespace(update=lambda number=1: used.append(number))

    monkeypatch.setattr(progress_bar, "shown", shown)
    conversion.convert(recipe, str(tmp_path / "out"), ProcessPool(num_workers))
    assert totals["convert"] == (5, "scan")
    assert sum(counts) == 5  # in four shards
    if num_workers == 1:
        assert counts == [1] * 5
