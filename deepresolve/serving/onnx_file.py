"""A network alone as an ONNX file, for runtimes other than TensorFlow's."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.system import storage
from deepresolve.system.extras import how_to_install
from deepresolve.tasks.trained_run import TrainedRun

INPUT = "volume"
_OPSET = 17
# Sizes that nothing divides, and others than those before.
_SHAPES = ((1, 37, 22, 19, 1), (1, 48, 32, 24, 1))
_TOLERANCE = 1e-4


class OnnxTools(NamedTuple):
    """Optional dependencies."""

    tf2onnx: ModuleType
    onnxruntime: ModuleType


def require_onnx() -> OnnxTools:
    """The converter, and the runtime that tries what it wrote.

    Raises:
      ValueError: they are not installed.
    """
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise ValueError(
            f"ONNX needs tf2onnx and onnxruntime ({error}): {how_to_install('onnx')}."
        ) from error
    return OnnxTools(tf2onnx, onnxruntime)


def export_onnx(run: TrainedRun, output: str) -> float:
    """Writes a run's network, if ONNX Runtime gives its output.

    The file takes `volume`, (1, rows, columns, slices, 1) float32 of any size, scaled
    to 0..1 and for super-resolution interpolated. Its only output is the network's.

    Args:
      run: the trained run.
      output: the file.

    Returns:
      The largest difference found, in units of the largest output.

    Raises:
      ValueError: the run is not trained yet, or its network has no equal in ONNX.
      OSError: it cannot be written.
    """
    tools = require_onnx()
    model = run.network("float32")
    content = _converted(model, tools)
    difference = _largest_difference(model, content, tools)
    if not difference <= _TOLERANCE:
        raise ValueError(
            f"{run.name}: in ONNX Runtime {run.config.model} differs by "
            f"{difference:.2g} of its largest output, more than {_TOLERANCE}. Nothing "
            "was written; `deepresolve export` serves this network without ONNX."
        )
    storage.write(output, content)
    return difference


def _converted(model: keras.Model, tools: OnnxTools) -> bytes:
    signature = [tf.TensorSpec((1, None, None, None, 1), tf.float32, name=INPUT)]

    function = tf.function(
        lambda volume: model(volume, training=False), input_signature=signature
    )
    onnx_model, _ = tools.tf2onnx.convert.from_function(
        function, input_signature=signature, opset=_OPSET
    )
    return onnx_model.SerializeToString()


def _largest_difference(model: keras.Model, content: bytes, tools: OnnxTools) -> float:
    session = tools.onnxruntime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    differences = []
    for shape in _SHAPES:
        volume = random.random(shape, np.float32)
        expected = np.asarray(model(volume, training=False))
        (actual,) = session.run(None, {INPUT: volume})
        differences.append(np.abs(actual - expected).max() / np.abs(expected).max())
    return float(max(differences))
