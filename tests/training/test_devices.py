import pytest

from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training import devices


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_named_precision_is_taken(precision):
    assert (
        devices.resolve_precision(SuperResolutionConfig(precision=precision))
        == precision
    )


@pytest.mark.parametrize(
    ("columns", "num_levels", "expected"),
    [
        (16, 3, "mixed_bfloat16"),  # 16, 8, 4
        (16, 4, "float32"),
        (16, 5, "float32"),
        (25, 5, "float32"),  # 25, 13, 7, 4, 2
        (64, 5, "mixed_bfloat16"),
    ],
)
def test_auto_avoids_bfloat16_where_its_gradients_are_wrong(
    monkeypatch, columns, num_levels, expected
):
    monkeypatch.setattr(devices, "has_fast_bfloat16", lambda: True)
    config = SegmentationConfig(
        model="seg_cnn",
        patch_shape=(16, columns, 16),
        num_levels=num_levels,
        precision="auto",
    )
    assert devices.resolve_precision(config) == expected


def test_bfloat16_is_refused_where_its_gradients_are_wrong():
    config = SegmentationConfig(
        model="seg_cnn",
        patch_shape=(16, 16, 16),
        num_levels=4,
        precision="mixed_bfloat16",
    )
    with pytest.raises(ValueError, match=r"two columns wide.*\(16, 16, 16\)"):
        devices.resolve_precision(config)


@pytest.mark.parametrize(
    ("fast", "expected"), [(True, "mixed_bfloat16"), (False, "float32")]
)
def test_auto_takes_bfloat16_where_it_is_fast(monkeypatch, fast, expected):
    monkeypatch.setattr(devices, "has_fast_bfloat16", lambda: fast)
    assert (
        devices.resolve_precision(SuperResolutionConfig(precision="auto")) == expected
    )


# Logical devices must be set up before TensorFlow starts: a process of its own.
_TWO_DEVICES = """
import tensorflow as tf
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.devices import build_strategy
cpu = tf.config.list_physical_devices("CPU")[0]
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
print(build_strategy(SuperResolutionConfig(distribution="single")).num_replicas_in_sync)
print(type(build_strategy(SuperResolutionConfig(distribution="mirrored"))).__name__)
print(type(build_strategy(SuperResolutionConfig(distribution="auto"))).__name__)
try:
    build_strategy(SuperResolutionConfig(distribution="mirrored", batch_size=1))
except ValueError as error:
    print(error)
"""


@pytest.fixture
def run_program(run_script, tmp_path):
    """Runs Python code in a process in which TensorFlow has computed nothing yet."""

    def run(program):
        script = tmp_path / "program.py"
        script.write_text(program, encoding="utf-8")
        return run_script(script)

    return run


def test_strategies(run_program):
    result = run_program(_TWO_DEVICES)
    assert result.returncode == 0, result.stderr
    single, mirrored, automatic, refused = result.stdout.splitlines()
    assert single == "1"
    assert mirrored == "MirroredStrategy"
    assert automatic == "_DefaultDistributionStrategy"  # no GPU here
    assert refused.startswith("batch_size=1 leaves some of the 2 devices without")


_DETERMINISTIC = """
import tensorflow as tf
from deepresolve.training.devices import compute_deterministically
compute_deterministically()
print("threads", tf.config.threading.get_inter_op_parallelism_threads())
tf.zeros(1)
compute_deterministically()  # again: already so
"""

_TOO_LATE = """
import tensorflow as tf
from deepresolve.training.devices import compute_deterministically
tf.zeros(1)
try:
    compute_deterministically()
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (_DETERMINISTIC, "threads 1\n"),
        (_TOO_LATE, "must begin before TensorFlow computes anything"),
    ],
    ids=["in time", "too late"],
)
def test_operations_run_one_after_the_other_where_asked(run_program, program, expected):
    done = run_program(program)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
