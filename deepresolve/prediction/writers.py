"""What a run of each task writes for a scan.

A writer has `write(scan, target, save) -> str`, which writes the scan's files and tells
in a few words what came of it; `endings`, by which the names of its further files are
longer than the target's; `memory_advice`, for who has too little of it; `title`, a few
words for what is done to a scan; `class_names` of a label map, none of an image; and
`spread`, how far the last scan's result changes with its mirror image, as JSON values
(`trust.spread`), None where that was not measured; and `undershoot`, of the last scan's
image, what was held at the scan's own minimum, None of a label map.
`save` is given by an output format; NIfTI is written without one.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

from deepresolve.imaging.floor import Undershoot
from deepresolve.imaging.labels import slug
from deepresolve.imaging.mirroring import mirrored_classes
from deepresolve.imaging.volume import Volume
from deepresolve.inference.components import keep_largest
from deepresolve.prediction import tissue_volumes
from deepresolve.prediction.output_formats import Save, save_nifti
from deepresolve.prediction.outputs import with_ending
from deepresolve.prediction.trust import spread as spreads
from deepresolve.prediction.trust.spread import MirrorSpread
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver, with_dtype

SPREAD_ENDING = "_spread"


class ThinSliceWriter:
    """Super-resolution: one scan of thin slices.

    Args:
      resolver: the network.
      factor: thin slices per thick slice spacing.
      keep_dtype: write the scan's own type, integers rounded, instead of float32.
      spread: "none", "report" (measured), "volume" (also NAME_spread.nii.gz).
    """

    spread: dict[str, Any] | None = None
    undershoot: Undershoot | None = None
    class_names: tuple[str, ...] = ()
    memory_advice = "--dtype=bfloat16 needs less than float32."

    def __init__(
        self,
        resolver: SuperResolver,
        factor: int,
        keep_dtype: bool,
        spread: str = "none",
    ):
        self._resolver = resolver
        self._factor = factor
        self.title = f"computed super-resolution x{factor}"
        self._keep_dtype = keep_dtype
        self._measures_spread = spread != "none"
        self.endings = (SPREAD_ENDING,) if spread == "volume" else ()

    def write(self, scan: Volume, target: pathlib.Path, save: Save = save_nifti) -> str:
        """Writes the thin slices as `target`; returns their number and distance."""
        thin, self.undershoot = self._resolver.super_resolve_with_undershoot(
            scan, self._factor, progress=True
        )
        if self._measures_spread:
            self.spread, deviation = spreads.of_super_resolution(
                self._resolver, scan, self._factor, thin
            )
            if self.endings:
                save_nifti(with_ending(target, SPREAD_ENDING), deviation)
            del deviation
        if self._keep_dtype:
            thin = with_dtype(thin, scan.array.dtype)
        save(target, thin)
        return (
            f"{scan.num_slices} slices {scan.slice_spacing_mm:.4g} mm apart -> "
            f"{thin.num_slices} slices {thin.slice_spacing_mm:.4g} mm apart, "
            f"{thin.array.dtype}"
        )


class LabelMapWriter:
    """Segmentation: a label map, and one table of volumes for all scans.

    Args:
      segmenter: the network.
      table: the table's path; written anew, whole, after every scan, so that an
        interrupted command leaves the volumes of all scans that it finished. Rows of
        scans that an earlier command wrote stay, until a scan of that name is done.
      probabilities: also write NAME_probability_CLASS.nii.gz for every class, float32.
      largest_only: of each class keep the largest connected component of the label map
        alone; the probabilities stay as they are.
      spread: "none", "report" (measured), "volume" (also NAME_spread.nii.gz). A
        segmenter with flips has both passes at hand: then it is always measured.

    Raises:
      ValueError: a class lacks its counterpart in the mirror.
    """

    spread: dict[str, Any] | None = None
    undershoot: None = None

    title = "computed segmentation"
    memory_advice = "A smaller --memory_gib or --window needs less."

    def __init__(
        self,
        segmenter: Segmenter,
        table: pathlib.Path,
        probabilities: bool = False,
        largest_only: bool = False,
        spread: str = "none",
    ):
        self._segmenter = segmenter
        self._table = table
        self._largest_only = largest_only
        tissue_volumes.read_csv(table)  # Another table is refused before the work.
        names = self.class_names = segmenter.class_names
        self._probability_endings = probability_endings(names) if probabilities else ()
        self._measures_spread = spread != "none" or segmenter.flips
        if self._measures_spread:
            mirrored_classes(names)
        self._spread_endings = (SPREAD_ENDING,) if spread == "volume" else ()
        self.endings = (*self._probability_endings, *self._spread_endings)

    def write(self, scan: Volume, target: pathlib.Path, save: Save = save_nifti) -> str:
        """Writes the label map as `target`; returns the volume of each class."""
        both_ways = None
        if self._measures_spread:
            both_ways = self._mirror_spread(scan)
        label_map, probabilities = self._segmenter.segment_with_probabilities(
            scan, progress=True, compare=both_ways
        )
        if self._largest_only:
            label_map = label_map.with_array(keep_largest(label_map.array))
        save(target, label_map)
        if self._probability_endings:
            pairs = zip(self._probability_endings, probabilities.values(), strict=True)
            for ending, probability in pairs:
                save_nifti(with_ending(target, ending), probability)
        if both_ways is not None:
            self.spread = both_ways.numbers(label_map.voxel_mm3)
        for ending in self._spread_endings:
            canonical = scan.canonical().with_array(both_ways.disagreement)
            save_nifti(with_ending(target, ending), canonical)
        volumes = tissue_volumes.measure(
            label_map, self._segmenter.class_names, target.name
        )
        tissue_volumes.add_to_csv(self._table, volumes)
        return ", ".join(f"{v.class_name} {v.volume_mm3:.0f} mm³" for v in volumes)

    def _mirror_spread(self, scan: Volume) -> MirrorSpread | None:
        """What compares both passes; None where a report can say that there is none."""
        asked_for = self._segmenter.flips or self._spread_endings
        if asked_for or self._segmenter.knows_mirror(scan):
            return MirrorSpread(self.class_names)
        self.spread = dict(spreads.SAME_IMAGE)
        return None


def probability_endings(class_names: Sequence[str]) -> tuple[str, ...]:
    """What the names of the probabilities' files end in, one for each class."""
    return tuple(f"_probability_{slug(name)}" for name in class_names)
