"""What `input_pipeline.py` measures, most of it in a process of its own."""

from __future__ import annotations

import concurrent.futures
import os
import time

import memory
import numpy as np
import synthetic

# Of the augmentation, each alone; warp is rotation and scaling, which are one op.
AUGMENTATION = {
    "mirror": ("random_mirror",),
    "warp": ("max_rotation_degrees", "max_scaling"),
    "gamma": ("max_gamma",),
    "bias": ("max_bias",),
    "noise": ("max_noise",),
    "blur": ("max_blur",),
}
BLUR = 1.0  # no preset of 288x288x32 patches blurs


def convert(records: dict[int, str], shape: tuple[int, int, int]) -> None:
    """Writes shards of so many scans into each folder."""
    import synthetic_records

    for num_volumes, folder in records.items():
        synthetic_records.convert(folder, num_volumes, shape)


def run(records: str, preset: str, changes: dict, seconds: float) -> dict:
    """A training stream: time to its first batch, and its rate after that.

    The clock of the first batch starts where a training would ask for the stream, once
    TensorFlow is loaded. The rate includes reading, degrading and every new epoch.

    Args:
      records: folder of the shards.
      preset: name of a preset.
      changes: fields of its config to change.
      seconds: how long to pull batches.
    """
    from deepresolve import presets, tasks
    from deepresolve.pipeline import dataset
    from records import manifest, reader

    config = presets.get(preset).replace(**changes)
    described = manifest.load(records)
    shapes = [subject.shape for subject in described.subjects("train")]
    start = time.perf_counter()
    pairs = tasks.find(config.task).pairs(config, described.label_names)
    stream = dataset.training_dataset(
        lambda seed: reader.dataset(records, "train", shuffle_seed=seed),
        pairs,
        steps_per_epoch=dataset.count_steps_per_epoch(shapes, pairs),
    )
    batches = iter(stream)
    pair = next(batches)
    first_batch_seconds = time.perf_counter() - start
    pair_bytes = sum(t.dtype.size * np.prod(t.shape[1:]) for t in pair)
    steps, start, cpu_start = 0, time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - start) < seconds:
        next(batches)
        steps += 1
    rate = steps * config.batch_size / passed
    return {
        "preset": preset,
        **changes,
        "num_volumes": len(shapes),
        "first_batch_seconds": first_batch_seconds,
        "pairs_per_second": rate,
        # Fewer than there are: something else computes, too, or a stage waits.
        "cores_used": (time.process_time() - cpu_start) / passed,
        # Every voxel is read and written to be cut, and again to be put into a batch.
        "moved_gb_per_second": 4 * float(pair_bytes) * rate / 1e9,
        "peak_gib": memory.peak_gib(),
    }


def copy_memory(num_bytes: int = 2**28, repeats: int = 8) -> dict:
    """Bytes read and written by plain copies of large arrays, one on each core."""
    num_threads = os.cpu_count() or 1
    arrays = [np.ones((2, num_bytes), np.uint8) for _ in range(num_threads)]

    def copy(array):
        for _ in range(repeats):
            np.copyto(array[1], array[0])  # without Python's lock

    with concurrent.futures.ThreadPoolExecutor(num_threads) as threads:
        start = time.perf_counter()
        list(threads.map(copy, arrays))
        seconds = time.perf_counter() - start
    moved = 2 * num_bytes * repeats * num_threads
    return {"num_threads": num_threads, "gb_per_second": moved / seconds / 1e9}


def augmentation_costs(shape: tuple[int, int, int], changes: dict) -> dict[str, float]:
    """Milliseconds of a patch of seg_cnn: cut, and what each augmentation adds."""
    from deepresolve import presets

    config = presets.get("seg_cnn").replace(**changes, max_blur=BLUR)
    fields = [field for names in AUGMENTATION.values() for field in names]
    off = {field: type(getattr(config, field))(0) for field in fields}
    scan = _scan_tensors(shape)
    costs = {"cut": _patch_ms(config.replace(**off), scan)}
    for name, names in AUGMENTATION.items():
        on = {field: getattr(config, field) for field in names}
        alone = _patch_ms(config.replace(**off | on), scan)
        costs[name] = alone - costs["cut"]
    return costs


def _scan_tensors(shape: tuple[int, int, int]) -> dict:
    image, label = synthetic.scan(0, shape)
    return {
        "image": image.astype(np.float32),
        "label": label,
        "intensity": np.array([200, 1200], np.float32),
        "affine": np.diag([-0.7, -0.4, -0.4, 1])[[2, 1, 0, 3]],  # sagittal
        "subject": "scan",
    }


def _patch_ms(config, volume: dict, count: int = 30) -> float:
    """Milliseconds that one pair takes in one thread of `tf.data`."""
    import tensorflow as tf

    from deepresolve import tasks

    pairs = tasks.find(config.task).pairs(config, {1: "femoral cartilage"})
    stored = {key: tf.convert_to_tensor(value) for key, value in volume.items()}
    scan = pairs.prepare(stored, tf.constant([0, 0], tf.int64))

    def pair(number):
        seed = tf.stack([number, number + 1])
        return pairs.augment(pairs.cut(scan, tf.zeros(3, tf.int32), seed), seed)

    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    stream = iter(tf.data.Dataset.range(count + 1).map(pair).with_options(options))
    next(stream)
    start = time.perf_counter()
    for _ in range(count):
        next(stream)
    return (time.perf_counter() - start) / count * 1e3
