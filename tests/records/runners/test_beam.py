"""Apache Beam writes what one process writes. Real pipelines, each in a process."""

import sys

import pytest

from records import conversion, verification
from records.datasets import Folder
from records.runners import Beam


@pytest.fixture
def convert(run_script, make_volume, save_nifti, tmp_path):
    """Runs `convert` on five scans, their folder named by the fixture `scans`."""
    for n in range(5):
        save_nifti(tmp_path / "scans" / f"{n}.nii.gz", make_volume(seed=n))

    def run(output, *flags):
        command = ["convert", "--dataset=folder", f"--source={tmp_path / 'scans'}"]
        command += [f"--output={output}", "--split=60,20,20", "--num_shards=2"]
        return run_script("records", *command, "--runner=beam", *flags)

    return run


@pytest.fixture
def by_this_process(tmp_path):
    """The same conversion by one process, without Beam; gives its folder."""

    def run():
        recipe = conversion.Recipe(
            "folder",
            Folder(str(tmp_path / "scans")),
            split=(60.0, 20.0, 20.0),
            num_shards=2,
        )
        conversion.convert(recipe, str(tmp_path / "alone"))
        return tmp_path / "alone"

    return run


@pytest.fixture(scope="module")
def apache_beam():
    """Skips where Apache Beam is not installed."""
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")


@pytest.mark.parametrize(
    "options",
    ["", "--direct_num_workers=2 --direct_running_mode=multi_processing"],
    ids=["one worker", "two processes"],
)
def test_the_same_bytes_as_one_process(
    apache_beam, convert, by_this_process, content_of, tmp_path, options
):
    done = convert(tmp_path / "beam", f"--beam_options={options}")
    assert done.returncode == 0, done.stderr
    assert "4 shards; subjects: train 3, validation 1, test 1" in done.stdout
    assert content_of(tmp_path / "beam") == content_of(by_this_process())
    assert not [path for path in (tmp_path / "beam").iterdir() if path.is_dir()]


def test_bad_scans_are_named_and_the_next_run_continues(
    apache_beam, convert, by_this_process, content_of, make_volume, save_nifti, tmp_path
):
    bad = [tmp_path / "scans" / f"{n}.nii.gz" for n in (1, 3)]
    for path in bad:
        path.write_bytes(b"no scan")
    done = convert(tmp_path / "beam")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: 2 scans cannot be used:\n" in done.stderr
    for name in "13":
        assert f"Subject '{name}' ({name}.nii.gz): " in done.stderr
    kept = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "beam").glob("*.tfrecord")
    }
    assert kept
    for n, path in zip((1, 3), bad, strict=True):
        save_nifti(path, make_volume(seed=n))
    assert convert(tmp_path / "beam").returncode == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert content_of(tmp_path / "beam") == content_of(by_this_process())
    assert verification.verify(str(tmp_path / "beam")) == []


def test_without_beam_the_message_says_what_to_install(
    make_volume, save_nifti, tmp_path, monkeypatch
):
    # None in sys.modules makes the import fail, installed or not.
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    save_nifti(tmp_path / "scans" / "a.nii", make_volume())
    dataset = Folder(str(tmp_path / "scans"))
    recipe = conversion.Recipe("folder", dataset, split=(100, 0, 0))
    with pytest.raises(ValueError, match=r"pip install '\.\[beam\]'"):
        conversion.convert(recipe, str(tmp_path / "out"), Beam())
    assert not list(tmp_path.glob("out/*"))  # and the folder went with the lock
