"""What is to be done to one scan: which slices it has, and which are wanted."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np

from deepresolve.imaging.in_plane_resolution import in_plane_resolution_mm
from deepresolve.imaging.profile_shapes import SHAPES
from deepresolve.imaging.slice_grid import spacing_along_normal_mm
from deepresolve.imaging.slice_profile import MEASURED, SliceProfile, read_profile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.options import Options
from deepresolve.tasks.super_resolution.settings import MAX_THICKNESS
from deepresolve.tasks.super_resolution.views import encoding
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid, num_slices_in

# Thin slices for each thick one where nobody says: the published factor.
USUAL_FACTOR = 3
# Below, slices are as fine as pixels or nearly.
_LOWEST_FACTOR = 1.3
_HIGHEST_FACTOR = 16.0
_ROUNDING = 0.01
# Of the spacing, by which it may be longer than along the normal: 5.7 degrees.
_SHEAR = 0.005
# Thick slices that an in-plane axis must make for a network to learn from it, or to be
# tested on it: SSIM has windows of seven.
MIN_THICK = 7
MIN_PIXELS = 32
# To learn from: one in five is kept for the test.
MIN_SLICES = 4

# How the profile is known, for the report.
GIVEN, MADE, FROM_HEADER, FROM_SPECTRUM = (
    "as asked for",
    "as the scan was made thick",
    "by the scan's header",
    "measured from the spectrum; the header does not tell",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a scan is taken apart.

    Attributes:
      grid: where the thin slices lie.
      profile: of the acquired slices, in mm.
      learned: the shapes that a network is to learn: several where the true one is not
        known; of a measured one its file, which no report names.
      how: how the shape is known.
      thickness_known: whether the scan or the user told the thickness; else slices are
        taken to touch.
      resolution_mm: what the scanner resolved along rows and columns; above the pixels'
        distance where it filled k-space up. Nothing finer can be learned.
    """

    grid: ThinGrid
    profile: SliceProfile
    learned: tuple[str, ...]
    how: str
    thickness_known: bool
    resolution_mm: tuple[float, float]

    def to_dict(self, spacing_mm: float) -> dict[str, Any]:
        """As JSON values."""
        return {
            "shape": self.profile.shape,
            "learned": [name if name in SHAPES else MEASURED for name in self.learned],
            "how": self.how,
            "slice_thickness_mm": round(self.profile.thickness_mm, 4),
            "slice_spacing_mm": round(spacing_mm, 4),
            "slice_thickness_known": self.thickness_known,
            "thin_slice_spacing_mm": round(self.grid.step * spacing_mm, 4),
            "in_plane_resolution_mm": [round(r, 4) for r in self.resolution_mm],
        }


def planned(scan: Volume, options: Options) -> Plan:
    """What is asked for of a scan.

    Args:
      scan: canonical.
      options: of the prediction.

    Raises:
      ValueError: slices that are as fine as pixels, or options that contradict the
        scan.
      OSError: a measured profile cannot be read.
    """
    _check_room(scan)
    _check_straight(scan)
    resolution_mm = in_plane_resolution_mm(scan)
    factor = _factor(scan.slice_spacing_mm, min(resolution_mm), options)
    profile, learned, how = _profile(scan, options)
    _check_thickness(scan, profile)
    known = options.slice_thickness_mm or scan.slice_thickness_mm
    grid = ThinGrid.of_faces(scan.num_slices, factor)
    if grid.num_slices <= scan.num_slices:
        raise ValueError(
            f"Declined: slices {scan.slice_spacing_mm / factor:.4g} mm apart would be "
            f"{grid.num_slices}, and the scan has {scan.num_slices} already, "
            f"{scan.slice_spacing_mm:.4g} mm apart. Ask for thinner ones."
        )
    return Plan(
        grid,
        profile,
        learned,
        how,
        known is not None or profile.shape not in SHAPES,
        resolution_mm,
    )


def num_thick_in_plane(scan: Volume) -> int:
    """How many slices the shorter in-plane axis of a canonical scan has room for."""
    rows, columns, _ = scan.shape
    reach_mm = min(rows * scan.spacing_mm[0], columns * scan.spacing_mm[1])
    return num_slices_in(reach_mm, scan.slice_spacing_mm)


def of_thickened(scan: Volume, factor: int) -> Plan:
    """What restores a scan that `degradation.thicken` made, on the grid of TCI.

    Args:
      scan: canonical; its slices touch, by the published low-pass.
      factor: thin slices per thick slice spacing.
    """
    return Plan(
        ThinGrid.of_centres(scan.num_slices, factor),
        SliceProfile("fir", scan.slice_spacing_mm),
        ("fir",),
        MADE,
        thickness_known=True,
        resolution_mm=in_plane_resolution_mm(scan),
    )


def check_learnable(scan: Volume) -> None:
    """ValueError where a scan has too few slices to learn from."""
    if scan.num_slices < MIN_SLICES:
        raise ValueError(
            f"Declined: too little to learn from. The scan has {scan.num_slices} "
            f"slices, and {MIN_SLICES} are needed; --learn=none takes the network as "
            "it is."
        )


def _check_room(scan: Volume) -> None:
    """ValueError where nothing can be seen of slices in the plane.

    Nobody could then learn from it, nor test what a network makes of it.
    """
    rows, columns, _ = scan.shape
    num_thick = num_thick_in_plane(scan)
    if min(rows, columns) < MIN_PIXELS:
        problem = f"{rows} x {columns} pixels, and {MIN_PIXELS} each way are needed"
    elif num_thick < MIN_THICK:
        problem = (
            f"a field of view in which only {num_thick} slices "
            f"{scan.slice_spacing_mm:.4g} mm apart have room; {MIN_THICK} are needed"
        )
    else:
        return
    raise ValueError(
        f"Declined: the scan has {problem}, to learn from them or to see what a "
        "network gains. Use a network of your own of another kind (preset sr_cnn), or "
        "interpolate."
    )


def _check_straight(scan: Volume) -> None:
    """ValueError of slices that step sideways: a view across them would be sheared."""
    spacing_mm, normal_mm = scan.slice_spacing_mm, spacing_along_normal_mm(scan)
    if normal_mm < (1 - _SHEAR) * spacing_mm:
        degrees = np.degrees(np.arccos(normal_mm / spacing_mm))
        raise ValueError(
            f"Declined: from slice to slice the scan steps {degrees:.0f} degrees "
            "sideways, and what lies across its slices is sheared. Resample it to "
            "slices that lie straight above each other."
        )


def _check_thickness(scan: Volume, profile: SliceProfile) -> None:
    """ValueError of slices so thick that nobody can take them apart."""
    spacing_mm = scan.slice_spacing_mm
    # Rounding in headers is no reason.
    if profile.thickness_mm > (MAX_THICKNESS + _ROUNDING) * spacing_mm:
        raise ValueError(
            f"Declined: slices are {profile.thickness_mm:.4g} mm thick and "
            f"{spacing_mm:.4g} mm apart, more than {MAX_THICKNESS:g} times as thick as "
            "apart. If the header is wrong, --slice_thickness_mm says how thick they "
            "are."
        )


def _factor(spacing_mm: float, finest_mm: float, options: Options) -> float:
    """Thin slices for each thick one.

    Args:
      spacing_mm: of the thick ones.
      finest_mm: what was resolved within them.
      options: of the prediction.
    """
    asked = [
        name
        for name in ("downsample_factor", "spacing_mm", "isotropic")
        if getattr(options, name)
    ]
    if len(asked) > 1:
        raise ValueError(
            f"{' and '.join(asked)} both say how thin slices are to be. Give one."
        )
    if spacing_mm / finest_mm < _LOWEST_FACTOR:
        raise ValueError(
            f"Declined: slices are {spacing_mm:.4g} mm apart, and what was resolved "
            f"within them is {finest_mm:.4g} mm, as coarse or nearly. There is nothing "
            "to gain, and nothing sharper to learn from. If the header is wrong, "
            "--slice_axis says which axis the slices lie along."
        )
    factor = min(USUAL_FACTOR, spacing_mm / finest_mm)
    if options.downsample_factor:
        factor = float(options.downsample_factor)
    elif options.spacing_mm:
        factor = spacing_mm / options.spacing_mm
    elif options.isotropic:
        factor = spacing_mm / finest_mm
    if not 1 < factor <= _HIGHEST_FACTOR:
        raise ValueError(
            f"Slices {spacing_mm / factor:.4g} mm apart were asked for, of a scan with "
            f"{spacing_mm:.4g} mm from slice to slice. Expected "
            f"{spacing_mm / _HIGHEST_FACTOR:.4g} to {spacing_mm:.4g} mm."
        )
    return factor


def _profile(scan: Volume, options: Options) -> tuple[SliceProfile, tuple, str]:
    """The profile, the shapes to learn, and how they are known."""
    thickness_mm = (
        options.slice_thickness_mm or scan.slice_thickness_mm or scan.slice_spacing_mm
    )
    asked = options.slice_profile
    if asked in SHAPES:
        return SliceProfile(asked, thickness_mm), (asked,), GIVEN
    if asked != "auto":
        if options.slice_thickness_mm:
            raise ValueError(
                f"A measured slice profile ({asked}) has its own thickness: leave out "
                "slice_thickness_mm."
            )
        file = pathlib.Path(asked).absolute()  # with a folder, so no shape's name
        return read_profile(file), (str(file),), GIVEN
    if scan.slice_encoding == "3D":
        return SliceProfile("fir", thickness_mm), ("fir",), FROM_HEADER
    if scan.slice_encoding == "2D":
        return SliceProfile("rect", thickness_mm), ("rect", "gaussian"), FROM_HEADER
    if encoding.looks_phase_encoded(scan):
        return SliceProfile("fir", thickness_mm), ("fir",), FROM_SPECTRUM
    return SliceProfile("rect", thickness_mm), SHAPES, FROM_SPECTRUM
