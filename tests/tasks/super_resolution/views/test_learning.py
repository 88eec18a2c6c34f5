"""A network of views learns from a scan; and again, and after an interruption."""

import json
import signal

import numpy as np
import pytest

from deepresolve import networks
from deepresolve.imaging import formats
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.runs.workdir import Workdir
from deepresolve.system.interruption import Interrupted
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views import learning
from deepresolve.training import callbacks

CONFIG = SuperResolutionConfig(
    model="sr_views",
    num_layers=2,
    num_features=4,
    slice_profiles=("rect",),
    spacing_range_mm=(6.4, 6.4),
    patch_shape=(1, 32, 8),
    patch_sampling="random",
    patches_per_volume=8,
    batch_size=4,
    steps_per_epoch=4,
    num_epochs=1,
    validation_volumes=0,
    loss="charbonnier",
)


def learn(scan, path, start=None):
    scale = estimate_scale(scan.array)
    return learning.learn(scan, scale, CONFIG, Workdir(path), start)


@pytest.fixture(scope="module")
def start():
    """The weights that it begins with."""
    return networks.build_model(CONFIG.replace(seed=3)).get_weights()


@pytest.fixture(scope="module")
def learned(small_scan, start, tmp_path_factory):
    """The network that learned from the scan, and its folder."""
    path = tmp_path_factory.mktemp("learned")
    return learn(small_scan, path, start), path


def test_some_steps_change_the_weights_it_began_with(learned, start):
    model, path = learned
    moved = [
        np.abs(a - b).max() for a, b in zip(model.get_weights(), start, strict=True)
    ]
    assert all(0 < step < 0.1 for step in moved)  # Adam moves by 1e-3 a step at most.
    assert learning.told(Workdir(path), model) == {
        "from_scan": True,
        "steps": 4,
        "precision": "float32",
        "interruptions": 0,
    }


def test_what_was_learned_is_not_learned_again(learned, small_scan):
    first, path = learned
    before = sorted((p, p.stat().st_mtime_ns) for p in path.rglob("*.*"))
    again = learn(small_scan, path)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert sorted((p, p.stat().st_mtime_ns) for p in path.rglob("*.*")) == before


def test_an_interrupted_run_goes_on(learned, small_scan, start, tmp_path, monkeypatch):
    clock = callbacks.Clock.on_train_batch_end

    def interrupted(self, batch, logs=None):
        clock(self, batch, logs)
        if batch == 1:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Clock, "on_train_batch_end", interrupted)
        with pytest.raises(Interrupted):
            learn(small_scan, tmp_path, start)
    model = learn(small_scan, tmp_path)
    told = learning.told(Workdir(tmp_path), model)
    assert (told["steps"], told["interruptions"]) == (4, 1)
    undisturbed, _ = learned
    for a, b in zip(model.get_weights(), undisturbed.get_weights(), strict=True):
        # But for the order of sums: bit for bit only of deterministic runs.
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_another_scan_is_another_run(learned, small_scan):
    _, path = learned
    other = small_scan.with_array(small_scan.array + 1)
    with pytest.raises(ValueError, match="records"):
        learn(other, path)


def test_scans_are_told_apart_by_voxels_place_and_scale(small_scan):
    scale = estimate_scale(small_scan.array)
    own = learning.sha256(small_scan, scale)
    assert own == learning.sha256(small_scan.with_array(small_scan.array.copy()), scale)
    others = [
        (small_scan.with_array(small_scan.array[::-1]), scale),
        (small_scan.with_array(small_scan.array.astype(np.float64)), scale),
        (small_scan.resliced(small_scan.array, step=2), scale),
        (small_scan, estimate_scale(small_scan.array + 1)),
    ]
    assert len({own, *(learning.sha256(*other) for other in others)}) == 5


# Predicts twice as a user of learn_steps does: with fresh folders, and in a folder
# where the first run is interrupted after its second step.
REPEATED = """
import hashlib, json, pathlib, signal, sys
import numpy as np
from deepresolve.imaging import formats
from deepresolve.system.interruption import Interrupted
from deepresolve.tasks.trained_run import TrainedRun
from deepresolve.training import callbacks

scan = formats.read_image(pathlib.Path(sys.argv[1]))
options = dict(learn="scan", learn_steps=3, force=True, output_dtype="float32")

def predicted(**others):
    predictor = TrainedRun.open(sys.argv[3]).predictor(**options, **others)
    prediction = predictor.predict(scan)
    digest = hashlib.sha256(prediction.image.array.tobytes()).hexdigest()
    return digest, prediction.report["learned"].values["interruptions"]

clock, calls = callbacks.Clock.on_train_batch_end, []

def interrupted(self, batch, logs=None):
    clock(self, batch, logs)
    calls.append(batch)
    if len(calls) == 2:
        signal.raise_signal(signal.SIGTERM)

found = [predicted(), predicted(), predicted(seed=1)]
callbacks.Clock.on_train_batch_end = interrupted
try:
    predicted(learn_folder=sys.argv[2])
except Interrupted:
    found.append(predicted(learn_folder=sys.argv[2]))
print(json.dumps(found))
"""


def test_a_number_of_steps_and_a_seed_repeat_bit_for_bit(
    run_script, small_scan, tmp_path
):
    formats.write(tmp_path / "scan.nii", small_scan)
    workdir = Workdir(tmp_path / "run")
    workdir.start(CONFIG)
    workdir.save_model(networks.build_model(CONFIG), "best")
    arguments = (tmp_path / "scan.nii", tmp_path / "kept", workdir.path)
    script = tmp_path / "repeated.py"
    script.write_text(REPEATED, encoding="utf-8")
    done = run_script(script, *arguments)
    assert done.returncode == 0, done.stderr
    first, second, other_seed, in_two = json.loads(done.stdout.splitlines()[-1])
    assert first == second
    assert in_two == [first[0], 1]
    assert other_seed[0] != first[0]
