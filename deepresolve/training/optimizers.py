"""Optimizers by name."""

import keras

from deepresolve.config import Config

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
}


def build_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """The optimizer that `config.optimizer` names, at the config's peak rate.

    Raises:
      ValueError: no optimizer of that name.
    """
    if config.optimizer not in OPTIMIZERS:
        raise ValueError(
            f"Unknown optimizer {config.optimizer!r}; known: {sorted(OPTIMIZERS)}."
        )
    return OPTIMIZERS[config.optimizer](
        learning_rate=config.learning_rate, clipnorm=config.clip_norm or None
    )
