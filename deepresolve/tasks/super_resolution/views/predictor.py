"""From one scan to its thin slices by a network of views, learned from it or not."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import keras
import numpy as np

from deepresolve.imaging import floor
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.runs.workdir import Workdir
from deepresolve.system.progress_bar import duration
from deepresolve.tasks.findings import Section
from deepresolve.tasks.options import SPREAD_NOT_ASKED
from deepresolve.tasks.prediction import Image, Prediction, TableKind
from deepresolve.tasks.super_resolution.options import PASSING_FOLDER, Options
from deepresolve.tasks.super_resolution.settings import (
    MAX_THICKNESS,
    SuperResolutionConfig,
)
from deepresolve.tasks.super_resolution.super_resolver import with_dtype
from deepresolve.tasks.super_resolution.trust import consistency, slices, undershoot
from deepresolve.tasks.super_resolution.trust import spread as view_spread
from deepresolve.tasks.super_resolution.views import (
    learning,
    plan,
    restoring,
    self_test,
)
from deepresolve.tasks.super_resolution.views.plan import Plan
from deepresolve.tasks.super_resolution.views.restoring import Network, ThickScan
from deepresolve.tasks.super_resolution.views.self_test import SelfTest
from deepresolve.training.devices import compute_deterministically

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

SPREAD = "spread"
_MAX_PIXELS, _MAX_THICK = 96, 16
_MANY_EPOCHS = 10_000


class _Fitted(NamedTuple):
    """The network for one scan.

    Attributes:
      network: as a function.
      learned: what is reported of its learning, as JSON values.
      text: the same in a few words.
      passing: folder of what was learned that may go once the result is kept.
    """

    network: Network
    learned: dict[str, Any]
    text: str
    passing: pathlib.Path | None = None


class ViewsPredictor:
    """A network of views as a `Predictor`.

    Args:
      model: the network, built to compute in `options.dtype`.
      config: the run that trained it.
      options: of the prediction.

    Attributes:
      restored_factor: the factor by which a scan is made thick to measure `restore`.
    """

    kind = Image()
    tables: ClassVar[dict[str, TableKind]] = {}
    training_factor = None
    memory_advice = "Fewer or thicker thin slices need less."

    def __init__(
        self, model: keras.Model, config: SuperResolutionConfig, options: Options
    ):
        self._model, self._config, self._options = model, config, options
        self._network = restoring.graph_of(model)
        self.restored_factor = options.downsample_factor or plan.USUAL_FACTOR
        self._learns = options.learn == "scan"
        self.title = "computed super-resolution"
        if self._learns:
            self.title += ", learned from the scan"
        self.volume_names = (SPREAD,) if options.spread == "volume" else ()

    @property
    def announcement(self) -> str:
        """What is about to take long."""
        if not self._learns:
            return ""
        if self._options.learn_steps is not None:
            return f"Learning from the scan: {self._options.learn_steps} steps."
        minutes = duration(60 * self._options.minutes)
        return (
            f"Learning from the scan for {minutes} (--minutes), then half a minute or "
            "so for its thin slices."
        )

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """Thin slices that fill the field of view of the acquired ones.

        Args:
          scan: n slices, in any orientation.
          progress: show a progress bar.

        Returns:
          "image" in the axes of `scan`, float32 or its own type; "spread" where it was
          asked for, half the absolute difference between the two views, float32, in
          scan units.

        Raises:
          ValueError: voxels that are not finite or all alike, slices as fine as pixels
            or too few to learn from.
        """
        acquired = scan.canonical()
        planned = plan.planned(acquired, self._options)
        scale = estimate_scale(acquired.array)
        thick = _thick(acquired, scale, planned)
        fitted = self._fitted(acquired, thick.array, scale, planned, progress)
        tested = self_test.measure(fitted.network, thick, planned.grid.step)
        by_network = tested.gain_db > 0 or self._options.force
        restored = restoring.restore(fitted.network, thick, planned.grid, progress)
        values, written = restored.thin, self_test.NETWORK
        if not by_network:
            method = tested.better_interpolation
            values = restoring.interpolated_at_centres(thick, planned.grid, method)
            written = method
        thin, held = _in_scan_units(acquired, values, scale, planned)
        spread, further = self._spread(acquired, restored.difference, scale, planned)
        thin = thin.restored_as(scan)
        further = {name: volume.restored_as(scan) for name, volume in further.items()}
        if self._options.output_dtype == "input":
            thin = with_dtype(thin, scan.array.dtype)
        report = {
            "consistency": consistency.section(scan, thin, planned.profile),
            "learned": Section(fitted.learned),
            "self_test": tested.section(written),
            "slice_profile": Section(planned.to_dict(acquired.slice_spacing_mm)),
            "slices": slices.section(scan),
            SPREAD: spread,
            "undershoot": undershoot.section(held),
        }
        derivation = _derivation(planned, fitted, tested, written)
        return Prediction(
            self.kind,
            {Image.name: thin, **further},
            report | _own_mismatch(self._learns),
            _summary(scan, thin, tested, written),
            derivation=derivation,
            title=None if by_network else f"computed {written} interpolation",
            passing=fitted.passing,
        )

    def restore(self, thick: Volume, factor: int, progress: bool = False) -> np.ndarray:
        """The network itself, fitted or not, whatever it gains (`restoration.Restore`).

        Args:
          thick: n slices that `thicken` made, canonical, scaled to 0..1.
          factor: thin slices per thick slice spacing.
          progress: show a progress bar.

        Returns:
          (rows, columns, (n - 1) factor + 1) float32.

        Raises:
          ValueError: too little to learn from.
        """
        planned, scale = plan.of_thickened(thick, factor), IntensityScale(0.0, 1.0)
        views = _thick(thick, scale, planned)
        fitted = self._fitted(thick, views.array, scale, planned, progress)
        return restoring.restore(fitted.network, views, planned.grid, progress).thin

    def _fitted(
        self,
        acquired: Volume,
        scaled: np.ndarray,
        scale: IntensityScale,
        planned: Plan,
        progress: bool,
    ) -> _Fitted:
        """The network as it is, or fitted to the scan, `scaled` by `scale`."""
        if not self._learns:
            return _Fitted(
                self._network, {"from_scan": False}, "not fitted to the scan"
            )
        plan.check_learnable(acquired)
        config = _config(self._config, self._options, acquired, scaled, planned)
        overlap = planned.profile.thickness_mm / acquired.slice_spacing_mm
        kept = self_test.kept_slices(acquired.num_slices)
        others = self_test.learned_slices(acquired.num_slices, overlap)
        learned_from = np.ascontiguousarray(np.asarray(acquired.array)[..., others])
        part = dataclasses.replace(acquired, array=learned_from)
        start = self._model.get_weights()
        told = (learning.sha256(part, scale), planned.profile, config)
        with self._folder(_digest(*told, start)) as folder:
            workdir = Workdir(str(folder))
            model = learning.learn(part, scale, config, workdir, start, progress)
            learned = learning.told(workdir, model)
        learned["slices_kept_from_learning"] = (kept + 1).tolist()
        learned["slices_learned_from"] = (others + 1).tolist()
        text = f"learned from {part.num_slices} slices in {learned['steps']} steps"
        # It may have been trained in another dtype than is asked for.
        fitted = keras.models.clone_model(self._model)
        fitted.set_weights(model.get_weights())
        is_passing = folder.parent.name == PASSING_FOLDER
        passing = folder if is_passing else None
        return _Fitted(restoring.graph_of(fitted), learned, text, passing)

    @contextlib.contextmanager
    def _folder(self, name: str) -> Iterator[pathlib.Path]:
        """Where the state of the learning is kept."""
        if self._options.learn_folder is None:
            with tempfile.TemporaryDirectory() as temporary:
                yield pathlib.Path(temporary)
            return
        folder = pathlib.Path(self._options.learn_folder) / name
        folder.mkdir(parents=True, exist_ok=True)
        yield folder

    def _spread(
        self,
        acquired: Volume,
        difference: np.ndarray,
        scale: IntensityScale,
        planned: Plan,
    ) -> tuple[Section, dict[str, Volume]]:
        """How far the two views are apart: its section, and its volume."""
        if self._options.spread == "none":
            return Section(SPREAD_NOT_ASKED), {}
        deviation = np.abs(difference, out=difference)
        deviation *= 0.5
        over = "2 views: along the rows, along the columns"
        numbers = view_spread.numbers_of(deviation, over)
        if not self.volume_names:
            return Section(numbers), {}
        deviation *= np.float32(scale.high - scale.low)
        return Section(numbers), {SPREAD: _resliced(acquired, deviation, planned)}


def load(run: TrainedRun, options: Options) -> ViewsPredictor:
    """The network of a run of views.

    Raises:
      ValueError: not trained yet.
    """
    if options.learn_steps is not None:
        # Before TensorFlow computes anything, as `fit` could not any more.
        compute_deterministically()
    config = run.settings(SuperResolutionConfig)
    return ViewsPredictor(run.network(options.dtype), config, options)


def _digest(
    scan_sha256: str,
    profile: SliceProfile,
    config: SuperResolutionConfig,
    start: Sequence[np.ndarray],
) -> str:
    """Tells what is learned from all else; more minutes go on with the same."""
    digest = hashlib.sha256(scan_sha256.encode())
    digest.update(repr(profile).encode())  # of a file, what it holds
    digest.update(config.replace(max_minutes=0.0).to_json().encode())
    for weights in start:
        digest.update(weights.tobytes())
    return digest.hexdigest()[:16]


def _config(
    config: SuperResolutionConfig,
    options: Options,
    acquired: Volume,
    scaled: np.ndarray,
    planned: Plan,
) -> SuperResolutionConfig:
    """The run that fits the network to one scan, whose voxels are `scaled` to 0..1."""
    spacing_mm = acquired.slice_spacing_mm
    pixels = min(_MAX_PIXELS, min(acquired.shape[:2]) // 2 * 2)
    thick = min(_MAX_THICK, plan.num_thick_in_plane(acquired))
    share = min(planned.profile.thickness_mm / spacing_mm, MAX_THICKNESS)
    # A dark scan has patches with half of what it has of tissue, too.
    tissue = float(np.mean(scaled > config.air_threshold))
    length: dict[str, Any] = {
        "max_minutes": options.minutes,
        "num_epochs": _MANY_EPOCHS,
    }
    if options.learn_steps is not None:
        length = {
            "max_minutes": 0.0,
            "num_epochs": 1,
            "steps_per_epoch": options.learn_steps,
            "deterministic": True,
        }
    return config.replace(
        slice_profiles=planned.learned,
        thickness_range=(share, share),
        spacing_range_mm=(spacing_mm, spacing_mm),
        patch_shape=(1, pixels, thick),
        min_tissue=min(config.min_tissue, tissue / 2),
        validation_volumes=0,
        checkpoint_minutes=0.5,
        precision="auto",
        seed=options.seed,
        **length,
    )


def _thick(acquired: Volume, scale: IntensityScale, planned: Plan) -> ThickScan:
    return ThickScan(
        scale.apply(acquired.array),
        acquired.spacing_mm[:2],
        acquired.slice_spacing_mm,
        planned.profile,
    )


def _resliced(acquired: Volume, array: np.ndarray, planned: Plan) -> Volume:
    grid = planned.grid
    return acquired.resliced(
        array,
        step=grid.step,
        first=grid.first,
        slice_thickness_mm=grid.step * acquired.slice_spacing_mm,
    )


def _in_scan_units(
    acquired: Volume, values: np.ndarray, scale: IntensityScale, planned: Plan
) -> tuple[Volume, floor.Undershoot]:
    """Thin slices, held at the lowest voxel of the scan, and what that changed."""
    values = scale.invert(values)
    lowest = float(np.min(acquired.array))
    held = floor.measure(values, lowest, scale.high - scale.low)
    return _resliced(acquired, floor.hold(values, lowest), planned), held


def _own_mismatch(learns: bool) -> dict[str, Section]:
    """A network that learned from the scan is compared with no other training set."""
    if not learns:
        return {}
    why = "the network learned from the scan itself"
    return {"mismatch": Section({"compared": False, "why": why})}


def _summary(scan: Volume, thin: Volume, tested: SelfTest, written: str) -> str:
    made = (
        f"{scan.num_slices} slices {scan.slice_spacing_mm:.4g} mm apart -> "
        f"{thin.num_slices} slices {thin.slice_spacing_mm:.4g} mm apart, "
        f"{thin.array.dtype}"
    )
    better = tested.better_interpolation
    network, other = tested.scores[self_test.NETWORK], tested.scores[better]
    gain = (
        f"self-test within slices {tested.gain_db:+.2f} dB, "
        f"{100 * (network.ssim - other.ssim):+.1f} SSIM points against {better} "
        "interpolation"
    )
    if written != self_test.NETWORK:
        gain += f": no gain, {written} interpolation"
    return f"{made}; {gain}"


def _derivation(planned: Plan, fitted: _Fitted, tested: SelfTest, written: str) -> str:
    """What was done, in a sentence or two, for DICOM."""
    profile = planned.profile
    text = (
        f"{fitted.text}; slice profile {profile.shape}, {profile.thickness_mm:.4g} mm "
        f"({planned.how}); self-test {tested.gain_db:+.2f} dB against interpolation"
    )
    if written != self_test.NETWORK:
        return f"{written} interpolation, for the network had no gain: {text}."
    return f"Views across the slices: {text}."
