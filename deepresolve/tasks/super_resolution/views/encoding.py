"""How slices were told apart, where no header says: by a pulse, or by phase encoding.

Phase encoding passes all frequencies up to half a cycle a slice and stops those above
at once; the power of what it made bends down there. The profile of a slice-selective
pulse falls off slowly and lets higher frequencies alias, which holds the spectrum's end
up. How steeply the power of anatomy falls is another matter: so what counts is the
bend, beside that of the scan's own in-plane axes under both kinds of profile.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.views.slicing import num_slices_in

# Of the frequencies up to half a cycle a slice; ours.
_LOW, _MIDDLE, _HIGH = (0.2, 0.45), (0.55, 0.78), (0.87, 1.0)
# Slices for which each of these bands has a frequency of its own.
_MIN_SLICES = 9


def looks_phase_encoded(scan: Volume) -> bool:
    """Whether the spectrum along the slices ends as one of phase encoding does.

    An estimate: of 21 series that were made of three real scans, at two to four times
    their spacing and by either kind of profile, 17 were told right.

    Args:
      scan: canonical.

    Returns:
      False also of too few slices to tell.
    """
    if scan.num_slices < _MIN_SLICES:
        return False
    array = np.asarray(scan.array, np.float32)
    expected = [
        np.mean([_bend(made) for made in _made_thick(scan, array, shape)])
        for shape in ("fir", "rect")
    ]
    return bool(_bend(array) < np.mean(expected))


def _made_thick(scan: Volume, array: np.ndarray, shape: str) -> list[np.ndarray]:
    """The in-plane axes as slices of a profile, each as the last axis."""
    made = []
    for axis, pixel_mm in enumerate(scan.spacing_mm[:2]):
        spacing = scan.slice_spacing_mm / pixel_mm
        num_pixels = array.shape[axis]
        count = num_slices_in(num_pixels, spacing)
        if count < _MIN_SLICES:
            continue
        centres = spacing * (np.arange(count) + 0.5) - 0.5
        matrix = SliceProfile(shape, spacing).matrix(centres, num_pixels, 1.0)
        made.append(np.moveaxis(array, axis, -1) @ matrix.T.astype(np.float32))
    return made or [array]


def _bend(array: np.ndarray) -> float:
    """How the fall of the power at the end differs from that in the middle, in nepers.

    Args:
      array: (..., slices).
    """
    # Even at both ends, so that what lies there makes no edge.
    spectrum = fft.dct(array - array.mean(axis=-1, keepdims=True), axis=-1)
    power = np.square(spectrum).reshape(-1, array.shape[-1]).mean(axis=0)
    share = np.arange(power.size) / power.size
    low, middle, high = (
        np.log(power[(share > start) & (share <= stop)].mean() + np.finfo(float).tiny)
        for start, stop in (_LOW, _MIDDLE, _HIGH)
    )
    return float((high - middle) - (middle - low))
