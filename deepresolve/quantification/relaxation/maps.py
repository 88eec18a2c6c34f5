"""Maps of T2, T2*, T1rho, from echoes to volumes, with what was done to make them."""

from __future__ import annotations

import dataclasses

import numpy as np

from deepresolve.imaging.echoes import ECHO_TIME, SPIN_LOCK_TIME, DoubleEcho, Echoes
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.relaxation import background, double_echo
from deepresolve.quantification.relaxation.decay import Decay, fit_decay

# A decay's fit ends where it comes this near to the noise, whose magnitudes have a mean
# of 1.25 and seldom reach 3 (1.1% of them).
_FLOOR_OF_NOISE = 3.0
# Of a train of spin echoes, as many are needed for the first to be left out.
_FEWEST_TO_SKIP = 3
# Of two echoes no fit is told.
_FEWEST_TO_JUDGE = 3


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is measured.

    Attributes:
      title: as tables and headers have it: "T2*".
      times: what its times count from, of `echoes`.
      most_ms: a longer time is taken for none, for it is no cartilage's.
      skip_first: whether the first echo lies too low, as of spin echoes in a train.
    """

    title: str
    times: str
    most_ms: float
    skip_first: bool = False


KINDS = {
    "t2": Kind("T2", ECHO_TIME, 100.0, skip_first=True),
    "t2star": Kind("T2*", ECHO_TIME, 100.0),
    "t1rho": Kind("T1rho", SPIN_LOCK_TIME, 500.0),
    "dess": Kind("T2", ECHO_TIME, 100.0),
}


@dataclasses.dataclass(frozen=True)
class Fit:
    """How a map is made.

    Attributes:
      method: of `decay.METHODS`.
      skip_first: whether the first echo is left out; None: as the kind has it, of three
        echoes or more.
      noise: standard deviation of the echoes; 0: not known; None: told from the air.
      most_ms: a longer time is taken for none; None: as the kind has it.
      least_r2: what fits worse is taken for no decay.
      t1_ms: of a double echo, assumed.
    """

    method: str = "log_linear"
    skip_first: bool | None = None
    noise: float | None = None
    most_ms: float | None = None
    least_r2: float = 0.7
    t1_ms: float = 1200.0


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """Decays on the grid of the echoes that they were fitted to.

    Attributes:
      echoes: without those that were left out.
      decay: the fits, float32.
    """

    echoes: Echoes
    decay: Decay

    def misfits(self, voxels: np.ndarray) -> np.ndarray:
        """What the fits leave over of the echoes.

        Args:
          voxels: flat indices into the grid.

        Returns:
          (echoes, voxels) float64, in units of the echoes: 0 where an echo was not
          used, NaN where a voxel has no fit.
        """
        time_ms, amplitude, _, _, num_echoes = (
            values.reshape(-1)[voxels].astype(np.float64) for values in self.decay
        )
        signals = [volume.array.reshape(-1)[voxels] for volume in self.echoes.volumes]
        along = np.array(self.echoes.times_ms)[:, np.newaxis]
        left = np.stack(signals) - amplitude * np.exp(-along / time_ms)
        # False beside NaN, so that a voxel without a fit keeps it.
        unused = np.arange(len(signals))[:, np.newaxis] >= num_echoes
        return np.where(unused, 0.0, left)


@dataclasses.dataclass(frozen=True, eq=False)
class RelaxationMap:
    """A map of times on the grid of its echoes; float32, NaN where there is none.

    Attributes:
      kind: of `KINDS`.
      method: "log_linear", "nonlinear" or "double_echo".
      time_ms: T2, T2* or T1rho.
      error_ms: its standard error; None where nothing tells it.
      r2: share of the echoes' variance that the fit explains; None of two echoes.
      notes: what was done, and what makes the numbers worse than they look.
      noise: standard deviation of the echoes; 0: not known.
      fitted: what the fits leave over; None where there was none, and of two echoes.
    """

    kind: str
    method: str
    time_ms: Volume
    error_ms: Volume | None
    r2: Volume | None
    notes: tuple[str, ...]
    noise: float = 0.0
    fitted: Fitted | None = None

    @property
    def summary(self) -> str:
        """One line: how many voxels have a time, and which in the middle."""
        held = self.time_ms.array[np.isfinite(self.time_ms.array)]
        title = KINDS[self.kind].title
        if not held.size:
            return f"{title}: no voxel has one"
        return f"{title} of {held.size} voxels, median {np.median(held):.1f} ms"


def of_echoes(echoes: Echoes, kind: str = "t2", fit: Fit = Fit()) -> RelaxationMap:
    """Fits a decay in each voxel.

    Args:
      echoes: of times that the kind has: spin locks for T1rho.
      kind: "t2", "t2star" or "t1rho".
      fit: how.

    Raises:
      ValueError: no such kind, other times than it has, or bounds that cannot be.
    """
    what = _decay_of(kind, echoes)
    notes = list(echoes.notes)
    noise = _noise(echoes.array, fit.noise, notes)
    several = len(echoes.volumes) >= _FEWEST_TO_SKIP
    asked = what.skip_first and several if fit.skip_first is None else fit.skip_first
    if asked:
        notes.append(
            f"The first echo, {echoes.times_ms[0]:g} ms, is left out: it holds no "
            "stimulated echoes, as all others do."
        )
        echoes = echoes.from_echo(1)
    elif what.skip_first:
        notes.append(
            "The first echo is not left out: stimulated echoes make T2 longer, by a "
            "tenth and more where pulses refocus by 140 degrees."
        )
    found = fit_decay(
        echoes.array,
        echoes.times_ms,
        method=fit.method,
        noise=noise,
        floor=_FLOOR_OF_NOISE * noise,
        most_ms=what.most_ms if fit.most_ms is None else fit.most_ms,
        least_r2=fit.least_r2,
    )
    is_judged = len(echoes.volumes) >= _FEWEST_TO_JUDGE
    if not is_judged:
        notes.append(
            "Two echoes tell a time, but not how well it fits: there is no map of r2, "
            "and an error only where the noise is known."
        )
    found = Decay(*(values.astype(np.float32) for values in found))
    return RelaxationMap(
        *(kind, fit.method, echoes.grid.with_array(found.time_ms)),
        echoes.grid.with_array(found.error_ms) if is_judged or noise else None,
        echoes.grid.with_array(found.r2) if is_judged else None,
        tuple(notes),
        noise,
        Fitted(echoes, found) if is_judged else None,
    )


def of_double_echo(echoes: DoubleEcho, fit: Fit = Fit()) -> RelaxationMap:
    """T2 of a double echo in steady state.

    Args:
      echoes: both, and how they were acquired.
      fit: its noise, most_ms and t1_ms.

    Raises:
      ValueError: times and angles that no such sequence has.
    """
    notes = [*echoes.notes, f"T1 is taken to be {fit.t1_ms:g} ms."]
    signals = np.stack([echoes.first.array, echoes.second.array]).astype(np.float64)
    noise = _noise(signals, fit.noise, notes)
    first, second = signals
    tr_ms, te_ms = echoes.tr_ms, echoes.te_ms
    t2_ms = double_echo.t2(
        first,
        second,
        tr_ms=tr_ms,
        te_ms=te_ms,
        flip_degrees=echoes.flip_degrees,
        t1_ms=fit.t1_ms,
        spoiler_gauss_per_cm=echoes.spoiler_gauss_per_cm,
        spoiler_ms=echoes.spoiler_ms,
        most_ms=KINDS["dess"].most_ms if fit.most_ms is None else fit.most_ms,
    )
    t2_ms[(signals <= _FLOOR_OF_NOISE * noise).any(axis=0)] = np.nan
    error_ms = None
    if noise:
        error = double_echo.error(
            first, second, t2_ms, tr_ms=tr_ms, te_ms=te_ms, noise=noise
        )
        error_ms = _volume(echoes.first, error)
    of_t2 = _volume(echoes.first, t2_ms)
    return RelaxationMap(
        *("dess", "double_echo", of_t2, error_ms, None, tuple(notes), noise)
    )


def decay(kind: str) -> Kind:
    """What is measured by fitting a decay, by its name.

    Raises:
      ValueError: no such kind, or that of a double echo.
    """
    if kind not in KINDS or kind == "dess":
        raise ValueError(
            f"Expected one of t2, t2star and t1rho; got {kind!r}. Of a double echo "
            "`of_double_echo` makes the map."
        )
    return KINDS[kind]


def _decay_of(kind: str, echoes: Echoes) -> Kind:
    what = decay(kind)
    if what.times != echoes.times:
        raise ValueError(
            f"{what.title} decays with {what.times}, and these echoes have "
            f"{echoes.times}. Read them with kind={kind!r}."
        )
    return what


def _noise(signals: np.ndarray, given: float | None, notes: list[str]) -> float:
    """As given, or from the air; 0 where it is not known. Adds a note."""
    if given is not None:
        notes.append(f"Noise {given:g}, as given." if given else "Noise not known.")
        return given
    found = background.noise(signals) if signals.min() >= 0 else None
    if found is None:
        notes.append(
            "No noise was found in the air around (blanked, filtered, or no air): late "
            "echoes that sink into it are fitted, too, and make times longer. Give "
            "--noise, or 0 to say that it is not known."
        )
        return 0.0
    notes.append(
        f"Noise {found:.4g}, from the air around; a fit ends where an echo is below "
        f"{_FLOOR_OF_NOISE:g} times that."
    )
    return found


def _volume(grid: Volume, values: np.ndarray) -> Volume:
    return grid.with_array(values.astype(np.float32))


def without_nan(volume: Volume) -> Volume:
    """The map with 0 where it has no value, as files hold it."""
    return volume.with_array(np.nan_to_num(volume.array))
