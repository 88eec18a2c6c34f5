r"""How fast a GPU trains the published networks and applies them to a whole volume.

    KERAS_BACKEND=jax python benchmarks/gpu.py --output=DIR

Runs on any backend of Keras 3 and needs no TensorFlow. In an environment of its own:

    pip install --no-deps --editable .                    # the repository alone
    pip install absl-py keras numpy tqdm 'jax[cuda13]'    # for KERAS_BACKEND=jax
    pip install absl-py keras numpy tqdm torch            # for KERAS_BACKEND=torch

Without KERAS_BACKEND the first that is installed of jax, torch and tensorflow. Where
it finds no GPU it says so and ends with status 0.

In float32, TF32 and bfloat16 (mixed precision, variables in float32), and each way in
which the backend compiles: one step of training of the presets sr_cnn and seg_cnn, the
batch already on the GPU; and a whole volume of OAI size through both networks, from an
array in the host's memory to one in it, both copies included. A volume goes through in
one pass where that works, mostly a question of memory, else in the fewest that do, and
the table says why not in fewer: for super-resolution blocks of slices with as many
around them as the network sees, which is exact, and for segmentation overlapping,
blended windows.

Each measurement has a process of its own, so that its peak of memory is its own. Times
are medians with the shortest and the longest, after two runs that warm up. Operations
are those of the convolutions, of which a step of training has three passes; what blocks
compute twice does not count. Shares are of the peak that NVIDIA's data sheet gives the
card for that precision (gpu_cards.py). The voxels are random and the weights fresh:
neither changes time or memory. Prints the table and writes gpu.json.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import math
import multiprocessing
import os
import pathlib
from collections.abc import Collection, Iterator
from typing import Any

import gpu_backends
import gpu_cards
import gpu_table
from absl import flags

from deepresolve import presets
from deepresolve.config import Config
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
OAI_SHAPE = (384, 384, 160)
PRECISIONS = ("float32", "tf32", "bfloat16")
PUBLISHED = ("sr_cnn", "seg_cnn")
# For one H200: seconds of a volume, what was published in 2018, and the share of the
# bfloat16 peak in training.
AIM_SECONDS = {"sr_cnn": (0.5, 10), "seg_cnn": (0.2, 1)}
AIM_SHARE = 0.4
_BLOCK_MULTIPLE = 8

path_flags.define("output", None, "Folder for the table.")
flags.DEFINE_enum("device", "gpu", ["gpu", "cpu"], "cpu: to try the script out.")
flags.DEFINE_list("shape", list(map(str, OAI_SHAPE)), "Voxels of the volume.")
flags.DEFINE_list("presets", list(PUBLISHED), "Networks and their trainings.")
flags.DEFINE_list("precisions", list(PRECISIONS), "Which of them.")
flags.DEFINE_list("compilations", [], "Ways to compile; all of the backend's if empty.")
flags.DEFINE_list("patch_shape", [], "Voxels of a training patch, if not the preset's.")
flags.DEFINE_integer("batch_size", 0, "Patches of a step; 0: the preset's.", 0)
flags.DEFINE_integer("repeats", 10, "Measurements that the median is taken of.", 1)
flags.mark_flag_as_required("output")


def run() -> int:
    """Measures all and writes the figures down.

    Returns:
      0; 1 where a measurement failed, for want of memory or otherwise.
    """
    _check_names("precisions", PRECISIONS)
    backend = _choose_backend()
    found = _in_own_process("describe", backend)
    if "error" in found:
        raise OSError(f"Keras on {backend} does not start here: {found['error']}")
    if FLAGS.device == "gpu" and found["device"] is None:
        print(
            f"No GPU: {found['versions']} finds none here, so nothing was measured "
            "(KERAS_BACKEND names another backend, --device=cpu tries the script out)."
        )
        return 0
    _check_names("compilations", found["compilations"])
    header = {**found, "repeats": FLAGS.repeats}
    header["peak_tflop_per_second"] = gpu_cards.peaks(found["device"] or "")
    print(gpu_table.head(header), flush=True)
    rows = []
    for row in measure(backend, found["compilations"]):
        rows.append(_with_share(row, header["peak_tflop_per_second"]))
        print(gpu_table.line(rows[-1]), flush=True)
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**header, "measurements": rows}, indent=2)
    (folder / "gpu.json").write_text(text + "\n", encoding="utf-8")
    return int(any("error" in row for row in rows))


def _check_names(flag: str, known: Collection[str]) -> None:
    """ValueError for a name that is not known."""
    if unknown := sorted(set(FLAGS[flag].value) - set(known)):
        raise ValueError(f"--{flag}: unknown {unknown}; known: {sorted(known)}.")


def _choose_backend() -> str:
    backend = gpu_backends.choose()
    # What the processes of the measurements are to see.
    os.environ["KERAS_BACKEND"] = backend
    if FLAGS.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"
    return backend


def measure(backend: str, compilations: Collection[str]) -> Iterator[dict[str, Any]]:
    """Figures of each measurement, or the "error" that came instead."""
    for preset, work, precision, compilation in itertools.product(
        FLAGS.presets, WORKS, FLAGS.precisions, FLAGS.compilations or compilations
    ):
        row = {
            "preset": preset,
            "work": work,
            "precision": precision,
            "compilation": compilation,
        }
        arguments = (backend, preset, precision, compilation, FLAGS.repeats)
        yield {**row, **WORKS[work](arguments)}


def _training_step(arguments: tuple) -> dict[str, Any]:
    changes = {}
    if FLAGS.patch_shape:
        changes["patch_shape"] = _numbers("patch_shape")
    if FLAGS.batch_size:
        changes["batch_size"] = FLAGS.batch_size
    return _in_own_process("training_step", *arguments, changes)


def _whole_volume(arguments: tuple) -> dict[str, Any]:
    """In one pass if that fits into memory, else in the fewest that do."""
    shape = _numbers("shape")
    failed = []
    for num_slices in slices_of_passes(shape[2], presets.get(arguments[1])):
        figures = _in_own_process("whole_volume", *arguments, shape, num_slices)
        if "error" not in figures:
            return {**figures, "failed": failed}
        failed.append({"slices_of_a_pass": num_slices, **figures})
    return {"failed": failed, "error": failed[-1]["error"]}


WORKS = {"training step": _training_step, "whole volume": _whole_volume}


def slices_of_passes(num_slices: int, config: Config) -> list[int]:
    """Slices that one pass may give, the most first: all, a half, a quarter and so on.

    Args:
      num_slices: of the volume.
      config: of the network. For segmentation no window has fewer slices than a
        training patch; a folded network, whose blocks would have to keep to its grid,
        has to do all in one pass.
    """
    choices = [num_slices]
    is_segmentation = config.task == "segmentation"
    if not is_segmentation and config.fold != (1, 1, 1):
        return choices
    multiple = config.patch_shape[2] if is_segmentation else _BLOCK_MULTIPLE
    while (half := math.ceil(choices[-1] / 2 / multiple) * multiple) < choices[-1]:
        choices.append(half)
    return choices


def _numbers(flag: str) -> tuple[int, ...]:
    try:
        rows, columns, slices = map(int, FLAGS[flag].value)
    except ValueError as error:
        raise ValueError(
            f"--{flag} is three whole numbers, such as 384,384,160; got "
            f"{','.join(FLAGS[flag].value)}."
        ) from error
    return rows, columns, slices


def _in_own_process(name: str, *arguments: Any) -> dict[str, Any]:
    """What a function of `gpu_work` finds in a new process, or the "error" instead."""
    # Spawned, so that it begins without what this process holds.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
        try:
            return process.submit(_call, name, *arguments).result()
        except concurrent.futures.BrokenExecutor:
            return {"error": "the process was ended from outside or crashed"}


def _call(name: str, *arguments: Any) -> dict[str, Any]:
    try:
        import gpu_work  # in the new process alone: it takes hold of the GPU

        return getattr(gpu_work, name)(*arguments)
    # Whatever a compiler or a driver raises: the other measurements are still of use,
    # and not all errors of backends can be handed to another process.
    except Exception as error:
        text = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {text[0][:300]}"}


def _with_share(row: dict[str, Any], peaks) -> dict[str, Any]:
    """Adds the share of the card's peak, if that is known, and the aim."""
    if "error" in row:
        return row
    row = dict(row)
    if peaks:
        row["share_of_peak"] = row["tflop_per_second"] / peaks[row["precision"]]
    is_training = row["work"] == "training step"
    if row["preset"] not in PUBLISHED:
        return row
    if not is_training and _numbers("shape") == OAI_SHAPE:
        row["aim_seconds"], row["published_seconds"] = AIM_SECONDS[row["preset"]]
    as_published = not (FLAGS.patch_shape or FLAGS.batch_size)
    if is_training and as_published and row["precision"] == "bfloat16":
        row["aim_share_of_peak"] = AIM_SHARE
    return row


if __name__ == "__main__":
    entry.launch(run)
