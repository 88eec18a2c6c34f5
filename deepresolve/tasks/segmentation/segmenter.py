"""From a scan to its label map with a trained segmentation network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.mirroring import left_right_axis, mirrored_classes
from deepresolve.imaging.volume import Volume
from deepresolve.inference.engines import engine_of
from deepresolve.inference.streaming import StreamedModel
from deepresolve.inference.window_size import rule_of
from deepresolve.inference.windowed import DEFAULT_MEMORY_GIB
from deepresolve.networks import find_model
from deepresolve.tasks.segmentation.known_grid import KnownGrid, Placed
from deepresolve.tasks.segmentation.settings import SegmentationConfig

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

# Takes probabilities of a scan, of its mirror image mirrored back, and the channel of
# the latter that each of the former belongs to.
Compare = Callable[[np.ndarray, np.ndarray, Sequence[int]], None]

_SLICES = 2  # the last axis of a canonical volume


class Segmenter:
    """A trained network, ready for scans.

    Args:
      model: the network: scaled intensities to probabilities, background first.
      config: the run that trained it.
      window_shape: voxels that go through the network at once, of one that sees
        windows; None: what `fitting_window` finds.
      flips: average with the mirror image's probabilities, left for right: twice the
        time, and a left knee is segmented as the right one that it mirrors.
      memory_gib: of a network that sees windows, for what it holds of one, in GiB;
        without a `window_shape` it decides how large the windows are. The scan, its
        probabilities and TensorFlow itself (about 1.5 GiB together for an OAI scan and
        one class) come on top.
      known: scans of another spacing or plane are resampled for the network, and what
        it finds is brought back; None: scans are given to it as they are.
      dtype: what the model was built to compute in.

    Raises:
      ValueError: a window for a network that sees none, a window or memory out of
        range, flips where a class lacks its
        counterpart, or a network that has not one output for each class and one for the
        background.
    """

    def __init__(
        self,
        model: keras.Model,
        config: SegmentationConfig,
        window_shape: Sequence[int] | None = None,
        flips: bool = False,
        memory_gib: float = DEFAULT_MEMORY_GIB,
        known: KnownGrid | None = None,
        dtype: str = "float32",
    ):
        self.config, self._known = config, known
        self.class_names = config.class_names
        rule = rule_of(config, 1 + len(config.class_names))
        self._network = engine_of(model, config, rule, dtype, window_shape, memory_gib)
        self.flips = flips
        if flips:
            mirrored_classes(self.class_names)  # Refused now, not after the first pass.
        if model.output_shape[-1] != rule.num_outputs:
            raise ValueError(
                f"The network has {model.output_shape[-1]} outputs; expected "
                f"{rule.num_outputs}: the background and {self.class_names}."
            )

    @classmethod
    def from_run(
        cls,
        run: TrainedRun,
        window_shape: Sequence[int] | None = None,
        flips: bool = False,
        memory_gib: float = DEFAULT_MEMORY_GIB,
        dtype: str = "float32",
        resample: bool = True,
    ) -> Segmenter:
        """The network of a trained run.

        Args:
          run: of a segmentation.
          window_shape: (rows, columns, slices) that go through the network at once, of
            one that sees windows; None: as many whole slices as fit into `memory_gib`.
          flips: average with the mirror image's probabilities, left for right.
          memory_gib: for what such a network holds of a window, in GiB.
          dtype: what the network computes in, whatever it was trained in: "float32", or
            "bfloat16" for speed where the processor has it.
          resample: bring scans to the grid that the run asks for, else to the spacing
            and plane of the training scans, where the run has them on record.

        Raises:
          ValueError: not a segmentation, not trained yet, or a damaged record.
        """
        config, model = run.settings(SegmentationConfig), run.network(dtype)
        known = KnownGrid.of(config, run.training_set) if resample else None
        return cls(model, config, window_shape, flips, memory_gib, known, dtype)

    def probabilities(
        self,
        scaled: np.ndarray,
        left_right: int | None = None,
        progress: bool = False,
        compare: Compare | None = None,
        placed: Placed | None = None,
    ) -> np.ndarray:
        """How probable each class is in each voxel.

        Args:
          scaled: (rows, columns, slices) of a canonical scan, scaled to 0..1.
          left_right: the axis that runs from left to right in the patient, or back;
            only asked for with flips or `compare`.
          progress: show a progress bar.
          compare: called with the probabilities of the scan and of its mirror image,
            which takes twice the time, as flips do.
          placed: the scan on the network's grid; None: the network takes it as it is.

        Returns:
          (rows, columns, slices, 1 + classes) float32, background first; the sum over
          the last axis is 1.

        Raises:
          ValueError: flips or `compare` without `left_right`, across the slices of a
            network that sees one at a time, or where a class lacks its counterpart.
        """
        scaled = np.asarray(scaled, np.float32)
        title = "segmentation" if progress else ""

        def network(array: np.ndarray) -> np.ndarray:
            if placed is None:
                return self._network(array, title)
            return placed.back(self._network(placed.there(array), title))

        result = network(scaled)
        if self.flips or compare is not None:
            channels = mirrored_classes(self.class_names)
            self._check_left_right(left_right, placed)
            mirrored = network(np.flip(scaled, left_right))
            back = np.flip(mirrored, left_right)
            if compare is not None:
                compare(result, back, channels)
        if self.flips:
            for channel, of_mirror in enumerate(channels):
                result[..., channel] += back[..., of_mirror]
            result /= 2
        return result

    def knows_mirror(self, scan: Volume) -> bool:
        """Whether the mirror image of a scan is another image to the network.

        Of sagittal slices, each seen alone, it is the same ones in another order.
        """
        canonical = scan.canonical()
        slices = self.placed(canonical).slice_axis
        across_slices = left_right_axis(canonical) == slices
        return not (across_slices and find_model(self.config).slicewise)

    def placed(self, canonical: Volume) -> Placed:
        """A canonical scan on the grid that the network is given."""
        return Placed.of(canonical, self._known)

    def _check_left_right(self, left_right: int | None, placed: Placed | None) -> None:
        """ValueError where mirroring is impossible or does nothing."""
        if left_right is None:
            raise ValueError(
                "With flips, left_right must say which axis of the array runs from "
                "left to right."
            )
        slices = _SLICES if placed is None else placed.slice_axis
        if left_right == slices and find_model(self.config).slicewise:
            raise ValueError(
                "flips do nothing here: the slices of this scan are sagittal, and "
                f"{self.config.model} sees one slice at a time, so that left and "
                "right are the same to it. Leave flips out, and the spread over them."
            )

    def label_map(self, scaled: Volume, progress: bool = False) -> np.ndarray:
        """The most probable class of each voxel.

        Of a network that is streamed, without flips, no more than a few slices of
        probabilities are held at a time.

        Args:
          scaled: a canonical scan, scaled to 0..1.
          progress: show a progress bar.

        Returns:
          (rows, columns, slices) uint8: 0 is background, n the n-th of `class_names`.
        """
        placed = self.placed(scaled)
        as_it_is = not (self.flips or placed.is_resampled)
        if as_it_is and isinstance(self._network, StreamedModel):
            title = "segmentation" if progress else ""
            return self._network.most_probable(scaled.array, title)
        left_right = left_right_axis(scaled)
        return _most_probable(
            self.probabilities(scaled.array, left_right, progress, placed=placed)
        )

    def segment(self, scan: Volume, progress: bool = False) -> Volume:
        """The label map of a scan, on the scan's own grid.

        Args:
          scan: in any orientation and intensity unit.
          progress: show a progress bar.

        Returns:
          A uint8 Volume in the same axes as `scan`.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        scaled = _scaled(scan)
        label_map = self.label_map(scaled, progress)
        return scaled.with_array(label_map).restored_as(scan)

    def segment_with_probabilities(
        self, scan: Volume, progress: bool = False, compare: Compare | None = None
    ) -> tuple[Volume, dict[str, Volume]]:
        """As `segment`, with a float32 Volume of the probability of each class.

        Args:
          scan: in any orientation and intensity unit.
          progress: show a progress bar.
          compare: called with the probabilities of the scan and those of its mirror
            image, mirrored back, both (rows, columns, slices, 1 + classes) in the axes
            of the canonical scan; and the channel of the latter for each of the former.

        Returns:
          The label map, and by class name the probabilities; both on the grid of
          `scan`. What the classes leave to 1 is the background's.
        """
        scaled = _scaled(scan)
        probabilities = self.probabilities(
            scaled.array,
            left_right_axis(scaled),
            progress,
            compare,
            self.placed(scaled),
        )

        def in_place(array: np.ndarray) -> Volume:
            return scaled.with_array(array).restored_as(scan)

        by_class = {
            name: in_place(probabilities[..., channel])
            for channel, name in enumerate(self.class_names, start=1)
        }
        return in_place(_most_probable(probabilities)), by_class


def _scaled(scan: Volume) -> Volume:
    """A scan in its canonical axes, scaled to 0..1."""
    canonical = scan.canonical()
    return canonical.with_array(estimate_scale(canonical.array).apply(canonical.array))


def _most_probable(probabilities: np.ndarray) -> np.ndarray:
    """(..., classes) -> (...) uint8; the first of several that are equal."""
    return np.argmax(probabilities, axis=-1).astype(np.uint8)
