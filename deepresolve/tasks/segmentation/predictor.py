"""From one scan to its label map, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from deepresolve.imaging.mirroring import mirrored_classes
from deepresolve.imaging.volume import Volume
from deepresolve.inference.components import pieces
from deepresolve.networks import find_model
from deepresolve.tasks import knee_table
from deepresolve.tasks.findings import Finding, Section
from deepresolve.tasks.options import SPREAD_NOT_ASKED, Dtype
from deepresolve.tasks.prediction import Labels, Prediction
from deepresolve.tasks.segmentation import sizes
from deepresolve.tasks.segmentation.knee import measures, plausibility
from deepresolve.tasks.segmentation.knee.clean_up import keep_pieces
from deepresolve.tasks.segmentation.knee.sides import settle
from deepresolve.tasks.segmentation.known_grid import Placed
from deepresolve.tasks.segmentation.options import Options
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.segmentation.spread import SAME_IMAGE, MirrorSpread

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

ANATOMY, GRID, SPREAD = "anatomy", "grid", "spread"
# Of networks that are streamed, and of those that see windows.
_ADVICE = (
    "--dtype=bfloat16 needs less than float32.",
    "A smaller --memory_gib or --window needs less.",
)
# Sections of the report on an image.
_OF_IMAGES = {
    "consistency": Section(
        {"measured": False, "why": "only thin slices can be made thick again"}
    ),
    "undershoot": Section(
        {"measured": False, "why": "only images can fall below the scan's range"}
    ),
}


class _Cleaned(NamedTuple):
    """A label map of one knee.

    Attributes:
      label_map: uint8.
      section: of the report, on whether it can be a knee's.
      sides_from: what told medial from lateral where the network did not, of
        `quantification.sides.SOURCES`; "" where it did.
    """

    label_map: Volume
    section: Section
    sides_from: str


class LabelMapPredictor:
    """A network for segmentation as a `Predictor`.

    Args:
      segmenter: the network.
      probabilities: also give the probability of every class, float32.
      min_piece: pieces of a class that are smaller than this share of its largest one,
        or lie off their bone or on the other side of the joint, become background, and
        one side of a knee is medial; the probabilities stay as they are. 0: all stays.
      measure: also measure the knee.
      side: which knee it is, "right" or "left", where the network does not tell
        medial from lateral; "": what the scan's header says.
      spread: "none", "report" (measured), "volume" (also given for each voxel). A
        segmenter with flips has both passes at hand: then it is always measured.

    Raises:
      ValueError: a class lacks its counterpart in the mirror, or no class is a
        cartilage that could be measured.
    """

    title = "computed segmentation"
    training_factor = None
    announcement = ""

    def __init__(
        self,
        segmenter: Segmenter,
        probabilities: bool = False,
        min_piece: float = 0.0,
        measure: bool = False,
        spread: str = "none",
        side: str = "",
    ):
        self._segmenter = segmenter
        self.memory_advice = _ADVICE[find_model(segmenter.config).engine == "windows"]
        self._min_piece = min_piece
        class_names = segmenter.class_names
        self.kind = Labels(tuple(class_names))
        self.tables = {sizes.TABLE: sizes.KIND}
        self._measures_knee = measure
        self._side = side
        if side and not (measure or min_piece):
            raise ValueError(
                f"--side={side}: with --min_piece=0 only with --measure, for nothing "
                "else asks which knee it is."
            )
        if measure:
            measures.check(class_names)
            self.tables[measures.TABLE] = knee_table.KIND
        self._measures_spread = spread != "none" or segmenter.flips
        if self._measures_spread:
            mirrored_classes(class_names)
        self._probabilities = self.kind.probabilities if probabilities else ()
        self._uses_probabilities = probabilities or measure or bool(min_piece)
        self._gives_spread = spread == "volume"
        further = (SPREAD,) if self._gives_spread else ()
        self.volume_names = (*self._probabilities, *further)

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """The label map of a scan, on the scan's own grid.

        Args:
          scan: in any orientation and intensity unit.
          progress: show a progress bar.

        Returns:
          "label_map", uint8; where they were asked for "probability_CLASS", float32,
          and "spread", the share of probability, 0 to 1, that the scan and its mirror
          image give to different classes.

        Raises:
          ValueError: voxels that are not finite or all alike, or a mirror image that
            the network cannot tell from the scan.
        """
        placed = self._segmenter.placed(scan.canonical())
        both_ways = self._both_ways(scan)
        label_map, by_class = self._segment(scan, progress, both_ways)
        cleaned = self._cleaned(label_map, by_class, scan.side)
        label_map, names = cleaned.label_map, self.kind.class_names
        volumes = {Labels.name: label_map}
        volumes |= zip(self._probabilities, by_class.values(), strict=False)
        if both_ways is not None and self._gives_spread:
            spread = scan.canonical().with_array(both_ways.disagreement)
            volumes[SPREAD] = spread.restored_as(scan)
        found = sizes.measure(label_map, names)
        measured = measures.NOT_ASKED
        if self._measures_knee:
            readings = [] if both_ways is None else [self._mirrored(both_ways, scan)]
            measured = measures.of(
                label_map, names, by_class, readings, self._side, cleaned.sides_from
            )
        return Prediction(
            self.kind,
            volumes,
            {
                ANATOMY: cleaned.section,
                GRID: placed.section(),
                SPREAD: self._section(both_ways, label_map.voxel_mm3),
                measures.SECTION: measured.section,
                **_OF_IMAGES,
            },
            sizes.summary(found) + measured.summary + _told(placed),
            {sizes.TABLE: sizes.rows(found), **measured.tables},
            seen=placed.seen if placed.is_resampled else None,
            knee=measured.knee,
        )

    def _cleaned(
        self, label_map: Volume, by_class: Mapping[str, Volume], of_header: str
    ) -> _Cleaned:
        """What of a label map belongs to a knee, and whether it can be one's."""
        names = self.kind.class_names
        findings: tuple[Finding, ...] = ()
        if self._min_piece:
            side = self._side or of_header
            label_map, findings = settle(label_map, names, by_class, side)
        before = list(pieces(label_map))
        if self._min_piece:
            label_map = keep_pieces(label_map, names, before, self._min_piece)
        section = plausibility.examine(label_map, names, before)
        section = section._replace(findings=(*section.findings, *findings))
        told_by = "given" if self._side else "header"
        return _Cleaned(label_map, section, told_by if findings else "")

    def _segment(
        self, scan: Volume, progress: bool, both_ways: MirrorSpread | None
    ) -> tuple[Volume, dict[str, Volume]]:
        """The label map, and the probabilities by class if something needs them."""
        if self._uses_probabilities or both_ways is not None:
            return self._segmenter.segment_with_probabilities(scan, progress, both_ways)
        return self._segmenter.segment(scan, progress), {}

    def _mirrored(self, both_ways: MirrorSpread, scan: Volume) -> Volume:
        """What the mirror image alone says, cleaned up like the label map."""
        found = scan.canonical().with_array(both_ways.of_mirror).restored_as(scan)
        if not self._min_piece:
            return found
        names = self.kind.class_names
        return keep_pieces(found, names, list(pieces(found)), self._min_piece)

    def _both_ways(self, scan: Volume) -> MirrorSpread | None:
        """What compares both passes; None where a report can say that there is none."""
        if not self._measures_spread:
            return None
        asked_for = self._segmenter.flips or self._gives_spread
        if asked_for or self._segmenter.knows_mirror(scan):
            return MirrorSpread(self.kind.class_names)
        return None

    def _section(self, both_ways: MirrorSpread | None, voxel_mm3: float) -> Section:
        """What the report says of the spread."""
        if both_ways is not None:
            return both_ways.section(voxel_mm3)
        return Section(SAME_IMAGE if self._measures_spread else SPREAD_NOT_ASKED)


def _told(placed: Placed) -> str:
    """For the screen: what the network was given where it was not the scan as it is."""
    if not placed.is_resampled:
        return ""
    done = placed.section().values
    voxels = " x ".join(f"{mm:.3g}" for mm in done["network_mm"])
    turned = f", as {done['plane']} slices" if placed.is_turned else ""
    return f"; seen in voxels of {voxels} mm{turned}"


def load(run: TrainedRun, options: Options) -> LabelMapPredictor:
    """The network of a run.

    Raises:
      ValueError: not trained yet, or options that do not suit its classes.
    """
    segmenter = Segmenter.from_run(
        run,
        options.window,
        options.flips,
        options.memory_gib,
        options.dtype,
        options.resample,
    )
    return LabelMapPredictor(
        *(segmenter, options.probabilities, options.min_piece, options.measure),
        *(options.spread, options.side),
    )


def choose_dtype(*, alone: bool) -> tuple[Dtype, str]:
    """What to compute in where nobody said, fast and safe; and why.

    Args:
      alone: whether this process does the work, which makes no difference here.
    """
    return "float32", "bfloat16 would move up to 0.5% of a tissue's volume"
