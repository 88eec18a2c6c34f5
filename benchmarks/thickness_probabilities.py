r"""How much nearer surfaces lie where probabilities are known beside labels.

    python benchmarks/thickness_probabilities.py [--radius_mm=15] [--thick_mm=0.5,1.5]

Shells around a ball of bone, whose thickness and area are known in closed form. A
tissue's probability is the share of a voxel that it fills (4 places along each axis);
labels are the likelier tissue. Prints, of thickness (ThCtAB_aMe), of each place and of
the bone's area (tAB), the error from labels alone and from probabilities, and the share
that counts as denuded, though none is. What the area lacks is the largest bare patch,
which is taken for the rest of the bone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.system import entry

if TYPE_CHECKING:
    import numpy as np

FLAGS = flags.FLAGS
flags.DEFINE_float("radius_mm", 15.0, "Of the bone.", 5.0, 40.0)
flags.DEFINE_list("thick_mm", ["0.5", "0.8", "1.5", "2.5"], "Of the shells.")

SPACINGS_MM = ((0.36, 0.36, 0.7), (0.5, 0.5, 1.5))
_PLACES = 4
# Around the thickest shell.
_MARGIN_MM = 2.0


def shares(spacing_mm: Sequence[float], radii_mm: Sequence[float]) -> np.ndarray:
    """How much of each voxel balls fill, around a place that is no voxel's middle."""
    import numpy as np

    size_mm = 2 * (max(radii_mm) + _MARGIN_MM)
    shape = [round(size_mm / mm) for mm in spacing_mm]
    at = np.moveaxis(np.indices(shape), 0, -1) * spacing_mm
    at -= size_mm / 2 + np.array([0.03, -0.1, -0.13])
    found = np.zeros((len(radii_mm), *shape), np.float32)
    for step in (np.indices((_PLACES,) * 3).reshape(3, -1).T + 0.5) / _PLACES - 0.5:
        away = np.linalg.norm(at + step * spacing_mm, axis=-1)
        for share, radius in zip(found, radii_mm, strict=True):
            share += (away < radius) / np.float32(_PLACES**3)
    return found


def rows(radius_mm: float, shells_mm: Sequence[float]) -> Iterator[tuple[str, ...]]:
    """Cells of each line of the table."""
    import numpy as np

    from deepresolve.quantification.sheets import Shares
    from deepresolve.quantification.thickness import measure_plate, statistics

    area_cm2 = 4 * np.pi * radius_mm**2 / 100
    for spacing_mm in SPACINGS_MM:
        bone, *both = shares(spacing_mm, [radius_mm, *np.add(radius_mm, shells_mm)])
        for thick_mm, share in zip(shells_mm, both, strict=True):
            kinds = np.stack([1 - share, bone, share - bone]).argmax(axis=0)
            for title, known in (("labels", None), ("both", Shares(bone, share))):
                plate = measure_plate(kinds == 1, kinds == 2, spacing_mm, known)
                found = statistics(plate)
                off = np.abs(plate.thickness_mm - thick_mm)
                yield (
                    *(" x ".join(f"{mm:g}" for mm in spacing_mm), f"{thick_mm:g}"),
                    *(title, f"{found['ThCtAB_aMe'] - thick_mm:+.3f}"),
                    *(f"{off.mean():.3f}", f"{np.percentile(off, 95):.3f}"),
                    f"{100 * (found['tAB'] / area_cm2 - 1):+.2f}",
                    f"{found['dABp']:.2f}",
                )


def run() -> None:
    """Measures and prints."""
    head = (
        *("voxels (mm)", "thickness (mm)", "from", "mean error (mm)"),
        *("of places (mm)", "95% within (mm)", "area (%)", "denuded (%)"),
    )
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for cells in rows(FLAGS.radius_mm, [float(mm) for mm in FLAGS.thick_mm]):
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    entry.launch(run)
