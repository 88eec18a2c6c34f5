"""What `training_steps.py` measures, each network in a process of its own."""

from __future__ import annotations

import collections
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import memory
import numpy as np

_WARM_UPS = 2  # the first compiles


class Part(NamedTuple):
    """What a step does, by itself.

    Attributes:
      kind: its name in the table; parts of a kind are one line.
      calls: how often a step does exactly this.
      function: does it once.
    """

    kind: str
    calls: int
    function: Callable[[], Any]


def learnable(preset: str) -> dict[str, Any]:
    """Changes of a preset that let it learn from scans of one label."""
    from deepresolve import presets

    of_labels = hasattr(presets.get(preset), "classes")
    return {"classes": ("femoral cartilage",)} if of_labels else {}


def pipeline_seconds(
    records: str, preset: str, changes: dict[str, Any], seconds: float
) -> float:
    """Processor seconds of a batch.

    Args:
      records: folder of the shards.
      preset: whose batches.
      changes: of its fields.
      seconds: how long to pull batches.
    """
    import input_pipeline_streams

    from deepresolve import presets

    of_run = input_pipeline_streams.run(records, preset, changes, seconds)
    batch_size = presets.get(preset).batch_size
    return of_run["cores_used"] / of_run["pairs_per_second"] * batch_size


def measure(
    preset: str, precision: str, changes: dict[str, Any], rounds: int
) -> dict[str, Any]:
    """Figures of a step and of its parts.

    Args:
      preset: network, loss, optimizer and patches.
      precision: Keras dtype policy.
      changes: of the preset's fields.
      rounds: how often each part is timed.
    """
    import keras

    from deepresolve import networks, presets
    from deepresolve.networks import cost
    from deepresolve.training.optimizers import build_optimizer

    config = presets.get(preset).replace(**changes)
    keras.utils.set_random_seed(1)
    model = networks.build_model(config, precision)
    optimizer = build_optimizer(config, precision)
    loss = networks.build_loss(config)
    model.compile(optimizer, loss, jit_compile=False)
    batch = (config.batch_size, *config.patch_shape)
    random = np.random.default_rng(0)
    image = random.random((*batch, 1), np.float32)
    num_classes = model.output_shape[-1]
    truth = random.integers(0, num_classes, (*batch, 1)).astype(np.uint8)

    def step() -> None:
        model.train_on_batch(image, truth)

    step()
    peak_gib = memory.peak_gib()
    listed = [
        Part("step", 1, step),
        *_layers(model, batch),
        _loss(loss, truth, num_classes),
        _optimizer(optimizer, model),
    ]
    seconds, processor = _timed(listed, rounds)
    by_kind: dict[str, list[float]] = collections.defaultdict(lambda: [0, 0.0])
    for part, each in zip(listed[1:], seconds[1:], strict=True):
        by_kind[part.kind][0] += part.calls
        by_kind[part.kind][1] += part.calls * each
    of_step = seconds[0]
    by_kind["between"] = [0, of_step - sum(took for _, took in by_kind.values())]
    convolutions = sum(took for kind, (_, took) in by_kind.items() if "Conv" in kind)
    flop = cost.flop_per_voxel(model, config.patch_shape) * math.prod(batch)
    ordered = sorted(by_kind.items(), key=lambda item: -item[1][1])
    return {
        "batch": batch,
        "step_seconds": of_step,
        "processor_seconds": processor,
        "peak_gib": peak_gib,
        "gflop_per_second": cost.FORWARD_PASSES_PER_STEP * flop / of_step / 1e9,
        "limit_share": convolutions / of_step,
        "parts": [
            {"kind": kind, "calls": int(calls), "seconds": took}
            for kind, (calls, took) in ordered
        ],
    }


def _timed(listed: list[Part], rounds: int) -> tuple[list[float], float]:
    """Median seconds of each, which take turns; processor seconds of the first."""
    for part in listed:
        for _ in range(_WARM_UPS):
            part.function()
    seconds, processor = np.empty((rounds, len(listed))), []
    for row in seconds:
        for i, part in enumerate(listed):
            start, of_process = time.perf_counter(), time.process_time()
            part.function()
            row[i] = time.perf_counter() - start
            if i == 0:
                processor.append(time.process_time() - of_process)
    return np.median(seconds, axis=0).tolist(), float(np.median(processor))


def _layers(model: Any, batch: tuple[int, ...]) -> list[Part]:
    """One part for all layers that are alike: of a class, a result and inputs."""
    import keras
    import tensorflow as tf

    layers = [
        layer
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    # What comes into each: known for a whole batch once it is traced.
    inputs = keras.Model(model.inputs, [layer.input for layer in layers])
    specification = tf.TensorSpec((*batch, 1), tf.float32)
    traced = tf.function(inputs).get_concrete_function(specification)
    alike: dict[tuple, list] = {}
    learned: set[int] = set()  # tensors that what is learned has a part in
    for layer, given in zip(layers, traced.structured_outputs, strict=True):
        goes_on = any(id(x) in learned for x in tf.nest.flatten(layer.input))
        if goes_on or layer.trainable_weights:
            learned.update(map(id, tf.nest.flatten(layer.output)))
        tensors = tf.nest.map_structure(lambda t: (tuple(t.shape), t.dtype), given)
        weights = tuple(tuple(weight.shape) for weight in layer.weights)
        key = (type(layer).__name__, str(tensors), weights, goes_on)
        alike.setdefault(key, [layer, given, goes_on, 0])[-1] += 1
    return [
        Part(type(layer).__name__, calls, _both_ways(layer, given, goes_on))
        for layer, given, goes_on, calls in alike.values()
    ]


def _both_ways(layer: Any, given: Any, goes_on: bool) -> Callable[[], Any]:
    """A layer forward and backward, to what comes into it where that `goes_on`."""
    import tensorflow as tf

    from deepresolve.system.keras_stack import KERAS_3

    random = tf.random.Generator.from_seed(1)

    def drawn(shape: Any, dtype: tf.DType) -> tf.Tensor:
        if dtype.is_floating:
            return tf.cast(random.normal(shape), dtype)
        places = tf.range(math.prod(shape), dtype=dtype) % math.prod(shape[1:])
        return tf.reshape(places, shape)

    x = tf.nest.map_structure(lambda t: drawn(t.shape, t.dtype), given)
    # Where the largest of a pool lay, an integer, is no way back.
    back = [drawn(y.shape, y.dtype) for y in _floating(layer(x))]
    weights = [w.value if KERAS_3 else w for w in layer.trainable_weights]

    @tf.function
    def apply(x: Any, back: list) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(_floating(x))
            y = _floating(layer(x, training=True) if _trains(layer) else layer(x))
        sources = (_floating(x) if goes_on else []) + weights
        results = [*y, *tape.gradient(y, sources, output_gradients=back)]
        # A number that needs them all keeps the graph from leaving any out. There is
        # none for what gives a result its size alone.
        first = [tf.reshape(r, [-1])[0] for r in results if r is not None]
        return tf.add_n([tf.cast(number, "float32") for number in first])

    return lambda: apply(x, back).numpy()


def _floating(tensors: Any) -> list:
    """Those of a structure that have gradients."""
    import tensorflow as tf

    return [t for t in tf.nest.flatten(tensors) if t.dtype.is_floating]


def _trains(layer: Any) -> bool:
    """Whether the layer does something else while it trains."""
    import keras

    return isinstance(layer, (keras.layers.BatchNormalization, keras.layers.Dropout))


def _loss(loss: Any, truth: np.ndarray, num_classes: int) -> Part:
    """The loss forward and backward."""
    import tensorflow as tf

    given = tf.constant(truth)
    logits = tf.random.normal((*truth.shape[:-1], num_classes))
    probabilities = tf.nn.softmax(logits)

    @tf.function
    def apply(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = loss(y, p)
        return tf.reshape(tape.gradient(value, p), [-1])[0]

    return Part("loss", 1, lambda: apply(given, probabilities).numpy())


def _optimizer(optimizer: Any, model: Any) -> Part:
    """A step of the optimizer along gradients of zero."""
    import tensorflow as tf

    weights = model.trainable_variables
    gradients = [tf.zeros(weight.shape) for weight in weights]

    @tf.function
    def apply() -> None:
        optimizer.apply_gradients(zip(gradients, weights, strict=True))

    return Part("optimizer", 1, apply)
