r"""What super-resolving each echo before the fit does to T2, where T2 is known.

    python benchmarks/relaxometry.py --output=DIR [--seeds=1,2]

A synthetic knee gets a T2: cartilage 30 ms at the bone to 45 at its surface, fluid 300,
muscle, fat, bone and menisci theirs. Seven echoes of it, in slices of --thin_mm, are
made three times as thick, with Rician noise (SNR 50 of cartilage in the first echo;
times are 10 to 70 ms, without stimulated echoes), and T2 is fitted on the thin grid:

    thick           each thin slice has the T2 of the thick one that it lies in
    map             T2 of the thick slices, interpolated (cubic)
    cubic, Fourier  echoes interpolated, then fitted
    sr_knee         echoes super-resolved by pretrained:sr_knee one by one, then fitted
    thin            thin slices acquired, with the same noise: the best there is

Errors are those of voxels of true cartilage, between the first acquired slice and the
last. Prints a table, and writes relaxometry.json and relaxometry.png, a slice of each.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

from absl import flags

from deepresolve.system import entry, files, path_flags

FLAGS = flags.FLAGS
path_flags.define("output", None, "Folder for the results.")
flags.DEFINE_list("seeds", ["1"], "A knee each.")
flags.DEFINE_list("shape", ["200", "200", "96"], "Voxels of a knee.")
flags.DEFINE_float("pixel_mm", 0.6, "Pixels of a slice.")
flags.DEFINE_float("thin_mm", 1.0, "Distance of thin slices.")
flags.mark_flag_as_required("output")

TIMES_MS = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
_FACTOR = 3
_SNR = 50
# Of cartilage at the bone, and what is added on the way to its surface.
_DEEP_MS, _MORE_MS = 30.0, 15.0
_FLUID_MS, _BONE_MS, _MENISCUS_MS, _OTHER_MS = 300.0, 60.0, 12.0, 40.0
# In units of cartilage, what is brighter is fluid.
_FLUID_FROM = 1.7
_CARTILAGE = (1, 2, 3, 4)
_COLOURS = (20, 60)


def known(seed: int) -> tuple[Any, Any, Any]:
    """Signal at time 0 and T2 of a knee, volumes, and depth in cartilage."""
    import numpy as np

    from deepresolve.quantification.knee import measure
    from deepresolve.quantification.relaxation import layers
    from deepresolve.simulation import phantom

    drawn = phantom.knee(
        seed=seed,
        shape=[int(n) for n in FLAGS.shape],
        spacing_mm=(FLAGS.pixel_mm, FLAGS.pixel_mm, FLAGS.thin_mm),
        noise_sd=0,
        shading=0.3,
    )
    image, label = drawn.image.canonical(), drawn.label.canonical()
    knee = measure(label, phantom.LABEL_NAMES)
    depth = layers.of_knee(knee, label, phantom.LABEL_NAMES, label).depth_map(label)
    one = np.median(image.array[np.isin(label.array, _CARTILAGE)])
    t2 = np.where(image.array > _FLUID_FROM * one, _FLUID_MS, _OTHER_MS)
    t2 = np.where(np.isin(label.array, (5, 6, 7, 8)), _BONE_MS, t2)
    t2 = np.where(np.isin(label.array, (9, 10)), _MENISCUS_MS, t2)
    t2 = np.where(np.isfinite(depth.array), _DEEP_MS + _MORE_MS * depth.array, t2)
    return image, image.with_array(t2.astype(np.float32)), depth.array


def acquired(image: Any, t2: Any, seed: int) -> tuple[list[Any], list[Any], float]:
    """Thick and thin echoes, with noise, and its standard deviation."""
    import numpy as np

    from deepresolve.imaging.degradation import acquire
    from deepresolve.imaging.slice_profile import SliceProfile

    random = np.random.default_rng(seed)
    spacing_mm = _FACTOR * image.slice_spacing_mm
    clean = [
        image.with_array(image.array * np.exp(-time / t2.array)) for time in TIMES_MS
    ]
    inside = (t2.array >= _DEEP_MS) & (t2.array < _DEEP_MS + _MORE_MS)
    noise = float(np.median(clean[0].array[inside])) / _SNR

    def noisy(volume: Any) -> Any:
        channels = random.normal(0, noise, (2, *volume.shape))
        array = np.abs(volume.array + channels[0] + 1j * channels[1])
        return volume.with_array(array.astype(np.float32))

    profile = SliceProfile("rect", spacing_mm)
    thick = [noisy(acquire(volume, spacing_mm, profile)) for volume in clean]
    return thick, [noisy(volume) for volume in clean], noise


def fitted(arrays: list[Any], noise: float) -> Any:
    """T2 of (echoes) arrays, by the package's fit with its defaults."""
    import numpy as np

    from deepresolve.quantification.relaxation.decay import fit_decay

    found = fit_decay(
        np.stack(arrays), TIMES_MS, noise=noise, floor=3 * noise, most_ms=100.0,
        least_r2=0.7,
    )  # fmt: skip
    return found.time_ms


def ways(thick: list[Any], thin: list[Any], noise: float) -> tuple[Any, dict[str, Any]]:
    """T2 by each way, on the thin slices that lie between acquired ones."""
    import numpy as np

    import deepresolve as dr
    from deepresolve.imaging.degradation import cubic_matrix, fourier_matrix
    from deepresolve.imaging.slice_grid import positions

    at = positions(thick[0], thin[0])
    inside = (at >= 0) & (at <= thick[0].num_slices - 1)
    num, places = thick[0].num_slices, at[inside]
    run = dr.open_run("pretrained:sr_knee")
    resolved = []
    for echo in thick:
        found = run.predict(
            echo,
            output_dtype="float32",
            spacing_mm=thin[0].slice_spacing_mm,
            slice_profile="rect",
        ).image
        nearest = np.rint(positions(found, thin[0])[inside]).astype(int)
        resolved.append(found.array[..., nearest])
    of_thick = fitted([echo.array for echo in thick], noise)
    held = np.nan_to_num(of_thick, nan=float(np.nanmedian(of_thick)))
    matrices = {
        "cubic": cubic_matrix(num, places),
        "Fourier": fourier_matrix(num, places),
    }
    return inside, {
        "thick": of_thick[..., np.rint(places).astype(int)],
        "map": held @ matrices["cubic"].T,
        **{
            name: fitted([echo.array @ matrix.T for echo in thick], noise)
            for name, matrix in matrices.items()
        },
        "sr_knee": fitted(resolved, noise),
        "thin": fitted([echo.array[..., inside] for echo in thin], noise),
    }


def errors(found: Any, truth: Any, depth: Any) -> dict[str, float]:
    """In ms, of voxels of cartilage."""
    import numpy as np

    cartilage = np.isfinite(depth)
    off = np.where(cartilage, found - truth, np.nan)
    deep, superficial = (depth < 0.5), (depth >= 0.5)
    return {
        "absolute": float(np.nanmean(np.abs(off))),
        "mean": float(np.nanmean(off)),
        "deep": float(np.nanmean(off[deep])),
        "superficial": float(np.nanmean(off[superficial])),
        "sd": float(np.nanstd(off)),
        "left_out_percent": 100 * float(np.isnan(off[cartilage]).mean()),
    }


def draw(maps: dict[str, Any], depth: Any, path: pathlib.Path) -> None:
    """T2 in the cartilage of a knee seen from the front, by each way."""
    import matplotlib

    matplotlib.use("Agg")
    import numpy as np
    from matplotlib import pyplot

    held = np.isfinite(depth)
    # Seen from the front, in the middle of the cartilage from front to back.
    column = round(np.average(np.arange(depth.shape[1]), weights=held.sum(axis=(0, 2))))
    box = tuple(
        slice(max(0, places.min() - 3), places.max() + 4)
        for places in np.nonzero(held[:, column])
    )
    figure, axes = pyplot.subplots(4, 2, figsize=(8, 8), layout="constrained")
    for axis, (name, array) in zip(axes.flat, maps.items(), strict=False):
        drawn = axis.imshow(
            np.where(held, array, np.nan)[:, column][box],
            cmap="viridis",
            vmin=_COLOURS[0],
            vmax=_COLOURS[1],
            aspect=FLAGS.pixel_mm / FLAGS.thin_mm,
            interpolation="nearest",
        )
        axis.set_title(name)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.colorbar(drawn, ax=axes, label="T2 (ms)", shrink=0.8)
    figure.savefig(path, dpi=130)


def run() -> None:
    """Measures each knee, and prints the mean over them."""
    import numpy as np

    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[dict[str, float]]] = {}
    for seed in map(int, FLAGS.seeds):
        image, t2, depth = known(seed)
        thick, thin, noise = acquired(image, t2, seed)
        inside, found = ways(thick, thin, noise)
        truth, depth = t2.array[..., inside], depth[..., inside]
        for name, array in found.items():
            results.setdefault(name, []).append(errors(array, truth, depth))
        draw({"truth": truth, **found}, depth, folder / "relaxometry.png")
    columns = next(iter(results.values()))[0]
    print(f"| way | {' | '.join(columns)} |\n" + "|---" * (1 + len(columns)) + "|")
    for name, of_knees in results.items():
        means = [float(np.mean([knee[c] for knee in of_knees])) for c in columns]
        print(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    with files.replacing(folder / "relaxometry.json") as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry.launch(run)
