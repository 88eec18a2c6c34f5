"""From scans to a complete set, however often it is interrupted."""

import dataclasses
import errno
import logging
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.system import locking, storage
from records import conversion, manifest, reader, shards, verification
from records.datasets import Folder
from records.inspection import overview
from records.runners import ProcessPool

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def folder_of_scans(make_volume, save_nifti, tmp_path):
    """Eight scans on disk, as datasets that worker processes can read."""
    for n in range(8):
        save_nifti(tmp_path / "scans" / f"{n}.nii.gz", make_volume(seed=n))
    return Folder(str(tmp_path / "scans"))


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_goes_in_comes_out(
    content_of, make_subject, make_recipe, tmp_path, compression
):
    subjects = [make_subject(name, labelled=name != "c") for name in "abcdef"]
    recipe = make_recipe(subjects, compression=compression)
    made = conversion.convert(recipe, str(tmp_path))
    assert made.counts == {"train": 4, "validation": 1, "test": 1}
    assert made.label_names == recipe.dataset.label_names
    found = {}
    for split in ("train", "validation", "test"):
        for stored in reader.subjects(str(tmp_path), split):
            found[stored.subject] = stored
    assert sorted(found) == list("abcdef")
    for subject in subjects:
        stored = found[subject.id]
        restored = stored.image.restore()
        np.testing.assert_array_equal(restored.array, subject.image.array)
        np.testing.assert_allclose(restored.affine, subject.image.affine, atol=1e-12)
        if subject.label is None:
            assert stored.label is None
        else:
            label = stored.label.restore()
            np.testing.assert_array_equal(label.array, subject.label.array)
    assert verification.verify(str(tmp_path)) == []
    assert sorted(content_of(tmp_path)) == sorted(
        ["manifest.json", *(shard.file for shard in made.all_shards)]
    )


def test_one_seed_makes_one_set_of_bytes(
    content_of, make_subject, make_recipe, tmp_path
):
    def convert(folder, **options):
        subjects = [make_subject(name) for name in "abcdefgh"]
        recipe = make_recipe(subjects, **{"num_shards": 2, **options})
        conversion.convert(recipe, str(tmp_path / folder))
        return content_of(tmp_path / folder)

    for compression in ("none", "gzip"):
        first = convert(f"1{compression}", compression=compression)
        assert convert(f"2{compression}", compression=compression) == first
    assert convert("another", seed=1, compression="gzip") != first


def test_an_error_in_a_worker_names_the_scan(content_of, folder_of_scans, tmp_path):
    (tmp_path / "scans" / "3.nii.gz").write_bytes(b"no scan")
    recipe = conversion.Recipe("folder", folder_of_scans)
    with pytest.raises(ValueError, match=r"Subject '3' \(3.nii.gz\)"):
        conversion.convert(recipe, str(tmp_path / "out"), ProcessPool(2))
    left = content_of(tmp_path / "out")
    assert manifest.FILE not in left
    assert not any(name.endswith(storage.TEMPORARY_SUFFIX) for name in left)
    for name in left:
        assert name.endswith((shards.SUFFIX, shards.PROGRESS_SUFFIX))


def test_bad_scans_do_not_stop_the_others(
    content_of, make_subject, make_recipe, tmp_path
):
    loaded = []

    def subject(name):
        def before_load():
            loaded.append(name)
            if name in "bcf":
                raise ValueError(f"{name} is damaged")

        return make_subject(name, before_load=before_load)

    recipe = make_recipe(
        [subject(name) for name in "abcdef"], split=(100, 0, 0), num_shards=6
    )
    with pytest.raises(ValueError, match="3 scans cannot be used") as raised:
        conversion.convert(recipe, str(tmp_path))
    *lines, remedy = str(raised.value).splitlines()[1:]
    assert remedy == "--leave_out_bad makes the set of the others."
    assert sorted(lines) == [
        f"  Subject '{name}' ({name}.fake): {name} is damaged" for name in "bcf"
    ]
    assert sorted(loaded) == list("abcdef")
    left = content_of(tmp_path)
    assert len([name for name in left if name.endswith(shards.SUFFIX)]) == 3
    assert len(left) == 6  # those, and what tells the next run that they are its own
    loaded.clear()
    with pytest.raises(ValueError, match="3 scans cannot be used"):
        conversion.convert(recipe, str(tmp_path))
    assert sorted(loaded) == list("bcf")


def test_bad_scans_of_one_shard_are_all_read(make_subject, make_recipe, tmp_path):
    def fail():
        raise ValueError("damaged")

    bad = [make_subject(name, before_load=fail) for name in "ac"]
    recipe = make_recipe([*bad, make_subject("b")], split=(100, 0, 0), num_shards=1)
    with pytest.raises(ValueError, match="2 scans cannot be used"):
        conversion.convert(recipe, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def with_bad_ones(make_subject, make_recipe, tmp_path):
    """A recipe of six scans, some of which cannot be used, in shards of two or one."""

    def make(bad, num_shards=2, split=(50, 33, 17), **options):
        loaded = []

        def subject(name):
            def before_load():
                loaded.append(name)
                if name in bad:
                    raise bad[name]

            return make_subject(name, before_load=before_load)

        subjects = [subject(name) for name in "abcdef"]
        recipe = make_recipe(subjects, split=split, num_shards=num_shards, **options)
        return recipe, loaded

    return make


def splits_of(made):
    return {split: {e.subject for e in made.subjects(split)} for split in made.counts}


@pytest.mark.parametrize("num_shards", [1, 2, 6])
def test_bad_scans_are_left_out_where_asked(
    with_bad_ones, tmp_path, caplog, num_shards
):
    whole, _ = with_bad_ones({}, num_shards)
    every = splits_of(conversion.convert(whole, str(tmp_path / "whole")))
    lost = {min(every["train"]), min(every["validation"])}
    bad = {min(lost): ValueError("damaged"), max(lost): PermissionError("not yours")}
    recipe, loaded = with_bad_ones(bad, num_shards)
    output = str(tmp_path / "out")
    made = conversion.convert(recipe, output, leave_out_bad=True)
    # Nobody changes the split for those that are missing.
    assert splits_of(made) == {split: every[split] - lost for split in every}
    reasons = {problem.subject: problem.reason for problem in made.left_out}
    assert reasons == {min(lost): "damaged", max(lost): "not yours"}
    (message,) = caplog.messages
    assert message.startswith(
        "2 scans cannot be used and are left out (of train 1 of 3, validation 1 of 2;"
    )
    for problem in made.left_out:
        assert f"\n  Subject '{problem.subject}' (" in message
        assert str(problem) in overview.describe(made)
    assert verification.verify(output) == []
    loaded.clear()
    assert conversion.convert(recipe, output, leave_out_bad=True) == made
    assert loaded == []
    with pytest.raises(ValueError, match=r"leaves out 2 scans.* Give --leave_out_bad"):
        conversion.convert(recipe, output)


def test_what_was_found_bad_without_the_flag_is_left_out_with_it(
    with_bad_ones, tmp_path
):
    recipe, loaded = with_bad_ones({"b": ValueError("damaged")}, num_shards=6)
    recipe = dataclasses.replace(recipe, split=(100, 0, 0))
    with pytest.raises(ValueError, match=r"Subject 'b' \(b.fake\): damaged"):
        conversion.convert(recipe, str(tmp_path))
    assert not manifest.exists(str(tmp_path))
    loaded.clear()
    made = conversion.convert(recipe, str(tmp_path), leave_out_bad=True)
    assert loaded == ["b"]
    assert made.counts["train"] == 5
    assert all(shard.num_subjects for shard in made.all_shards)


def test_a_split_does_not_go_empty(with_bad_ones, tmp_path):
    whole, _ = with_bad_ones({})
    (lost,) = splits_of(conversion.convert(whole, str(tmp_path / "whole")))["test"]
    recipe, _ = with_bad_ones({lost: ValueError("damaged")})
    with pytest.raises(ValueError, match=f"test would be left .*\n  Subject '{lost}'"):
        conversion.convert(recipe, str(tmp_path / "out"), leave_out_bad=True)
    assert not manifest.exists(str(tmp_path / "out"))


def test_a_shard_without_its_bad_scan_is_made_again_once_that_is_mended(
    with_bad_ones, make_volume, tmp_path
):
    bad = {"b": ValueError("damaged"), "e": OSError("the disk is gone")}
    recipe, _ = with_bad_ones(bad, 2, split=(100, 0, 0))
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="the disk is gone"):  # That is not the scan's.
        conversion.convert(recipe, str(tmp_path / "out"), leave_out_bad=True)
    del bad["e"], bad["b"]
    content = [
        dataclasses.replace(s, image=make_volume(seed=9)) if s.id == "b" else s
        for s in recipe.dataset.content
    ]
    recipe.dataset.with_content(content)
    made = conversion.convert(recipe, str(tmp_path / "out"), leave_out_bad=True)
    assert made.left_out == ()
    assert made.counts["train"] == 6


def test_notes_of_readers_are_listed_once_at_the_end_and_kept(
    with_bad_ones, make_subject, make_recipe, tmp_path, caplog
):
    def subject(name):
        def note():
            logger = logging.getLogger("deepresolve.imaging.formats.any")
            for _ in range(2):
                logger.warning("%s: there are gaps.", f"{name}.fake")

        return make_subject(name, before_load=note)

    recipe = make_recipe([subject(name) for name in "abc"])
    made = conversion.convert(recipe, str(tmp_path))
    (message,) = caplog.messages
    assert message.splitlines() == [
        "3 notes:",
        *(
            f"  Subject '{e.subject}' ({e.subject}.fake): there are gaps."
            for shard in made.all_shards
            for e in shard.subjects
        ),
    ]
    assert message in overview.describe(manifest.load(str(tmp_path)))
    assert verification.verify(str(tmp_path)) == []


def test_an_empty_label_map_is_told(make_subject, make_recipe, tmp_path, caplog):
    subject = make_subject("a")
    empty = subject.label.with_array(np.zeros_like(subject.label.array))
    subjects = [dataclasses.replace(subject, label=empty), make_subject("b")]
    conversion.convert(make_recipe(subjects, split=(100, 0, 0)), str(tmp_path))
    (message,) = caplog.messages
    assert message == "Subject 'a' (a.fake): no voxel of its label map has a label."


def test_shards_do_not_lie_among_the_scans(folder_of_scans):
    recipe = conversion.Recipe("folder", folder_of_scans, (50, 25, 25))
    with pytest.raises(ValueError, match="is the folder of the scans"):
        conversion.convert(recipe, f"{folder_of_scans.source}/")


def test_the_same_scan_of_two_persons_is_told(
    make_volume, save_nifti, tmp_path, caplog
):
    scans = tmp_path / "scans"
    for name in "ab":
        save_nifti(scans / f"{name}.nii", make_volume(seed=1))
    recipe = conversion.Recipe("folder", Folder(str(scans)), (50, 50, 0))
    conversion.convert(recipe, str(tmp_path / "records"))
    (message,) = caplog.messages
    assert "The same scan stands for 2 persons, a, b" in message
    assert message in overview.describe(manifest.load(str(tmp_path / "records")))


def test_the_same_voxels_in_another_file_are_told(
    make_volume, save_nifti, tmp_path, caplog
):
    scans, volume = tmp_path / "scans", make_volume(seed=1)
    save_nifti(scans / "a.nii", volume)
    save_nifti(scans / "b.nii.gz", volume.with_array(volume.array.astype("float32")))
    recipe = conversion.Recipe("folder", Folder(str(scans)), (50, 50, 0))
    conversion.convert(recipe, str(tmp_path / "records"))
    (message,) = caplog.messages
    assert "The same voxels stand for 2 persons, a, b" in message


def test_a_label_map_among_the_scans_is_told(make_volume, save_nifti, tmp_path, caplog):
    scans = tmp_path / "scans"
    for number, name in enumerate("ab"):
        save_nifti(scans / f"{name}.nii", make_volume(seed=number))
    scan = make_volume(seed=0)
    labels = scan.with_array((scan.array > np.median(scan.array)).astype(np.uint8))
    save_nifti(scans / "a_seg.nii", labels)
    recipe = conversion.Recipe("folder", Folder(str(scans)), (34, 33, 33))
    conversion.convert(recipe, str(tmp_path / "records"))
    (message,) = caplog.messages
    assert (
        "Subject 'a_seg' (a_seg.nii): few whole numbers, as in a label map" in message
    )


def test_subjects_can_travel_to_workers(folder_of_scans):
    subjects = list(folder_of_scans.subjects(0))
    assert pickle.loads(pickle.dumps(subjects)) == subjects  # noqa: S301


@pytest.mark.parametrize("failing", ["write", "__exit__"])
def test_a_full_disk_leaves_nothing_half_written(
    make_subject, make_recipe, tmp_path, monkeypatch, failing
):
    class FullDisk(tf.io.TFRecordWriter):
        pass

    def fail(self, *_):
        # What TensorFlow makes of ENOSPC (xla/tsl/platform/errors.cc).
        raise tf.errors.ResourceExhaustedError(None, None, os.strerror(errno.ENOSPC))

    setattr(FullDisk, failing, fail)
    recipe = make_recipe([make_subject(name) for name in "abc"])
    monkeypatch.setattr(tf.io, "TFRecordWriter", FullDisk)
    with pytest.raises(OSError, match="No space left on device"):
        conversion.convert(recipe, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    conversion.convert(recipe, str(tmp_path))
    assert verification.verify(str(tmp_path)) == []


def test_a_set_can_live_on_a_remote_file_system(make_subject, make_recipe):
    # TensorFlow's in-memory file system stands for gs:// and s3://.
    recipe = make_recipe([make_subject(name) for name in "abc"])
    conversion.convert(recipe, "ram://records/set")
    assert verification.verify("ram://records/set") == []
    (stored,) = reader.subjects("ram://records/set", "test")
    (element,) = reader.dataset("ram://records/set", "test").as_numpy_iterator()
    np.testing.assert_array_equal(element["image"], stored.image.array)


def test_ids_must_differ(make_subject, make_recipe, tmp_path):
    recipe = make_recipe([make_subject("a"), make_subject("a")])
    with pytest.raises(ValueError, match="Several subjects have the id 'a'"):
        conversion.convert(recipe, str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compression": "zip"}, "compression must be one of none, gzip; got 'zip'"),
        ({"num_shards": 0}, "num_shards must be 1 or more; got 0"),
    ],
)
def test_a_recipe_must_make_sense(make_recipe, options, message):
    with pytest.raises(ValueError, match=message):
        make_recipe([], **options)


@pytest.mark.parametrize(
    ("number", "message"),
    [(signal.SIGINT, "Interrupted."), (signal.SIGTERM, "Ended by SIGTERM.")],
)
def test_ctrl_c_in_a_terminal_and_sigterm(
    content_of, make_volume, save_nifti, tmp_path, number, message
):
    scans = tmp_path / "scans"
    first = save_nifti(scans / "0.nii.gz", make_volume(shape=(64, 64, 64)))
    for n in range(1, 40):
        (scans / f"{n}.nii.gz").hardlink_to(first)
    output = tmp_path / "records"
    command = [sys.executable, "-m", "records", "convert", "--dataset=folder"]
    command += [f"--source={scans}", f"--output={output}", "--num_workers=2"]
    command += ["--num_shards=20", "--compression=gzip"]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not list(output.glob("*.progress.json")):
        time.sleep(0.02)
    # A terminal sends the signal to all processes: to the two workers as well.
    send = os.killpg if number == signal.SIGINT else os.kill
    send(process.pid, number)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 128 + number, messages
    assert message in messages
    assert "Traceback" not in messages
    left = content_of(output)
    assert manifest.FILE not in left
    assert not any(name.endswith(storage.TEMPORARY_SUFFIX) for name in left)
    kept = [name for name in left if name.endswith(shards.SUFFIX)]
    assert kept
    written = {name: (output / name).stat().st_mtime_ns for name in kept}
    # What the workers wrote is kept, and is what one process alone would make.
    recipe = conversion.Recipe(
        "folder", Folder(str(scans)), num_shards=20, compression="gzip"
    )
    conversion.convert(recipe, str(output))
    assert written == {name: (output / name).stat().st_mtime_ns for name in kept}
    conversion.convert(recipe, str(tmp_path / "alone"))
    assert content_of(output) == content_of(tmp_path / "alone")


def test_two_conversions_into_one_folder_do_not_mix(
    make_subject, make_recipe, tmp_path
):
    recipe = make_recipe([make_subject(n) for n in "abc"])
    with (
        locking.held(str(tmp_path), "conversion", "wait"),
        pytest.raises(locking.InUseError, match=r"another conversion: .*--output"),
    ):
        conversion.convert(recipe, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    conversion.convert(recipe, str(tmp_path))
