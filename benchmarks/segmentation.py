r"""What a segmentation network costs: size, a step of training, a whole volume.

    python benchmarks/segmentation.py --output=DIR [--preset=seg_cnn] [--windows]

One training step on one patch of the preset, and the inference of one volume of OAI
size by the engine that the network declares, each in a process of its own, so that each
has its own peak of resident memory. With --windows the same volume also goes through in
blended windows of 4 GiB, for a network that is streamed: which is faster, and what the
seams of windows cost, as the share of voxels that they put into another class.
The voxels are random and the weights fresh: neither changes time or memory. Prints the
table and writes segmentation.json.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pathlib
import tempfile
import time

import memory
from absl import flags

from deepresolve import networks, presets
from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS
OAI_SHAPE = (384, 384, 160)

path_flags.define("output", None, "Folder for the table.")
flags.DEFINE_string("preset", "seg_cnn", "Preset of a segmentation network.")
flags.DEFINE_list("shape", list(map(str, OAI_SHAPE)), "Voxels of the volume.")
flags.DEFINE_bool("train", True, "Whether to time a step of training.")
flags.DEFINE_bool("windows", False, "Whether to time blended windows, too.")
flags.mark_flag_as_required("output")


def train_step(preset: str) -> dict[str, float]:
    """Parameters and work of the network; seconds and peak GiB of a training step."""
    import keras
    import numpy as np

    from deepresolve.networks import cost
    from deepresolve.training.optimizers import build_optimizer

    config = presets.get(preset)
    keras.utils.set_random_seed(1)
    model = networks.build_model(config)
    model.compile(
        build_optimizer(config), networks.build_loss(config), jit_compile=False
    )
    shape = (config.batch_size, *config.patch_shape, 1)
    random = np.random.default_rng(0)
    image = random.random(shape, np.float32)
    start = time.perf_counter()
    model.train_on_batch(image, (image > 0.9).astype(np.uint8))
    return {
        "parameters": cost.num_parameters(model),
        "flop_per_voxel": cost.flop_per_voxel(model, config.patch_shape),
        "train_step_seconds": time.perf_counter() - start,
        "train_step_peak_gib": memory.peak_gib(),
    }


def segment(
    preset: str, shape: tuple[int, int, int], engine: str, path: pathlib.Path
) -> dict[str, float]:
    """Seconds and peak GiB of the segmentation of one volume.

    Args:
      preset: names the network.
      shape: voxels of the volume.
      engine: what it goes through the volume by.
      path: to keep the label map.
    """
    import keras
    import numpy as np

    from deepresolve.imaging.volume import Volume, affine_along_axes
    from deepresolve.tasks.segmentation.models import MODELS
    from deepresolve.tasks.segmentation.segmenter import Segmenter

    config = presets.get(preset)
    MODELS[config.model] = dataclasses.replace(MODELS[config.model], engine=engine)
    keras.utils.set_random_seed(1)
    segmenter = Segmenter(networks.build_model(config), config)
    array = np.random.default_rng(0).random(shape, np.float32)
    scan = Volume(array, affine_along_axes("IPL", (1.0, 1.0, 1.0)), slice_axis=2)
    start = time.perf_counter()
    np.save(path, segmenter.label_map(scan))
    return {
        f"{engine}_seconds": time.perf_counter() - start,
        f"{engine}_peak_gib": memory.peak_gib(),
    }


def moved(folder: pathlib.Path) -> dict[str, float]:
    """Share of the voxels that windows put into another class."""
    import numpy as np

    streamed, windows = (np.load(folder / f"{e}.npy") for e in ("stream", "windows"))
    return {"windows_moved": float(np.mean(streamed != windows))}


def run() -> None:
    """Runs both and writes the figures down."""
    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    shape = tuple(int(n) for n in FLAGS.shape)
    # Spawned, so that a process begins without what this one holds.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        result = {"preset": FLAGS.preset, "volume_shape": shape}
        if FLAGS.train:
            result |= processes.apply(train_step, (FLAGS.preset,))
        engines = [networks.find_model(presets.get(FLAGS.preset)).engine]
        if FLAGS.windows and engines != ["windows"]:
            engines.append("windows")
        with tempfile.TemporaryDirectory() as scratch:
            for engine in engines:
                path = pathlib.Path(scratch) / f"{engine}.npy"
                arguments = (FLAGS.preset, shape, engine, path)
                result |= processes.apply(segment, arguments)
            if engines == ["stream", "windows"]:
                result |= processes.apply(moved, (pathlib.Path(scratch),))
    text = json.dumps(result, indent=2)
    (folder / "segmentation.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    entry.launch(run)
