"""A network of views over a whole scan as a graph: `restoring` without Python.

There are two, for a server runs no NumPy and learns the shape of a scan only from the
request; `test_graph` holds this one to the other. Memory beside the scan: four volumes
of thin slices, and what the network holds of one block of views.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.inference.graphs.interpolation import cubic_matrix_at
from deepresolve.inference.graphs.scaling import estimate_scale
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS, PIXEL_FOLD
from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.super_resolution.views.data_consistency import DOUBT
from deepresolve.tasks.super_resolution.views.restoring import (
    VOXELS_AT_ONCE,
    mirrored_mean,
)

# The area of the profile "fir" up to an offset, in thicknesses: all of it lies between
# -_FIR_REACH and _FIR_REACH.
_FIR_REACH, _FIR_STEPS = 9.0, 9000
_FIR_AREAS = SliceProfile("fir", 1.0).cumulative(
    np.linspace(-_FIR_REACH, _FIR_REACH, _FIR_STEPS + 1)
)


class Geometry(NamedTuple):
    """What a network of views is told of a scan beside its voxels.

    Attributes:
      spacing_mm: (3,) float32, between rows, columns and slices.
      slice_thickness_mm: () float32.
      phase_encoded: () bool, whether slices were told apart by phase encoding ("fir").
    """

    spacing_mm: tf.Tensor
    slice_thickness_mm: tf.Tensor
    phase_encoded: tf.Tensor

    def facts(self, pixel_mm: tf.Tensor) -> tf.Tensor:
        """(NUM_INPUTS - 1,) float32, as `kinds.facts`."""
        slice_mm = self.spacing_mm[2]
        is_encoded = tf.cast(self.phase_encoded, tf.float32)
        lengths = (self.slice_thickness_mm / slice_mm, pixel_mm / slice_mm)
        return tf.stack([*lengths, is_encoded])

    def checked(self) -> Geometry:
        """Itself; InvalidArgumentError ends the graph unless lengths are above 0."""
        lengths = tf.concat([self.spacing_mm, [self.slice_thickness_mm]], axis=0)
        is_length = tf.math.is_finite(lengths) & (lengths > 0)
        text = "spacing_mm and slice_thickness_mm are above 0; got"
        check = tf.debugging.Assert(tf.reduce_all(is_length), [text, lengths])
        with tf.control_dependencies([check]):
            return self._replace(spacing_mm=tf.identity(self.spacing_mm))


class ViewsGraph:
    """A trained network of views as functions of tensors.

    Args:
      model: the network.

    Attributes:
      variables: what it reads.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self.variables = tensorflow_variables(model)

    def super_resolve(
        self, thick: tf.Tensor, factor: int, geometry: Geometry
    ) -> tf.Tensor:
        """Thin slices from thick ones, in the scan's own units.

        Args:
          thick: (rows, columns, n) float32, canonical.
          factor: thin slices per thick slice spacing, 2 to 8.
          geometry: of the scan.

        Returns:
          (rows, columns, (n - 1) * factor + 1) float32, from the first acquired slice
          to the last; no voxel is below the lowest of `thick` (`imaging.floor`).
        """
        geometry = geometry.checked()
        scale = estimate_scale(thick)
        scaled = scale.apply(thick)
        num_thick = tf.shape(thick)[2]
        average = _parts_to_thin(num_thick, factor)
        row_mm, column_mm, _ = tf.unstack(geometry.spacing_mm)
        along_columns = self._added(scaled, average, geometry.facts(column_mm))
        turned = tf.transpose(scaled, (1, 0, 2))
        along_rows = self._added(turned, average, geometry.facts(row_mm))
        added = (along_columns + tf.transpose(along_rows, (1, 0, 2))) / 2
        parts = cubic_matrix_at(num_thick, _part_centres(num_thick))
        interpolated = tf.tensordot(scaled, tf.matmul(average, parts), [[2], [1]])
        held = _held(interpolated + added, scaled, geometry, factor)
        return tf.maximum(scale.invert(held), tf.reduce_min(thick))

    def _added(
        self, scaled: tf.Tensor, average: tf.Tensor, facts: tf.Tensor
    ) -> tf.Tensor:
        """What the views of each row add: (rows, columns, thin slices), block by block.

        Args:
          scaled: (rows, columns, n) float32.
          average: (thin slices, n * NUM_PARTS), parts to thin slices.
          facts: (NUM_INPUTS - 1,), the same for all voxels.
        """
        rows, columns, num_thick = tf.unstack(tf.shape(scaled))
        step = tf.maximum(1, VOXELS_AT_ONCE // (columns * num_thick))

        def add(
            start: tf.Tensor, blocks: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.TensorArray]:
            parts = self._parts(scaled[start : start + step], facts)
            thin = tf.tensordot(parts, average, [[2], [1]])
            return start + step, blocks.write(blocks.size(), thin)

        blocks = tf.TensorArray(
            tf.float32,
            0,
            dynamic_size=True,
            infer_shape=False,
            element_shape=(None, None, None),
        )
        _, blocks = tf.while_loop(
            lambda start, _: start < rows, add, (0, blocks), parallel_iterations=1
        )
        return blocks.concat()

    def _parts(self, block: tf.Tensor, facts: tf.Tensor) -> tf.Tensor:
        """The network's output for some views: (views, pixels, n * NUM_PARTS)."""
        views, pixels, num_thick = tf.unstack(tf.shape(block))
        # The last pixel once more where their number is odd.
        missing = -pixels % PIXEL_FOLD
        padded = tf.concat([block, tf.repeat(block[:, -1:], missing, axis=1)], axis=1)
        shape = [views, pixels + missing, num_thick, NUM_INPUTS - 1]
        told = tf.broadcast_to(facts, shape)
        inputs = tf.concat([padded[..., tf.newaxis], told], axis=-1)
        parts = mirrored_mean(self._model, inputs)[:, :pixels]
        return tf.reshape(parts, [views, pixels, num_thick * NUM_PARTS])


def _part_centres(num_thick: tf.Tensor) -> tf.Tensor:
    """As `slicing.part_centres`, held between the first slice and the last; float64."""
    parts = tf.range(num_thick * NUM_PARTS)
    centres = (tf.cast(parts, tf.float64) + 0.5) / NUM_PARTS - 0.5
    return tf.clip_by_value(centres, 0.0, tf.cast(num_thick - 1, tf.float64))


def _parts_to_thin(num_thick: tf.Tensor, factor: int) -> tf.Tensor:
    """As `slicing.parts_to_thin` has it for `ThinGrid.of_centres`; float32.

    A thin slice is NUM_PARTS / factor parts wide, and lies within the parts.
    """
    thin = tf.cast(tf.range((num_thick - 1) * factor + 1), tf.float64)
    centres = ((thin / factor + 0.5) * NUM_PARTS)[:, tf.newaxis]
    left = tf.cast(tf.range(num_thick * NUM_PARTS), tf.float64)
    width = NUM_PARTS / factor
    covered = tf.minimum(centres + width / 2, left + 1) - tf.maximum(
        centres - width / 2, left
    )
    return tf.cast(tf.maximum(covered, 0.0) / width, tf.float32)


def _held(
    thin: tf.Tensor, thick: tf.Tensor, geometry: Geometry, factor: int
) -> tf.Tensor:
    """As `data_consistency.hold`, whose slices are those of `ThinGrid.of_centres`."""
    num_thick = tf.shape(thick)[2]
    thicken = _thicken(geometry, num_thick, factor)
    power = tf.matmul(thicken, thicken, transpose_b=True)
    doubt = DOUBT * tf.linalg.trace(power) / tf.cast(num_thick, tf.float64)
    power += doubt * tf.eye(num_thick, dtype=tf.float64)
    back = tf.cast(tf.linalg.solve(power, thicken), tf.float32)
    again = tf.tensordot(thin, tf.cast(thicken, tf.float32), [[2], [1]])
    return thin + tf.tensordot(thick - again, back, [[2], [0]])


def _thicken(geometry: Geometry, num_thick: tf.Tensor, factor: int) -> tf.Tensor:
    """As `SliceProfile.matrix`: (num_thick, thin slices) float64."""
    num_thin = (num_thick - 1) * factor + 1
    edges = (tf.cast(tf.range(1, num_thin), tf.float64) - 0.5) / factor
    centres = tf.cast(tf.range(num_thick), tf.float64)[:, tf.newaxis]
    share = geometry.slice_thickness_mm / geometry.spacing_mm[2]
    offsets = (edges - centres) / tf.cast(share, tf.float64)
    inner = tf.where(
        geometry.phase_encoded,
        _fir_area(offsets),
        tf.clip_by_value(offsets + 0.5, 0, 1),
    )
    # Past the ends lies what is in the first and the last slice.
    first, last = tf.zeros_like(centres), tf.ones_like(centres)
    areas = tf.concat([first, inner, last], axis=1)
    return areas[:, 1:] - areas[:, :-1]


def _fir_area(offsets: tf.Tensor) -> tf.Tensor:
    """As `SliceProfile.cumulative` of "fir", 1 thick; float64."""
    areas = tf.constant(_FIR_AREAS, tf.float64)
    per_step = _FIR_STEPS / (2 * _FIR_REACH)
    places = tf.clip_by_value((offsets + _FIR_REACH) * per_step, 0, _FIR_STEPS)
    below = tf.minimum(tf.floor(places), _FIR_STEPS - 1)
    index = tf.cast(below, tf.int32)
    lower, upper = tf.gather(areas, index), tf.gather(areas, index + 1)
    return lower + (places - below) * (upper - lower)
