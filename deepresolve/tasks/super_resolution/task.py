"""The task of super-resolution."""

from __future__ import annotations

from collections.abc import Mapping

from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.pairs import SuperResolutionPairs
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.validation import SuperResolutionValidation
from deepresolve.training.data import TrainingData
from deepresolve.training.trainable import Trainable


class SuperResolution(Trainable[SuperResolutionConfig]):
    """Thin slices from thick ones: learns from any scan of thin slices."""

    settings = SuperResolutionConfig
    needs = ("image",)

    def check_data(self, config: SuperResolutionConfig, data: TrainingData) -> None:
        """Nothing beside scans is asked for."""

    def pairs(
        self, config: SuperResolutionConfig, label_names: Mapping[int, str]
    ) -> SuperResolutionPairs:
        """A scan and its interpolations."""
        return SuperResolutionPairs(config)

    def validation(
        self, config: SuperResolutionConfig, label_names: Mapping[int, str]
    ) -> SuperResolutionValidation:
        """PSNR and SSIM, beside those of interpolations."""
        return SuperResolutionValidation(config, label_names)

    def seen(
        self, config: SuperResolutionConfig, scan: Volume
    ) -> dict[int, list[Volume]]:
        """The scan made thick by each of the factors, thinnest and thickest.

        By the first of the profiles: they hardly differ in what is described of scans.
        """
        shape, ends = config.slice_profiles[0], sorted(set(config.thickness_range))
        return {
            factor: [thicken(scan, factor, shape, thickness) for thickness in ends]
            for factor in config.downsample_factors
        }


TASK = SuperResolution()
