"""From one scan to its thin slices, and how far to trust them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.volume import Volume
from deepresolve.networks import find_model
from deepresolve.system import hardware
from deepresolve.tasks.findings import Section
from deepresolve.tasks.options import SPREAD_NOT_ASKED, Dtype
from deepresolve.tasks.prediction import Image, Prediction, TableKind
from deepresolve.tasks.super_resolution.options import VIEWS, Options
from deepresolve.tasks.super_resolution.super_resolver import (
    Enhance,
    SuperResolver,
    leave_interpolated,
    resolve,
    with_dtype,
)
from deepresolve.tasks.super_resolution.trust import (
    consistency,
    slice_profile,
    slices,
    spread,
    undershoot,
)
from deepresolve.tasks.super_resolution.views import predictor as views

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

SPREAD = "spread"


class ThinSlicePredictor:
    """A network for super-resolution as a `Predictor`.

    Args:
      resolver: the network.
      factor: thin slices per thick slice spacing.
      keep_dtype: give the scan's own type, integers rounded, instead of float32.
      spread: "none", "report" (measured), "volume" (also given for each voxel).
      force: give the network's output of scans, too, whose slices are thicker or
        thinner, for their spacing, than it learned; without, they are interpolated.

    Attributes:
      restored_factor: the factor by which a scan is made thick to measure `restore`.
    """

    kind = Image()
    tables: ClassVar[dict[str, TableKind]] = {}
    memory_advice = "--dtype=bfloat16 needs less than float32."
    announcement = ""

    def __init__(
        self,
        resolver: SuperResolver,
        factor: int,
        keep_dtype: bool = True,
        spread: str = "none",
        force: bool = False,
    ):
        self._resolver = resolver
        self.training_factor = self.restored_factor = factor
        self.title = f"computed super-resolution x{factor}"
        self._keep_dtype = keep_dtype
        self._force = force
        self._measures_spread = spread != "none"
        self.volume_names = (SPREAD,) if spread == "volume" else ()

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """The thin slices from the first acquired one to the last.

        Args:
          scan: n slices, in any orientation.
          progress: show a progress bar.

        Returns:
          "image", of (n - 1) D + 1 slices in the axes of `scan`, float32 or its own
          type, interpolated (TCI) where the network learned another thickness of
          slices, if not forced; "spread" where it was asked for, the standard deviation
          over mirrored passes, float32, in scan units.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        learned = self._resolver.config.thickness_range
        by_network = self._force or slice_profile.matches(scan, learned)
        enhance = self._resolver.enhance if by_network else leave_interpolated
        thin, held = resolve(enhance, scan, self.training_factor, progress)
        report, further = self._spread(enhance, scan, thin, progress)
        if self._keep_dtype:
            thin = with_dtype(thin, scan.array.dtype)
        given = "network" if by_network else "interpolation"
        report |= {
            "consistency": consistency.section(scan, thin),
            "slice_profile": slice_profile.section(scan, learned, given),
            "slices": slices.section(scan),
            "undershoot": undershoot.section(held),
        }
        summary = (
            f"{scan.num_slices} slices {scan.slice_spacing_mm:.4g} mm apart -> "
            f"{thin.num_slices} slices {thin.slice_spacing_mm:.4g} mm apart, "
            f"{thin.array.dtype}"
        )
        title, derivation = None, ""
        if not by_network:
            summary += ", interpolated: not the slice profile that the network learned"
            title = f"computed cubic interpolation x{self.training_factor}"
            derivation = "The network learned another slice profile and was not used."
        return Prediction(
            self.kind,
            {Image.name: thin, **further},
            report,
            summary,
            derivation=derivation,
            title=title,
        )

    def restore(self, thick: Volume, factor: int, progress: bool = False) -> np.ndarray:
        """The network itself, whatever the slice profile (`restoration.Restore`).

        Args:
          thick: n slices, canonical, scaled to 0..1.
          factor: thin slices per thick slice spacing.
          progress: show a progress bar.

        Returns:
          (rows, columns, (n - 1) factor + 1) float32.
        """
        return self._resolver.enhance(interpolate(thick, factor).array, progress)

    def _spread(
        self, enhance: Enhance, scan: Volume, thin: Volume, progress: bool
    ) -> tuple[dict[str, Section], dict[str, Volume]]:
        """Its section of the report, and its volume where that is asked for."""
        if not self._measures_spread:
            return {SPREAD: Section(SPREAD_NOT_ASKED)}, {}
        numbers, deviation = spread.measure(
            enhance, scan, self.training_factor, thin, progress
        )
        further = {SPREAD: deviation} if self.volume_names else {}
        return {SPREAD: Section(numbers)}, further


def load(
    run: TrainedRun, options: Options
) -> ThinSlicePredictor | views.ViewsPredictor:
    """The network of a run.

    Raises:
      ValueError: not trained yet, or not for the factor that is asked for.
    """
    if find_model(run.config).engine == VIEWS:
        return views.load(run, options)
    resolver = SuperResolver.from_run(
        run, options.dtype, options.window, options.memory_gib
    )
    return ThinSlicePredictor(
        resolver,
        resolver.choose_factor(options.downsample_factor),
        options.output_dtype == "input",
        options.spread,
        options.force,
    )


def choose_dtype(*, alone: bool) -> tuple[Dtype, str]:
    """What to compute in where nobody said, fast and safe; and why.

    Args:
      alone: whether this process does the work; other machines may be fast at other
        things.
    """
    if not alone:
        return "float32", "workers may differ in what they are fast at"
    if hardware.has_fast_bfloat16():
        return "bfloat16", "fast on this processor; --dtype=float32 is exact"
    return "float32", "this processor has no fast bfloat16"
