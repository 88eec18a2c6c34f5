r"""How often the trust report flags synthetic knees that match, and those that do not.

    python benchmarks/trust.py --workdir=demo/sr --output=DIR [--data=DIR]

The workdir is one of a super-resolution trained on knees of `records convert
--dataset=phantom`, as `make demo` leaves it. Knees of other seeds, of either side and
of four sizes are made thick and taken through its network as they are (none may be
flagged), and with one thing changed: thickness, gaps, noise, or plane (each must be
flagged, for that alone; gaps are two flags). Results are also spoiled, to see what data
consistency finds. Real scans are flagged for whatever they are. Prints a table and
writes trust.json.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import pathlib

from absl import flags

from deepresolve.imaging.formats.choice import Choice
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

path_flags.define("workdir", None, "Folder of the run.")
path_flags.define("output", None, "Folder for trust.json.")
flags.DEFINE_integer("num_knees", 24, "Knees that match.", lower_bound=1)
flags.DEFINE_integer("num_changed", 4, "Of them those that are changed, too.")
flags.DEFINE_integer("first_seed", 5000, "Seed of the first knee.")
flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of real scans; by default the environment's DEEPRESOLVE_DATA.",
)
flags.mark_flags_as_required(["workdir", "output"])

# Shape and spacing in mm: that of the demo's training set, and others near it.
SIZES = (
    ((144, 144, 121), (0.8, 0.8, 0.75)),
    ((128, 160, 103), (0.8, 0.8, 0.75)),
    ((160, 128, 112), (0.75, 0.75, 0.75)),
    ((144, 144, 97), (0.85, 0.85, 0.75)),
)
# Standard deviation of the added noise in each channel, cartilage being 2900.
_NOISE_SD = 0.1 * 2900
_OFFSET = 0.02  # of the intensity range
REAL_SCANS = (
    ("brain_t1_small.nii.gz", None),
    ("knee_dess_half.nii.gz", None),
    ("knee_mese_dicom", 1),
    ("knee_mese_dicom", 2),
)


def thin_knee(number: int, first_seed: int):
    """The knee of a number: another seed, side and size than the one before."""
    from deepresolve.simulation.phantom import SIDES, knee

    shape, spacing_mm = SIZES[number % len(SIZES)]
    side = SIDES[number // len(SIZES) % len(SIDES)]
    seed = first_seed + number
    return knee(seed=seed, side=side, shape=shape, spacing_mm=spacing_mm).image


def changed(thin, factor: int, seed: int) -> dict:
    """Thick scans of a knee by what was changed about them."""
    import numpy as np

    from deepresolve.imaging.degradation import along_slices, filter_matrix, thicken

    matching = thicken(thin, factor)
    # Every slice as thick as ever, and one more left out between two.
    thickness_mm = matching.slice_spacing_mm
    keep = filter_matrix(thin.num_slices, factor)[:: factor + 1]
    gaps = thin.resliced(
        along_slices(keep, thin.array, thin.slice_axis),
        step=factor + 1,
        slice_thickness_mm=thickness_mm,
    )
    random = np.random.default_rng(seed)
    real, imaginary = random.normal(0, _NOISE_SD, (2, *matching.shape))
    noisy = matching.with_array(np.hypot(matching.array + real, imaginary))
    scans = {
        "thickness": thicken(thin, factor + 1),
        "gap": gaps,
        "noise": noisy,
        "axial": thicken(dataclasses.replace(thin, slice_axis=1), factor),
        "coronal": thicken(dataclasses.replace(thin, slice_axis=0), factor),
    }
    return {name: whole(scan) for name, scan in scans.items()}


def whole(volume):
    """Whole numbers, as scanners write them."""
    import numpy as np

    from deepresolve.imaging.intensity import to_dtype

    return volume.with_array(to_dtype(volume.array, np.int16))


class Bench:
    """Takes scans through one network and counts what is flagged.

    Args:
      workdir: folder of the run.
    """

    def __init__(self, workdir: str):
        from deepresolve.prediction.trust import report
        from deepresolve.tasks.trained_run import TrainedRun

        run = TrainedRun.open(workdir)
        # The network's own output of slices with gaps, too, which are measured.
        self._predictor = run.predictor(force=True)
        self.factor = self._predictor.training_factor
        self.trust = report.Trust.of(run, self.factor, (), anonymous=True)
        if self.trust.trained is None:
            raise ValueError(f"{workdir}: {report.NOT_RECORDED}.")
        self.counts = collections.defaultdict(collections.Counter)
        self.ratios = collections.defaultdict(list)

    def predict(self, group: str, scan):
        """What `predict` makes of a scan, counted; gives the image."""
        prediction = self._predictor.predict(scan)
        self._examine(group, scan, prediction)
        return prediction.image

    def examine(self, group: str, scan, result) -> None:
        """Counts what is flagged of a result from elsewhere."""
        from deepresolve.tasks.prediction import Image, Prediction
        from deepresolve.tasks.super_resolution.trust import consistency

        report = {"consistency": consistency.section(scan, result)}
        kind = Image()
        self._examine(group, scan, Prediction(kind, {kind.name: result}, report, ""))

    def _examine(self, group: str, scan, prediction) -> None:
        content, found = self.trust.examine(scan, prediction)
        names = sorted(finding.what for finding in found)
        self.counts[group][", ".join(names) or "nothing"] += 1
        consistency = content["consistency"]
        self.ratios[group].append(
            consistency["rms"] / consistency["rms_of_interpolation"]
        )

    def knee(self, number: int, first_seed: int, with_changes: bool) -> None:
        """One knee as it is, and changed."""
        from deepresolve.imaging.degradation import interpolate, thicken

        thin = thin_knee(number, first_seed)
        scan = whole(thicken(thin, self.factor))
        result = self.predict("matching", scan)
        if not with_changes:
            return
        for name, other in changed(thin, self.factor, number).items():
            self.predict(name, other)
        self.examine("TCI as result", scan, whole(interpolate(scan, self.factor)))
        for name, spoiled in spoil(result).items():
            self.examine(name, scan, spoiled)


def spoil(result) -> dict:
    """Results that are wrong, by what is wrong about them."""
    import numpy as np

    from deepresolve.imaging.intensity import estimate_scale

    scale = estimate_scale(result.array)
    offset = result.array + np.int16(_OFFSET * (scale.high - scale.low))
    middle = result.num_slices // 2
    shifted = np.roll(result.array, 1, axis=0)
    one_slice = result.array.copy()
    one_slice[:, :, middle] = 0
    return {
        f"offset of {_OFFSET:.0%}": result.with_array(offset),
        "shifted by a pixel": result.with_array(shifted),
        "one slice blank": result.with_array(one_slice),
    }


def run() -> None:
    """Measures, prints and writes."""
    from deepresolve.imaging import formats

    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    bench = Bench(FLAGS.workdir)
    for number in range(FLAGS.num_knees):
        bench.knee(number, FLAGS.first_seed, number < FLAGS.num_changed)
    for name, echo in REAL_SCANS if FLAGS.data else ():
        scan = formats.read_image(
            pathlib.Path(FLAGS.data) / name, choice=Choice(echo=echo)
        )
        group = f"real: {name}" if echo is None else f"real: {name}, echo {echo}"
        bench.predict(group, scan)
    print("| scans | number | flagged | difference, as a multiple of TCI's |")
    print("|---|---|---|---|")
    for group, counts in bench.counts.items():
        ratios = bench.ratios[group]
        told = "; ".join(f"{names} ({count})" for names, count in counts.items())
        span = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"| {group} | {len(ratios)} | {told} | {span} |")
    content = {
        "workdir": FLAGS.workdir,
        "first_seed": FLAGS.first_seed,
        "flagged": bench.counts,
        "multiples_of_tci": bench.ratios,
    }
    text = json.dumps(content, indent=2) + "\n"
    (output / "trust.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    entry.launch(run)
