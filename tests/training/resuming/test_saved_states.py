"""States come back from any folder, or their loss is told."""

import pathlib
import shutil
import tempfile

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deepresolve.system import storage
from deepresolve.training.resuming.saved_states import SavedStates

# What TensorFlow's patterns are made of, and what else stands in names.
LETTERS = "[]*?{}\\!^-,ab1 %=#~'éß中🦵"


class State:
    """One number, saved and restored."""

    def __init__(self):
        self.number = tf.Variable(0.0)
        self.states = SavedStates(tf.train.Checkpoint(number=self.number))

    def save(self, folder, *numbers):
        for number in numbers:
            self.number.assign(number)
            self.states.save(str(folder))

    def restore(self, folder):
        return float(self.number) if self.states.restore(str(folder)) else None


def restored(folder):
    return State().restore(folder)


@pytest.fixture
def folder(tmp_path):
    """Holds the states 2 and 3 of three."""
    path = tmp_path / "checkpoints"
    State().save(path, 1, 2, 3)
    return path


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def test_the_newest_two_are_kept_and_the_newest_comes_back(folder):
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoint",
        *("ckpt-2.data-00000-of-00001", "ckpt-2.index"),
        *("ckpt-3.data-00000-of-00001", "ckpt-3.index"),
    ]
    assert restored(folder) == 3


def test_nothing_comes_out_of_nothing(tmp_path):
    assert restored(tmp_path / "missing") is None
    assert restored(tmp_path) is None


def test_tensorflow_reads_what_is_saved(folder):
    latest = tf.train.latest_checkpoint(str(folder))
    assert latest == str(folder / "ckpt-3")
    name = "number/.ATTRIBUTES/VARIABLE_VALUE"
    assert tf.train.load_checkpoint(latest).get_tensor(name) == 3


def test_what_tensorflow_saves_comes_back(tmp_path):
    saved = tf.train.Checkpoint(number=tf.Variable(5.0))
    manager = tf.train.CheckpointManager(saved, str(tmp_path), max_to_keep=2)
    for _ in range(11):  # 11 comes after 9, in numbers
        saved.number.assign_add(1.0)
        manager.save()
    assert restored(tmp_path) == 16


def test_a_folder_that_was_moved_goes_on(folder, tmp_path):
    # As TensorFlow writes it for a path that was not relative.
    (folder / "checkpoint").write_text('model_checkpoint_path: "/gone/ckpt-3"\n')
    moved = folder.rename(tmp_path / "elsewhere")
    assert restored(moved) == 3


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00 no text", b"other: 1"])
def test_the_file_that_names_the_newest_is_not_needed(folder, content):
    if content is None:
        (folder / "checkpoint").unlink()
    else:
        (folder / "checkpoint").write_bytes(content)
    assert restored(folder) == 3


def without_index(folder, number):
    (folder / f"ckpt-{number}.index").unlink()


def without_data(folder, number):
    (folder / f"ckpt-{number}.data-00000-of-00001").unlink()


def without_both(folder, number):
    without_index(folder, number)
    without_data(folder, number)


def index_cut_short(folder, number):
    cut(folder / f"ckpt-{number}.index")


def index_empty(folder, number):
    cut(folder / f"ckpt-{number}.index", 0)


def data_cut_short(folder, number):
    cut(folder / f"ckpt-{number}.data-00000-of-00001", 0.9)


def data_empty(folder, number):
    cut(folder / f"ckpt-{number}.data-00000-of-00001", 0)


def data_changed(folder, number):
    path = folder / f"ckpt-{number}.data-00000-of-00001"
    # The number itself: the first four bytes.
    path.write_bytes(b"\x00\x00\x80\x41" + path.read_bytes()[4:])


def dangling_link(folder, number):
    without_data(folder, number)
    (folder / f"ckpt-{number}.data-00000-of-00001").symlink_to("nowhere")


def of_another_network(folder, number):
    other = tf.train.Checkpoint(other=tf.Variable([1.0, 2.0]))
    other.write(str(folder / f"ckpt-{number}"))


DAMAGES = [
    *(without_index, without_data, without_both, index_cut_short, index_empty),
    *(data_cut_short, data_empty, data_changed, dangling_link, of_another_network),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_is_restored_and_both_are_named(folder, caplog, damage):
    damage(folder, 3)
    assert restored(folder) == 2
    (warning,) = caplog.messages
    assert str(folder) in warning
    assert "cannot restore ckpt-3 (" in warning
    assert "from ckpt-2" in warning
    assert "ram://" not in warning


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_none_is_whole_nothing_begins_anew(folder, damage):
    damage(folder, 2)
    damage(folder, 3)
    with pytest.raises(ValueError, match=r"none can be restored: .*ckpt-3") as caught:
        restored(folder)
    assert str(folder) in str(caught.value)
    assert "ram://" not in str(caught.value)


def test_a_name_without_files_is_a_loss(folder):
    for path in folder.glob("ckpt-*"):
        path.unlink()
    with pytest.raises(ValueError, match="none can be restored"):
        restored(folder)


def test_after_a_loss_the_whole_one_is_kept_and_the_damaged_goes(folder):
    data_cut_short(folder, 3)
    state = State()
    assert state.restore(folder) == 2
    state.save(folder, 4)
    assert sorted(p.name for p in folder.glob("*.index")) == [
        "ckpt-2.index",
        "ckpt-4.index",
    ]
    data_cut_short(folder, 4)
    assert restored(folder) == 2


@pytest.mark.parametrize("moment", ["replacing", "copy", "write"])
def test_a_kill_while_saving_leaves_the_one_before(folder, monkeypatch, moment):
    """At each call of what writes, in turn."""

    class Killed(BaseException):
        pass

    at_call, owner = 0, tf.io.gfile if moment == "copy" else storage
    original = getattr(owner, moment)
    for stop_at in range(3):
        calls = iter(range(10))

        def stop(*args, calls=calls, stop_at=stop_at, **kwargs):
            if next(calls) == stop_at:
                raise Killed
            return original(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(owner, moment, stop)
            try:
                State().save(folder, 4)
            except Killed:
                at_call += 1
        assert restored(folder) in (3, 4)
    assert at_call


def test_the_first_save_may_be_killed_and_the_run_begins(tmp_path):
    """What a kill leaves between the two names: ours, and TensorFlow's."""
    (tmp_path / "ckpt-1.data-00000-of-00001").write_bytes(b"whole")
    unfinished = tmp_path / f"ckpt-1.index.{'0' * 32}.tmp"
    unfinished.write_bytes(b"whole")
    assert restored(tmp_path) is None
    unfinished.unlink()
    (tmp_path / "ckpt-1_temp").mkdir()
    assert restored(tmp_path) is None
    State().save(tmp_path, 7)
    assert restored(tmp_path) == 7
    assert not (tmp_path / "ckpt-1_temp").exists()


def test_a_full_disk_keeps_what_was_there(folder, full_disk):
    before = sorted(p.name for p in folder.iterdir())
    with pytest.raises(OSError, match="Could not write"), full_disk(16):
        State().save(folder, 4)
    assert sorted(p.name for p in folder.iterdir()) == before
    assert restored(folder) == 3


def test_remote_folders_are_like_local_ones(caplog):
    # TensorFlow's in-memory file system stands for gs:// and s3://.
    folder = "ram://run [1]/checkpoints"
    assert restored(folder) is None
    State().save(folder, 1, 2, 3)
    assert restored(folder) == 3
    storage.write(f"{folder}/ckpt-3.index", b"")
    assert restored(folder) == 2
    assert "from ckpt-2" in caplog.text
    storage.remove(f"{folder}/ckpt-2.index")
    with pytest.raises(ValueError, match="none can be restored"):
        restored(folder)
    storage.remove_folder("ram://run [1]")


def test_a_neighbour_whose_name_fits_is_left_alone(tmp_path):
    """TensorFlow's own manager deletes the neighbour's checkpoints."""
    neighbour, pattern = tmp_path / "run12", tmp_path / "run*"
    State().save(neighbour, 1, 2, 3)
    State().save(pattern, 4, 5, 6, 7)
    assert restored(neighbour) == 3
    assert restored(pattern) == 7


@settings(deadline=None, max_examples=40, derandomize=True)
@given(name=st.text(LETTERS, min_size=1, max_size=12), below=st.booleans())
@example(name="x=[1,2]", below=True)
@example(name="a" * 255, below=False)
def test_any_name_of_a_folder_gives_back_what_it_was_given(name, below):
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top, name, *(["checkpoints"] if below else []))
        State().save(folder, 1, 2)
        assert restored(folder) == 2
        moved = pathlib.Path(top, "moved")
        shutil.move(pathlib.Path(top, name), moved)
        assert restored(moved / "checkpoints" if below else moved) == 2
