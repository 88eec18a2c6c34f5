"""What `import deepresolve as dr` offers: from a scan to its cartilage in ten lines.

    import deepresolve as dr

    scan = dr.read("clinical.nii.gz")
    thin = dr.open_run("pretrained:sr_knee").predict(scan).image
    dr.write("thin.nii.gz", thin)

A name is loaded when it is first used; TensorFlow only by `open_run` and `predict`.
`dr.metrics` are pure functions of NumPy arrays. Shards of scans are read by the package
`records`, which needs nothing of this one but the formats:

    from records import reader

    for subject in reader.subjects("shards", "test"):
        print(subject.subject, subject.image.shape)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.resampling import resample_labels
from deepresolve.imaging.volume import Volume

if TYPE_CHECKING:
    from deepresolve.imaging.echoes import Echoes
    from deepresolve.quantification.knee import KneeMeasures
    from deepresolve.quantification.relaxation.maps import RelaxationMap
    from deepresolve.tasks.prediction import Prediction
    from deepresolve.tasks.trained_run import TrainedRun

__all__ = [
    "Volume",
    "interpolate",
    "measure",
    "open_run",
    "predict",
    "read",
    "read_echoes",
    "relaxometry",
    "resample_labels",
    "thicken",
    "write",
]


def read(
    path: str | os.PathLike[str],
    *,
    slice_axis: int | None = None,
    series: int | str | None = None,
    echo: int | None = None,
    volume: int | str | None = None,
) -> Volume:
    """Reads a scan or a label map: NIfTI, MetaImage, NRRD, a DICOM folder or zip.

    Args:
      path: the file or folder; its format is found by content.
      slice_axis: 0, 1 or 2 in the scan's own axes, where the file says it wrongly.
      series: DICOM: SeriesNumber, or the end of the SeriesInstanceUID.
      echo: DICOM: number of the echo, from 1.
      volume: DICOM: which volume of a series that holds several, from 1, or what tells
        it from the others.

    Returns:
      A Volume in the scan's own axes, integers or float32.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: it cannot be read as one 3D volume; the message says how to mend it.
    """
    choice = Choice(series, echo, volume)
    return formats.read_image(path, slice_axis=slice_axis, choice=choice)


def read_echoes(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    times_ms: Sequence[float] | None = None,
    *,
    kind: str = "t2",
    series: Sequence[int | str] = (),
) -> Echoes:
    """Reads the echoes of one scan, for `relaxometry`.

    Args:
      path: a DICOM folder or zip with the echoes in one series or several, a 4D NIfTI
        file, a folder of scans with an echo each, or a list of any of these.
      times_ms: of each volume, in the order of its path, series and number, where the
        headers do not tell them.
      kind: what is to be measured, "t2", "t2star" or "t1rho": it tells whether the
        times are those of echoes or of spin locks.
      series: DICOM: those that hold the echoes, by SeriesNumber or the end of the
        SeriesInstanceUID; (): all.

    Returns:
      `volumes` on one grid and `times_ms`, from the shortest on; `array` is all of
      them, (echoes, i, j, k).

    Raises:
      FileNotFoundError: there is nothing at a path.
      ValueError: no such kind, volumes on different grids, an echo that is missing or
        there twice, or times that no header tells; the message says how to mend it.
    """
    from deepresolve.imaging.formats import echo_files
    from deepresolve.quantification.relaxation import maps

    times = maps.decay(kind).times
    return echo_files.read_echoes(path, times_ms, times=times, series=series)


def write(path: str | os.PathLike[str], volume: Volume) -> None:
    """Writes a scan or label map as NIfTI: either the whole file or none.

    Args:
      path: ends in .nii or .nii.gz; an existing file is replaced.
      volume: what to write.

    Raises:
      ValueError: another suffix, or a dtype that NIfTI has no place for.
      OSError: the disk is full or the folder missing; nothing is left behind.
    """
    formats.write(path, volume)


def open_run(workdir: str | os.PathLike[str], checkpoint: str = "best") -> TrainedRun:
    """A trained network, to take scans through: `open_run(...).predict(scan)`.

    Args:
      workdir: folder of a training, or "pretrained:NAME" for a network that comes with
        the package: "pretrained:sr_knee", "pretrained:seg_knee".
      checkpoint: "best" (validation score) or "last" (epoch).

    Raises:
      ValueError: there is no run, or one of a version or task that is not known.
    """
    # TensorFlow takes seconds, which who reads and measures scans need not wait for.
    from deepresolve.tasks.trained_run import TrainedRun

    return TrainedRun.open(os.fspath(workdir), checkpoint)


def predict(
    scan: Volume,
    workdir: str | os.PathLike[str] = "pretrained:sr_knee",
    **options: Any,
) -> Prediction:
    """What a trained network makes of one scan; for several, open the run once.

    Args:
      scan: in any orientation and intensity unit.
      workdir: of the network, as `open_run` takes it; by default the package's for
        super-resolution, which `learn="scan"` fits to the scan itself first.
      **options: those of the run's task, as flags of `deepresolve predict` name them:
        `dtype="float32"`, `min_piece=0.1`.

    Returns:
      A value; nothing is written. `prediction.image` or `prediction.label_map` is a
      Volume; `prediction.findings` says what the network's task found to be off. What
      tells a scan from those that the network knows is in the report that the command
      writes (docs/trust.md).

    Raises:
      ValueError: no such run, an option that its task lacks, or a scan with voxels that
        are not finite or all alike.
    """
    return open_run(workdir).predict(scan, **options)


def measure(
    label_map: Volume,
    label_names: Mapping[int, str],
    *,
    probabilities: Mapping[int, Volume] | None = None,
    readings: Sequence[Volume] = (),
    weight_bearing: float = 0.6,
    side: str = "",
    baseline: KneeMeasures | None = None,
) -> KneeMeasures:
    """Thickness in mm, areas and volume of each cartilage plate of a label map.

    Args:
      label_map: whole numbers, 0 outside, with the bones that cartilage lies on: a
        prediction's `label_map`, or anyone's.
      label_names: what each value means; of a prediction
        `prediction.labels.label_names`.
      probabilities: by value, how probable each is in each voxel; of a prediction with
        `probabilities=True` its `value_probabilities`. Surfaces lie where they cross
        one half, and each number has an interval, as it has with `readings`.
      readings: other label maps of the same knee, such as that of the mirror image.
      weight_bearing: of the way from the notch to the back of a condyle, the share that
        its centre (cMF, cLF) has.
      side: "right" or "left", of label maps that do not name medial and lateral.
      baseline: the same knee as it was measured at an earlier visit: its axes and
        regions are laid on the bones as they lie now, so that both visits have one set
        of regions; where a bone is not labelled at both, a note says that it has not.

    Returns:
      `table`, quantities as the OAI's tables name them ("MT_ThCtAB_aMe"), `plates`,
      surfaces with the thickness at each place, `regions` of them, `intervals` around
      the numbers, and `notes`.

    Raises:
      ValueError: what cannot be measured; the message says why, and how to mend it.
    """
    from deepresolve.quantification.intervals import measure_with_intervals

    return measure_with_intervals(
        label_map,
        label_names,
        probabilities=probabilities,
        readings=readings,
        weight_bearing=weight_bearing,
        known_side=side,
        baseline=baseline,
    )


def relaxometry(
    echoes: Echoes,
    kind: str = "t2",
    *,
    method: str = "log_linear",
    skip_first: bool | None = None,
    noise: float | None = None,
    most_ms: float | None = None,
    least_r2: float = 0.7,
) -> RelaxationMap:
    """A map of T2, T2* or T1rho in ms, by fitting a decay in each voxel.

    Args:
      echoes: of `read_echoes`, with the same kind.
      kind: what to measure: "t2", "t2star" or "t1rho".
      method: "log_linear", a line through the logarithms weighted by the signal
        squared, or "nonlinear", least squares from there on.
      skip_first: whether the first echo is left out; None: of T2 from three echoes or
        more.
      noise: standard deviation of the echoes; 0: not known; None: told from the air.
      most_ms: a longer time is taken for none; None: 100 ms, of T1rho 500.
      least_r2: what fits worse is taken for no decay, 0 to 1.

    Returns:
      `time_ms`, its standard error `error_ms` and the share of variance `r2`, Volumes
      of float32 that are NaN where there is none, and `notes` of what was done.

    Raises:
      ValueError: no such kind or method, times that the kind does not have, or bounds
        that cannot be.
    """
    from deepresolve.quantification.relaxation import maps

    fit = maps.Fit(method, skip_first, noise, most_ms, least_r2)
    return maps.of_echoes(echoes, kind, fit)
