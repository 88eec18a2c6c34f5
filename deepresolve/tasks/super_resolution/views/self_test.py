"""How much a network gains on the scan itself, where the truth is known: in plane.

An in-plane axis of slices that the network did not learn from is made thick as slices
are, and restored. What it should be is there: so the gain over interpolation is
measured, on this very scan and without a reference. It is an estimate of the gain
across the slices, for anatomy is not alike along all axes.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
from skimage import metrics as similarity

from deepresolve.imaging.degradation import (
    Interpolation,
    cubic_matrix,
    fourier_matrix,
)
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.metrics import image as image_metrics
from deepresolve.tasks.findings import Finding, Section, digits
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.super_resolution.views.pairs import COARSE
from deepresolve.tasks.super_resolution.views.restoring import Network, ThickScan
from deepresolve.tasks.super_resolution.views.slicing import (
    ThinGrid,
    num_slices_in,
)

# One of so many slices is kept from learning. A sixth of a knee's 27 cost a tenth of a
# decibel of the gain.
_KEPT_OF = 12
_MOST_SLICES = 12
_SSIM_WINDOW = 7
NETWORK = "network"
CUBIC: Interpolation = "cubic"
FOURIER: Interpolation = "fourier"


class Scores(NamedTuple):
    """Of one way to restore: pSNR in dB, SSIM, edge sharpness (1: as the truth)."""

    psnr: float
    ssim: float
    edge_sharpness: float


@dataclasses.dataclass(frozen=True)
class SelfTest:
    """What was measured.

    Attributes:
      scores: by the way of restoring: "network", "cubic", "fourier".
      num_slices: that were restored, along either in-plane axis.
    """

    scores: dict[str, Scores]
    num_slices: int

    @property
    def better_interpolation(self) -> Interpolation:
        """The one of higher PSNR."""
        cubic_is_better = self.scores[CUBIC].psnr >= self.scores[FOURIER].psnr
        return CUBIC if cubic_is_better else FOURIER

    @property
    def gain_db(self) -> float:
        """PSNR beside that of the better interpolation."""
        return self.scores[NETWORK].psnr - self.scores[self.better_interpolation].psnr

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "measured": True,
            "gain_over_cubic_db": digits(
                self.scores[NETWORK].psnr - self.scores[CUBIC].psnr
            ),
            "gain_over_better_interpolation_db": digits(self.gain_db),
            "gain_over_cubic_ssim_x100": digits(
                100 * (self.scores[NETWORK].ssim - self.scores[CUBIC].ssim)
            ),
            "num_slices": self.num_slices,
            "how": "in-plane axes made thick as slices are, and restored",
            **{
                name: {key: round(value, 4) for key, value in scores._asdict().items()}
                for name, scores in self.scores.items()
            },
        }

    def section(self, written: str) -> Section:
        """Of the report on a result; `written` is the way whose slices are given."""
        values = {**self.to_dict(), "written": written}
        if self.gain_db > 0:
            return Section(values)
        given = f"{written} interpolation is given" if written != NETWORK else "forced"
        text = (
            "made thick in plane and restored, the scan is "
            f"{-self.gain_db:.2f} dB worse than interpolated: the network has nothing "
            f"to add to it ({given}). More minutes of learning may help."
        )
        return Section(
            values, (Finding("self_test", digits(self.gain_db), ">0", text),)
        )


def kept_slices(num_slices: int) -> np.ndarray:
    """Which slices are kept from learning: a twelfth, at least one, in a block.

    Neighbours are alike: what was learned of the slice beside is half known. So they
    lie together, away from the middle of the field of view, where a knee has its notch.
    """
    num_kept = max(1, num_slices // _KEPT_OF)
    first = (num_slices - num_kept) // 3
    return np.arange(first, first + num_kept)


def learned_slices(num_slices: int, overlap: float) -> np.ndarray:
    """Which slices are learned from: those that share no tissue with a kept one.

    Args:
      num_slices: of the scan.
      overlap: thickness of the slices over their spacing. So many on either side of
        the kept ones are left out, too, as long as two thirds of all remain.
    """
    kept = kept_slices(num_slices)
    every = np.arange(num_slices)
    for guard in range(math.ceil(overlap), -1, -1):
        learned = every[(every < kept[0] - guard) | (every > kept[-1] + guard)]
        if 3 * learned.size >= 2 * num_slices:
            break
    return learned


def measure(network: Network, scan: ThickScan, step: float) -> SelfTest:
    """Restores kept slices along both in-plane axes.

    Args:
      network: of views, which did not learn from `kept_slices`.
      scan: all slices; in their field of view `plan.MIN_THICK` have room.
      step: spacing of the thin slices that are wanted, in thick ones.
    """
    kept = kept_slices(scan.array.shape[2])
    kept = kept[:: -(-len(kept) // _MOST_SLICES)]
    slices = np.moveaxis(scan.array[:, :, kept], -1, 0)  # (slice, row, column)
    finest_mm = min(scan.pixels_mm)
    of_axes = [
        # The last axis is made thick; the one before lies beside it.
        _restored(network, scan, turned, pixels_mm, step)
        for turned, pixels_mm in (
            (np.swapaxes(slices, 1, 2), scan.pixels_mm),
            (slices, scan.pixels_mm[::-1]),
        )
        if pixels_mm[0] <= COARSE * finest_mm
    ]
    scores = {
        name: Scores(*np.mean([_scores(*of[name]) for of in of_axes], axis=0).tolist())
        for name in (NETWORK, CUBIC, FOURIER)
    }
    return SelfTest(scores, len(kept))


# Truth and estimate, (slices, pixels, thin slices).
_Compared = tuple[np.ndarray, np.ndarray]


def _restored(
    network: Network,
    scan: ThickScan,
    slices: np.ndarray,
    pixels_mm: tuple[float, float],
    step: float,
) -> dict[str, _Compared]:
    """Truth and estimates of one axis by the way of restoring.

    Args:
      network: of views.
      scan: whose slices they are.
      slices: (slices, pixels beside, pixels along) of the axis that is made thick.
      pixels_mm: along, beside.
      step: spacing of thin slices in thick ones.
    """
    along_mm, beside_mm = pixels_mm
    spacing, num_pixels = scan.spacing_mm / along_mm, slices.shape[2]
    num_thick = num_slices_in(num_pixels, spacing)
    grid = ThinGrid.of_faces(num_thick, 1 / step)
    face = (num_pixels - num_thick * spacing) / 2 - 0.5
    centres = face + spacing * (np.arange(num_thick) + 0.5)
    profile = scan.profile.scaled(1 / along_mm)
    made = slices @ profile.matrix(centres, num_pixels, 1.0).T.astype(np.float32)
    thin = SliceProfile("rect", max(spacing * grid.step, 1.0))
    at = face + spacing * (grid.centres + 0.5)
    truth = slices @ thin.matrix(at, num_pixels, 1.0).T.astype(np.float32)
    views = scan._replace(array=made, pixels_mm=(along_mm, beside_mm))
    by_network = restoring.one_way(network, views, grid)
    restoring.add_to_interpolation(by_network, views, grid)
    estimates = {
        NETWORK: by_network,
        CUBIC: made @ cubic_matrix(num_thick, grid.centres).T.astype(np.float32),
        FOURIER: made @ fourier_matrix(num_thick, grid.centres).T.astype(np.float32),
    }
    return {name: (truth, estimate) for name, estimate in estimates.items()}


def _scores(truth: np.ndarray, estimate: np.ndarray) -> Scores:
    """Of all slices together; SSIM is the mean over them."""
    alike = [
        similarity.structural_similarity(
            true, found, win_size=_SSIM_WINDOW, data_range=1.0
        )
        for true, found in zip(truth, estimate, strict=True)
    ]
    return Scores(
        image_metrics.psnr(truth, estimate, data_range=1.0),
        float(np.mean(alike)),
        image_metrics.edge_sharpness(truth, estimate),
    )
