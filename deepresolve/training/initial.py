"""Weights of another run, which a training begins with: fine-tuning."""

from __future__ import annotations

import itertools
import logging
import operator

import keras

from deepresolve.config import Config
from deepresolve.networks.blocks import LOGITS
from deepresolve.runs.workdir import Workdir

_logger = logging.getLogger(__name__)


def take_over(model: keras.Model, config: Config) -> None:
    """Sets the weights of a fresh network to the best ones of the run `config.init`.

    Layers that come after all that run has stay fresh, such as those that sharpen what
    it says; so do, where the outputs of that run mean something else, the last of its
    own and what comes after it.

    Args:
      model: fresh weights, as `config` has it.
      config: of the new run.

    Raises:
      ValueError: there is no such run, it is not trained yet, or its network is another
        one.
    """
    run = Workdir(config.init)
    of_run = _with_weights(run.load_model())
    own = _with_weights(model)
    num_taken = len(of_run)
    if run.load_config().outputs != config.outputs:
        names = [layer.name for layer in own]
        num_taken = names.index(LOGITS) if LOGITS in names else num_taken - 1
    others = [
        theirs.name
        for layer, theirs in itertools.zip_longest(own[:num_taken], of_run[:num_taken])
        if layer is None or not _alike(layer, theirs)
    ]
    if others:
        raise ValueError(
            f"init={config.init}: that run has another network: {len(others)} of its "
            f"layers differ, the first {others[0]!r}. Start from the preset that it "
            "was trained with, so that model, num_levels, num_features and fold are "
            "the same."
        )
    for layer, theirs in zip(own[:num_taken], of_run, strict=False):
        layer.set_weights(theirs.get_weights())
    fresh = [repr(layer.name) for layer in own[num_taken:]]
    _logger.info(
        "The training begins with the weights of %s%s.",
        config.init,
        f"; fresh are {', '.join(fresh)}" if fresh else "",
    )


def _with_weights(model: keras.Model) -> list[keras.layers.Layer]:
    """In the order in which the network was built."""
    return [layer for layer in model.layers if layer.weights]


def _alike(layer: keras.layers.Layer, other: keras.layers.Layer) -> bool:
    """Whether both have the same name, and weights of the same shapes."""
    shapes = ([w.shape for w in of.weights] for of in (layer, other))
    return layer.name == other.name and operator.eq(*shapes)
