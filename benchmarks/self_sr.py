r"""How much is gained by learning from a scan itself, on scans whose truth is known.

    python benchmarks/self_sr.py --output=DIR [--cases=knee,head] [--minutes=0,1,5]

Scans of thin slices are made thick, and given back by a network that learned from the
thick slices alone (`--learn=scan`), once for each of --minutes; 0 is the packaged
network as it is. Beside them stand cubic and Fourier interpolation, and what the
self-test promised. --fresh learns from weights that know nothing; the knee of the
multi-echo case is one that the packaged network has seen, and is always learned so.
Prints a table, and writes self_sr.json, promise.png and minutes.png. A case that is in
self_sr.json already is not computed again.

    knee, head, echo        real scans, made thick by the published FIR, factor 3
    knee_noise              the knee's thick slices as noisy as its thin ones are: made
                            thick, several slices average their noise away
    head_overlap, head_gap  a real head sliced across its rows: slices of 4 mm every
                            2 mm, and of 1.4 mm every 2 mm
    phantom_F_G             synthetic knees, factor F, gaps of G percent (-: overlap)
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

# Thin slices of a phantom, and the factors and gaps that it is made thick by.
_PHANTOM_SHAPE, _PHANTOM_MM = (224, 224, 120), (0.5, 0.5, 0.7)
_FACTORS = {"2": 2.0, "2.5": 2.5, "3": 3.0, "4.29": 30 / 7, "6": 6.0}
_GAPS = {
    "2": (0, 30),
    "2.5": (10, 0),
    "3": (0, 30, -100),
    "4.29": (10, 0),
    "6": (0, 30),
}
_SEED = 4100
_REAL_FACTOR = 3


class Case(NamedTuple):
    """A scan of thick slices, and its truth.

    Attributes:
      truth: canonical, thin slices.
      thick: canonical.
      factor: thin slices for each thick one.
      options: of the prediction.
    """

    truth: Any
    thick: Any
    factor: float
    options: dict[str, Any]


def _real(scan: Any) -> Case:
    from deepresolve.imaging.degradation import thicken

    return Case(scan, thicken(scan, _REAL_FACTOR), _REAL_FACTOR, {})


def _knee(data: pathlib.Path) -> Case:
    from deepresolve.imaging import formats

    return _real(formats.read_image(data / "knee_dess_half.nii.gz").canonical())


def _knee_noise(data: pathlib.Path) -> Case:
    import numpy as np

    from deepresolve.imaging.acquisition import describe
    from deepresolve.imaging.degradation import thickening_matrix

    case = _knee(data)
    # `describe` tells how many times as strong as noise the brighter half is.
    array = case.truth.array
    signal = np.median(array[array > array.mean()])
    deviation = signal / describe(case.truth).signal_to_noise
    matrix = thickening_matrix(case.truth.num_slices, _REAL_FACTOR)
    left = np.mean(np.sum(np.square(matrix), axis=1))
    missing = deviation * np.sqrt(1 - left)
    random = np.random.default_rng(_SEED)
    noise = random.normal(0, missing, case.thick.shape).astype(np.float32)
    thick = case.thick.with_array(np.maximum(case.thick.array + noise, 0))
    return case._replace(thick=thick)


def _head(data: pathlib.Path) -> Case:
    from deepresolve.imaging import formats

    scan = formats.read_image(data / "brain_t1.nii.gz", slice_axis=2)
    region = (slice(64, 320), slice(64, 320), slice(165, 246))  # as real_scan.py
    return _real(scan.crop(region).canonical())


def _echo(data: pathlib.Path) -> Case:
    from deepresolve.imaging import formats
    from deepresolve.imaging.formats.choice import Choice

    choice = Choice(None, 2, None)
    scan = formats.read_image(data / "knee_mese_dicom", choice=choice)
    return _real(scan.canonical())


def _head_rows(thickness_mm: float) -> Callable[[pathlib.Path], Case]:
    def case(data: pathlib.Path) -> Case:
        from deepresolve.imaging import formats
        from deepresolve.imaging.degradation import acquire
        from deepresolve.imaging.slice_profile import SliceProfile

        scan = formats.read_image(data / "brain_t1.nii.gz", slice_axis=0)
        scan = scan.crop((slice(60, 330), slice(64, 320), slice(165, 246))).canonical()
        spacing_mm = 3 * scan.slice_spacing_mm
        thick = acquire(scan, spacing_mm, SliceProfile("rect", thickness_mm))
        return Case(scan, thick, 3.0, {"slice_profile": "rect"})

    return case


def _phantom(factor: float, gap_percent: int) -> Callable[[pathlib.Path], Case]:
    def case(data: pathlib.Path) -> Case:
        from deepresolve.imaging.degradation import acquire
        from deepresolve.imaging.slice_profile import SliceProfile
        from deepresolve.simulation.phantom import knee

        seed = _SEED + round(10 * factor)
        drawn = knee(seed=seed, shape=_PHANTOM_SHAPE, spacing_mm=_PHANTOM_MM)
        scan = drawn.image.canonical()
        spacing_mm = factor * scan.slice_spacing_mm
        profile = SliceProfile("rect", spacing_mm * (1 - gap_percent / 100))
        thick = acquire(scan, spacing_mm, profile)
        return Case(scan, thick, factor, {"slice_profile": "rect"})

    return case


CASES: dict[str, Callable[[pathlib.Path], Case]] = {
    "knee": _knee,
    "knee_noise": _knee_noise,
    "head": _head,
    "echo": _echo,
    "head_overlap": _head_rows(4.0),
    "head_gap": _head_rows(1.4),
    **{
        f"phantom_{name}_{gap}": _phantom(factor, gap)
        for name, factor in _FACTORS.items()
        for gap in _GAPS[name]
    },
}
_SEEN = ("echo",)

path_flags.define("output", None, "Folder for the results.")
flags.DEFINE_string(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans; by default the environment's DEEPRESOLVE_DATA.",
)
flags.DEFINE_list("cases", list(CASES), "Which cases.")
flags.DEFINE_list("minutes", ["0", "5"], "Minutes of learning, one result for each.")
flags.DEFINE_bool("fresh", False, "Begin with weights that know nothing.")
flags.mark_flag_as_required("output")


def measure(name: str, minutes: float, fresh: bool) -> dict[str, Any]:
    """One result: scores of each way, and what the self-test promised."""
    from deepresolve import api
    from deepresolve.metrics import image

    case = CASES[name](pathlib.Path(FLAGS.data or "."))
    run = api.open_run("pretrained:sr_knee")
    if fresh:
        run = _Fresh(run)
    start = time.monotonic()
    options = {
        "output_dtype": "float32",
        "spacing_mm": case.thick.slice_spacing_mm / case.factor,
        **({"learn": "scan", "minutes": minutes} if minutes else {}),
        **case.options,
    }
    found = run.predict(case.thick, **options)
    seconds = time.monotonic() - start
    truth, ways = _on_one_grid(case, found.image)
    scores = {
        way: {
            "psnr": image.psnr(truth, array, data_range=1.0),
            "ssim": 100 * image.ssim(truth, array, data_range=1.0),
        }
        for way, array in ways.items()
    }
    return {
        "case": name,
        "minutes": minutes,
        "fresh": fresh,
        "seconds": round(seconds, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "steps": found.report["learned"].values.get("steps", 0),
        "scores": scores,
        "self_test": found.report["self_test"].values,
        "slice_profile": found.report["slice_profile"].values,
    }


class _Fresh:
    """The packaged run, but for its weights."""

    def __init__(self, run: Any):
        self._run = run

    def predict(self, scan: Any, **options: Any) -> Any:
        from deepresolve import networks
        from deepresolve.tasks.super_resolution.views.predictor import ViewsPredictor

        model = networks.build_model(self._run.config)
        chosen = self._run.options(options)
        return ViewsPredictor(model, self._run.config, chosen).predict(scan)


def _on_one_grid(case: Case, result: Any) -> tuple[Any, dict[str, Any]]:
    """Truth and results in units of the truth's scale, where all have slices.

    Of results between the slices of the truth, the truth is brought there by a spline.
    """
    import numpy as np
    from scipy import interpolate

    from deepresolve.imaging.degradation import cubic_matrix, fourier_matrix
    from deepresolve.imaging.intensity import estimate_scale
    from deepresolve.imaging.slice_grid import positions

    scale = estimate_scale(case.truth.array)
    at_truth = positions(case.truth, result)
    at_thick = positions(case.thick, result)
    # From the first acquired slice to the last.
    inside = (at_thick > -1e-6) & (at_thick < case.thick.num_slices - 1 + 1e-6)
    inside &= (at_truth > -1e-6) & (at_truth < case.truth.num_slices - 1 + 1e-6)
    near = np.rint(at_truth[inside])
    truth = scale.apply(case.truth.array)
    if np.abs(near - at_truth[inside]).max() < 1e-3:
        truth = truth[..., near.astype(int)]
    else:
        spline = interpolate.CubicSpline(np.arange(truth.shape[2]), truth, axis=2)
        truth = spline(at_truth[inside]).astype(np.float32)
    thick = scale.apply(case.thick.array)
    matrices = {"cubic": cubic_matrix, "fourier": fourier_matrix}
    ways = {
        name: thick @ make(thick.shape[2], at_thick[inside]).T.astype(np.float32)
        for name, make in matrices.items()
    }
    return truth, {"ours": scale.apply(result.array[..., inside]), **ways}


def gain(result: dict[str, Any], score: str, over: str) -> float:
    """Of a result, over cubic interpolation or over the "better" one."""
    scores = result["scores"]
    ways = ("cubic", "fourier") if over == "better" else (over,)
    return scores["ours"][score] - max(scores[way][score] for way in ways)


def _line(result: dict[str, Any]) -> str:
    test = result["self_test"]
    return (
        f"| {result['case']} | {'fresh' if result['fresh'] else 'packaged'} "
        f"| {result['minutes']:g} | {result['scores']['cubic']['psnr']:.2f} "
        f"| {result['scores']['fourier']['psnr']:.2f} "
        f"| {result['scores']['ours']['psnr']:.2f} "
        f"| {gain(result, 'psnr', 'cubic'):+.2f} "
        f"| {gain(result, 'psnr', 'better'):+.2f} "
        f"| {gain(result, 'ssim', 'cubic'):+.2f} "
        f"| {test['gain_over_better_interpolation_db']:+.2f} | {test['written']} "
        f"| {result['steps']} | {result['seconds']:.0f} | {result['peak_mib']:.0f} |"
    )


_HEAD = (
    "| case | start | minutes | cubic dB | Fourier dB | ours dB | over cubic dB "
    "| over better dB | over cubic SSIM x100 | self-test over better dB | written "
    "| steps | s | peak MiB |\n" + "|---" * 14 + "|"
)


def draw(results: list[dict[str, Any]], folder: pathlib.Path) -> None:
    """What was promised beside what was true, and gain against minutes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    axes.axhline(0, color="0.7")
    axes.axvline(0, color="0.7")
    axes.axline((0, 0), slope=1, color="0.7", linestyle=":")
    colours = pyplot.get_cmap("tab20")
    for number, name in enumerate(dict.fromkeys(r["case"] for r in results)):
        for learned, marker in ((False, "o"), (True, "^")):
            of = [r for r in results if r["case"] == name]
            of = [r for r in of if bool(r["minutes"]) == learned]
            promised = [r["self_test"]["gain_over_better_interpolation_db"] for r in of]
            true = [gain(r, "psnr", "better") for r in of]
            label = f"{name}, learned" if learned else name
            colour = colours(number % 20)
            axes.scatter(
                promised, true, color=colour, marker=marker, label=label if of else None
            )
    axes.set_xlabel("self-test: gain over the better interpolation (dB)")
    axes.set_ylabel("true gain over the better interpolation (dB)")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(folder / "promise.png", dpi=150, bbox_inches="tight")
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for name in dict.fromkeys((r["case"], r["fresh"]) for r in results):
        of = [r for r in results if (r["case"], r["fresh"]) == name]
        of.sort(key=lambda r: r["minutes"])
        label = f"{name[0]}{' (fresh)' if name[1] else ''}"
        ys = [gain(r, "psnr", "cubic") for r in of]
        axes.plot([r["minutes"] for r in of], ys, "o-", label=label)
    axes.set_xlabel("minutes of learning")
    axes.set_ylabel("gain over cubic interpolation (dB)")
    axes.legend(fontsize=6)
    figure.savefig(folder / "minutes.png", dpi=150)


def run() -> None:
    """Measures what is not measured yet, and prints all."""
    from deepresolve.system import files

    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "self_sr.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    print(_HEAD)
    for name in FLAGS.cases:
        for minutes in map(float, FLAGS.minutes):
            fresh = FLAGS.fresh or (name in _SEEN and minutes > 0)
            key = (name, minutes, fresh)
            done = [r for r in results if (r["case"], r["minutes"], r["fresh"]) == key]
            if not done:
                done = [measure(*key)]
                results += done
                with files.replacing(path) as temporary:
                    text = json.dumps(results, indent=1) + "\n"
                    temporary.write_text(text, encoding="utf-8")
            print(_line(done[0]), flush=True)
    draw(results, folder)


if __name__ == "__main__":
    entry.launch(run)
