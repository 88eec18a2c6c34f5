"""The task of super-resolution."""

from __future__ import annotations

from collections.abc import Mapping

from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.volume import Volume
from deepresolve.networks import find_model
from deepresolve.pipeline.pairs import Pairs
from deepresolve.tasks.super_resolution.options import VIEWS
from deepresolve.tasks.super_resolution.pairs import SuperResolutionPairs
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.validation import SuperResolutionValidation
from deepresolve.tasks.super_resolution.views.pairs import ViewPairs
from deepresolve.tasks.super_resolution.views.validation import ViewsValidation
from deepresolve.training.data import TrainingData
from deepresolve.training.trainable import Trainable
from deepresolve.training.validation import Validation


class SuperResolution(Trainable[SuperResolutionConfig]):
    """Thin slices from thick ones: learns from any scan of thin slices."""

    settings = SuperResolutionConfig
    needs = ("image",)

    def check_data(self, config: SuperResolutionConfig, data: TrainingData) -> None:
        """Nothing beside scans is asked for."""

    def pairs(
        self, config: SuperResolutionConfig, label_names: Mapping[int, str]
    ) -> Pairs:
        """A scan and its interpolations; of a network of views its in-plane axes."""
        if find_model(config).engine == VIEWS:
            return ViewPairs(config)
        return SuperResolutionPairs(config)

    def validation(
        self, config: SuperResolutionConfig, label_names: Mapping[int, str]
    ) -> Validation:
        """PSNR, beside that of interpolations."""
        if find_model(config).engine == VIEWS:
            return ViewsValidation(config, label_names)
        return SuperResolutionValidation(config, label_names)

    def seen(
        self, config: SuperResolutionConfig, scan: Volume
    ) -> dict[int, list[Volume]]:
        """The scan made thick by each of the factors, thinnest and thickest.

        By the first of the profiles: they hardly differ in what is described of scans.
        A network of views learns from slices as they are, at whatever distance: it is
        described by the slices that it takes apart, as scans that are as they are (1).
        """
        if find_model(config).engine == VIEWS:
            return {1: _at_distances(config, scan)}
        shape, ends = config.slice_profiles[0], sorted(set(config.thickness_range))
        return {
            factor: [thicken(scan, factor, shape, thickness) for thickness in ends]
            for factor in config.downsample_factors
        }


def _at_distances(config: SuperResolutionConfig, scan: Volume) -> list[Volume]:
    """The slices of a scan at the distances that a network of views takes apart."""
    ends = zip(config.spacing_range_mm, config.thickness_range, strict=True)
    return [
        scan.resliced(
            scan.array,
            step=spacing_mm / scan.slice_spacing_mm,
            slice_thickness_mm=share * spacing_mm,
        )
        for spacing_mm, share in ends
    ]


TASK = SuperResolution()
