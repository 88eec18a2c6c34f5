"""Weights of another run, which a training begins with: fine-tuning."""

from __future__ import annotations

import logging

import keras

from deepresolve.runs.workdir import Workdir

_logger = logging.getLogger(__name__)


def take_over(model: keras.Model, workdir: str) -> None:
    """Sets the weights of a fresh network to the best ones of a run.

    The last layer stays fresh where the runs have other classes.

    Args:
      model: fresh weights, of a config like that run's.
      workdir: of the run, or "pretrained:NAME".

    Raises:
      ValueError: there is no such run, it is not trained yet, or its network is another
        one.
    """
    of_run = {layer.name: layer for layer in Workdir(workdir).load_model().layers}
    fresh = []
    for layer in model.layers:
        own = layer.get_weights()
        if not own:
            continue
        given = of_run[layer.name].get_weights() if layer.name in of_run else []
        if [array.shape for array in own] == [array.shape for array in given]:
            layer.set_weights(given)
        else:
            fresh.append(layer.name)
    last = next(layer.name for layer in reversed(model.layers) if layer.get_weights())
    if others := [name for name in fresh if name != last]:
        raise ValueError(
            f"init={workdir}: that run has another network: {len(others)} of its "
            f"layers differ, the first {others[0]!r}. Start from the preset that it "
            "was trained with, so that model, num_levels, num_features and fold are "
            "the same."
        )
    _logger.info(
        "The training begins with the weights of %s%s.",
        workdir,
        f"; {last!r} is fresh, for the classes are others" if fresh else "",
    )
