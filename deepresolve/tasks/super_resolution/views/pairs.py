"""Training pairs of views: in-plane axes as they are, and made thick.

In-plane axes are sharp and slices are not. So a scan of thick slices, too, holds what a
network for it can learn from: one in-plane axis is averaged as the slices are, the
other one stays, and what was lost is the target (SMORE, Zhao, IEEE TMI 2021). The
slices themselves are only images beside each other here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS
from deepresolve.pipeline import patches
from deepresolve.pipeline.pairs import Pair, Pairs, StoredVolume, scaled
from deepresolve.pipeline.seeds import STREAMS, subseed
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views.kinds import SliceKinds, facts
from deepresolve.tasks.super_resolution.views.slicing import example_matrices

# An axis whose pixels are so much longer than the other's teaches nothing.
COARSE = 1.5


class Views(NamedTuple):
    """A scan made thick along one in-plane axis.

    Attributes:
      views: (slices, pixels, thick, 1) float32.
      added: (slices, pixels, thick, NUM_PARTS) float32, what is to be added.
      facts: (NUM_INPUTS - 1,) float32; see `networks.sr_views`.
    """

    views: tf.Tensor
    added: tf.Tensor
    facts: tf.Tensor


class ViewPairs(Pairs):
    """From views of a scan that was made thick in plane to what that took away.

    Inputs are (pixels, thick, NUM_INPUTS), targets (pixels, thick, NUM_PARTS), float32,
    intensities scaled to 0..1.

    Args:
      config: the run; of `patch_shape`, (slices, pixels, thick), slices are those of
        the scan, beside each other, and thick those that are made of its pixels.
    """

    config: SuperResolutionConfig

    def __init__(self, config: SuperResolutionConfig):
        super().__init__(config)
        _, pixels, thick = config.patch_shape
        self.input_spec = tf.TensorSpec((pixels, thick, NUM_INPUTS), tf.float32)
        self.target_spec = tf.TensorSpec((pixels, thick, NUM_PARTS), tf.float32)
        self._draw = functools.partial(_drawn, SliceKinds.of(config), thick)

    def check_fits(self, shape: Sequence[int], name: str) -> None:
        """ValueError where rows or columns are fewer than the pixels of a patch."""
        _, pixels, thick = self.config.patch_shape
        smallest = max(pixels, 2 * thick)
        patches.check_patch_fits(shape[:2], (smallest, smallest), name)

    def prepare(self, volume: StoredVolume, seed: tf.Tensor) -> Views:
        """Draws an axis and a kind of slices, and makes the scan thick by them."""
        image = scaled(volume)
        drawn = tf.random.stateless_uniform(
            (5,), subseed(seed, STREAMS.slices), dtype=tf.float64
        )
        between_rows, between_columns = tf.unstack(
            tf.norm(volume["affine"][:3, :2], axis=0)
        )
        over_rows = _over_rows(between_rows, between_columns, drawn[0])
        # (rows, columns, slices) -> (slices, pixels, axis to be made thick)
        turned = tf.cond(
            over_rows,
            lambda: tf.transpose(image, (2, 1, 0)),
            lambda: tf.transpose(image, (2, 0, 1)),
        )
        pixels_mm = tf.where(
            over_rows,
            tf.stack([between_rows, between_columns]),
            tf.stack([between_columns, between_rows]),
        )
        # NumPy makes the matrices, of a few numbers; TensorFlow multiplies by them.
        thicken, take, told = tf.numpy_function(
            self._draw,
            [tf.shape(turned)[2], pixels_mm, drawn[1:]],
            [tf.float32, tf.float32, tf.float32],
        )
        thicken.set_shape((None, None))
        take.set_shape((None, None))
        told.set_shape((NUM_INPUTS - 1,))
        views = tf.linalg.matmul(turned, thicken, transpose_b=True)
        added = tf.linalg.matmul(turned, take, transpose_b=True)
        shape = tf.concat([tf.shape(views), [NUM_PARTS]], axis=0)
        return Views(views[..., tf.newaxis], tf.reshape(added, shape), told)

    def shape(self, scan: Views) -> tf.Tensor:
        """(slices, pixels, thick)."""
        return tf.shape(scan.views)[:3]

    def cut(self, scan: Views, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """A piece of one view, with what is known of its slices as further channels."""
        begin = tf.concat([position, [0]], axis=0)
        shape = self.config.patch_shape
        views = tf.slice(scan.views, begin, (*shape, 1))[0]
        added = tf.slice(scan.added, begin, (*shape, NUM_PARTS))[0]
        told = tf.broadcast_to(scan.facts, (*shape[1:], NUM_INPUTS - 1))
        pair = tf.concat([views, told], axis=-1), added
        return tf.ensure_shape(pair[0], self.input_spec.shape), pair[1]

    def image(self, pair: Pair) -> tf.Tensor:
        """The view."""
        return pair[0][..., :1]

    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """Turns either axis round at random: profiles look alike both ways."""
        if not self.config.random_flips:
            return pair
        drawn = tf.random.stateless_uniform((2,), subseed(seed, STREAMS.flips))
        view, added = pair
        view, added = tf.cond(
            drawn[0] < 0.5,
            lambda: (view[::-1], added[::-1]),
            lambda: (view, added),
        )
        return tf.cond(
            drawn[1] < 0.5,
            lambda: (view[:, ::-1], added[:, ::-1, ::-1]),
            lambda: (view, added),
        )


def _over_rows(
    between_rows: tf.Tensor, between_columns: tf.Tensor, drawn: tf.Tensor
) -> tf.Tensor:
    """Which axis is made thick: either as often, unless one is too coarse to tell."""
    low, high = between_rows * COARSE, between_columns * COARSE
    return tf.where(
        between_columns > low,
        True,
        tf.where(between_rows > high, False, drawn < 0.5),
    )


def _drawn(
    kinds: SliceKinds,
    num_thick: int,
    num_pixels: int,
    pixels_mm: np.ndarray,
    drawn: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrices of `example_matrices`, and what the network is told.

    Args:
      kinds: to draw from.
      num_thick: slices that the axis must make, at least.
      num_pixels: along the axis that is made thick.
      pixels_mm: (2,) between its pixels, and between those beside it.
      drawn: four numbers from 0 to 1: profile, spacing, thickness, offset.
    """
    along_mm, beside_mm = pixels_mm
    spacing_mm, profile = kinds.draw(drawn[:3], num_pixels * along_mm / num_thick)
    matrices = example_matrices(
        int(num_pixels),
        spacing_mm / along_mm,
        profile.scaled(1 / along_mm),
        drawn[3],
    )
    told = facts(profile, spacing_mm, beside_mm)
    return (*matrices, np.array(told, np.float32))
