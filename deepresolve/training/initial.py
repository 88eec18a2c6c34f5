"""Weights of another run, which a training begins with: fine-tuning."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import keras

from deepresolve.config import Config
from deepresolve.runs.workdir import Workdir

_logger = logging.getLogger(__name__)


def take_over(model: keras.Model, config: Config) -> None:
    """Sets the weights of a fresh network to the best ones of the run `config.init`.

    The last layer stays fresh where the outputs of that run mean something else.

    Args:
      model: fresh weights, as `config` has it.
      config: of the new run.

    Raises:
      ValueError: there is no such run, it is not trained yet, or its network is another
        one; or a layer that stays fresh is not to learn.
    """
    run = Workdir(config.init)
    of_run = {layer.name: layer for layer in run.load_model().layers}
    with_weights = [layer for layer in model.layers if layer.weights]
    last = with_weights[-1]
    is_last_alike = run.load_config().outputs == config.outputs
    kept = with_weights if is_last_alike else with_weights[:-1]
    if others := [layer.name for layer in kept if not _alike(layer, of_run)]:
        raise ValueError(
            f"init={config.init}: that run has another network: {len(others)} of its "
            f"layers differ, the first {others[0]!r}. Start from the preset that it "
            "was trained with, so that model, num_levels, num_features and fold are "
            "the same."
        )
    if not is_last_alike and not last.trainable:
        raise ValueError(
            f"trained_layers: {last.name!r} begins anew, for the classes are others "
            f"than those of {config.init}, and must learn. Name it, too."
        )
    for layer in kept:
        layer.set_weights(of_run[layer.name].get_weights())
    fresh = f"; {last.name!r} is fresh, for the classes are others"
    _logger.info(
        "The training begins with the weights of %s%s.",
        config.init,
        "" if is_last_alike else fresh,
    )


def _alike(layer: keras.layers.Layer, others: Mapping[str, keras.layers.Layer]) -> bool:
    """Whether the layer of the same name has weights of the same shapes."""
    if layer.name not in others:
        return False
    pairs = zip(layer.weights, others[layer.name].weights, strict=False)
    same_count = len(layer.weights) == len(others[layer.name].weights)
    return same_count and all(own.shape == other.shape for own, other in pairs)
