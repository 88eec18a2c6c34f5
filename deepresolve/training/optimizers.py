"""Optimizers by name: Keras's own, and those of tensorflow-addons where it is there.

tensorflow-addons ended in 2024 and its last version cannot be imported from TensorFlow
2.16 on, so its optimizers exist on the older of the two supported stacks alone. It is
imported when one of them is asked for. Each is used with its own defaults.

| name | algorithm |
|---|---|
| adabelief | AdaBelief (Zhuang, NeurIPS 2020), with the rectification of RAdam |
| lookahead | Lookahead (Zhang, NeurIPS 2019) around Adam |
| lamb | LAMB (You, ICLR 2020); Keras's own where Keras has it |
| novograd | NovoGrad (Ginsburg, 2019) |
| ranger | Lookahead around RectifiedAdam |
| rectified_adam | RAdam (Liu, ICLR 2020) |
| yogi | Yogi (Zaheer, NeurIPS 2018) |
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras

from deepresolve.config import Config
from deepresolve.system.extras import how_to_install
from deepresolve.system.keras_stack import tensorflow

# From a learning rate and a largest gradient norm per variable (None: no bound).
Build = Callable[[float, float | None], keras.optimizers.Optimizer]


def build_optimizer(
    config: Config, precision: str = "float32"
) -> keras.optimizers.Optimizer:
    """The optimizer that `config.optimizer` names, at the config's peak rate.

    In mixed_float16 it scales the loss, so that small gradients do not become 0, and
    unscales the gradients before it clips them. A step whose gradients overflow is
    skipped and halves the scale; 2,000 steps without one double it (Keras's defaults).

    Args:
      config: uses optimizer, learning_rate and clip_norm.
      precision: Keras dtype policy of the network.

    Raises:
      ValueError: no optimizer of that name, or none on this TensorFlow.
    """
    if config.optimizer not in OPTIMIZERS:
        raise ValueError(
            f"Unknown optimizer {config.optimizer!r}; known: {sorted(OPTIMIZERS)}."
        )
    build = OPTIMIZERS[config.optimizer]
    optimizer = build(float(config.learning_rate), config.clip_norm or None)
    if precision == "mixed_float16":
        # Keras does so itself only where the policy is that of the whole model.
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def create_variables(
    optimizer: keras.optimizers.Optimizer, trainable: Sequence[Any]
) -> None:
    """Creates all that an optimizer keeps, so that a checkpoint can fill it.

    Args:
      optimizer: Keras's own, or one of tensorflow-addons.
      trainable: the variables that it will train.
    """
    if hasattr(optimizer, "build"):
        optimizer.build(trainable)
    else:  # Keras 2.15 does so itself for these optimizers, when it loads a model.
        optimizer._create_all_weights(trainable)


def _from_keras(name: str, **settings: float) -> Build:
    """Builds `keras.optimizers.NAME`."""

    def build(
        learning_rate: float, clip_norm: float | None
    ) -> keras.optimizers.Optimizer:
        optimizer = getattr(keras.optimizers, name)
        return optimizer(learning_rate=learning_rate, clipnorm=clip_norm, **settings)

    return build


def _from_addons(name: str) -> Build:
    """Builds `tensorflow_addons.optimizers.NAME`."""

    def build(
        learning_rate: float, clip_norm: float | None
    ) -> keras.optimizers.Optimizer:
        optimizer = getattr(_addons(name), name)
        return optimizer(learning_rate=learning_rate, clipnorm=clip_norm)

    return build


def _lookahead(fast: Build) -> Build:
    """Builds Lookahead around another optimizer of the older stack.

    Gradients are clipped once, by the outer one.
    """

    def build(
        learning_rate: float, clip_norm: float | None
    ) -> keras.optimizers.Optimizer:
        addons = _addons("Lookahead")
        return addons.Lookahead(fast(learning_rate, None), clipnorm=clip_norm)

    return build


def _legacy_adam(
    learning_rate: float, clip_norm: float | None
) -> keras.optimizers.Optimizer:
    """Adam in the form that tensorflow-addons can wrap; Keras 2.15 alone has it."""
    return keras.optimizers.legacy.Adam(learning_rate, clipnorm=clip_norm)


def _addons(name: str) -> types.ModuleType:
    """`tensorflow_addons.optimizers`.

    Raises:
      ValueError: it is not installed, or cannot be imported from this TensorFlow.
    """
    with warnings.catch_warnings():
        # That its development has ended is known, and why it is still of use.
        warnings.filterwarnings(
            "ignore", r"\s*TensorFlow Addons \(TFA\) has ended", UserWarning
        )
        try:
            from tensorflow_addons import optimizers
        except ImportError as error:
            tf = tensorflow(f"The optimizer {name}")
            raise ValueError(
                f"The optimizer {name} is part of tensorflow-addons, which ended with "
                "TensorFlow 2.15 and cannot be imported from TensorFlow 2.16 on; this "
                f"is TensorFlow {tf.__version__} ({error}). Use an environment of "
                f"Python 3.10 or 3.11 and {how_to_install('addons')}; or another "
                "--optimizer."
            ) from error
    return optimizers


OPTIMIZERS: dict[str, Build] = {
    "adabelief": _from_addons("AdaBelief"),
    "adagrad": _from_keras("Adagrad"),
    "adam": _from_keras("Adam"),
    "adamax": _from_keras("Adamax"),
    "adamw": _from_keras("AdamW"),
    # The epsilon of the paper, and of tensorflow-addons.
    "lamb": (
        _from_keras("Lamb", epsilon=1e-6)
        if hasattr(keras.optimizers, "Lamb")
        else _from_addons("LAMB")
    ),
    "lion": _from_keras("Lion"),
    "lookahead": _lookahead(_legacy_adam),
    "nadam": _from_keras("Nadam"),
    "novograd": _from_addons("NovoGrad"),
    "ranger": _lookahead(_from_addons("RectifiedAdam")),
    "rectified_adam": _from_addons("RectifiedAdam"),
    "rmsprop": _from_keras("RMSprop"),
    "sgd": _from_keras("SGD"),
    "yogi": _from_addons("Yogi"),
}
