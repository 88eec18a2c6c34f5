"""How far a run has come: what a checkpoint holds beside weights and optimizer."""

from __future__ import annotations

import tensorflow as tf


class Progress(tf.Module):
    """Counters of a run, saved with every checkpoint.

    Attributes:
      step: batches trained on, over the whole run.
      seconds: time spent training on them, validation left out.
      best: best validation score so far, higher is better.
      awaits_validation: whether the steps of an epoch are done and the rest of it, its
        validation and its weights, is not: a signal came between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.awaits_validation = tf.Variable(False, trainable=False)
        self.best = tf.Variable(-float("inf"), dtype=tf.float64, trainable=False)
