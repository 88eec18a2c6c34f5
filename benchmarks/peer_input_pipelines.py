r"""Patch pairs a second of MONAI's and TorchIO's pipelines; prints one line of JSON.

    python benchmarks/peer_input_pipelines.py --shape=384,384,160 --num_volumes=4

For an interpreter with torch, monai and torchio; `input_pipeline.py` calls it. Volumes
and their degraded twins are in memory as float32 before the clock starts: nothing is
read, scaled or degraded while it runs. Each peer runs in several settings, and its best
one counts.
"""

from __future__ import annotations

import argparse
import functools
import json
import time

import monai.data
import monai.transforms
import numpy as np
import synthetic
import torch
import torchio

WORKERS = (0, 1, 2)
QUEUED_PATCHES = 1024  # as many pairs as our own shuffle buffer holds
# Patches cut of a volume at a time. With 32 a batch is of one volume alone: faster than
# our shuffled ones need be, and counted all the same.
CROPS_PER_VOLUME = (8, 32)
MANY_BATCHES = 10**6


def parse_arguments() -> argparse.Namespace:
    """The command line; absl need not be there."""
    parser = argparse.ArgumentParser(description=__doc__)
    shape = ",".join(map(str, synthetic.OAI_SHAPE))
    parser.add_argument("--shape", default=shape, help="Voxels of a volume.")
    parser.add_argument("--num_volumes", type=int, default=4)
    parser.add_argument("--patch_size", type=int, default=32)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0, help="Of each setting.")
    return parser.parse_args()


def make_volumes(shape, count: int) -> list[dict[str, torch.Tensor]]:
    """Float32 volumes of (1, rows, columns, slices): "input" and "target"."""
    volumes = []
    for seed in range(count):
        intensity, _ = synthetic.scan(seed, shape)
        target = torch.from_numpy(intensity.astype(np.float32)[np.newaxis] / 1000)
        # Any second volume costs what the degraded one does.
        volumes.append({"input": target * 0.9, "target": target})
    return volumes


def pairs_per_second(batches, batch_size: int, seconds: float) -> float:
    """Rate of an endless iterator over batches, after the first of them."""
    next(batches)
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        next(batches)
        count += batch_size
    return count / passed


def monai_batches(volumes, options, num_workers: int, crops: int, *, tuned: bool):
    """CacheDataset and RandSpatialCropSamples, as they come or tuned.

    Tuned: plain tensors without metadata, and the cached volumes are not copied before
    each crop, for a crop does not change them.
    """
    monai.data.set_track_meta(not tuned)
    crop = monai.transforms.RandSpatialCropSamplesd(
        keys=("input", "target"),
        roi_size=(options.patch_size,) * 3,
        num_samples=crops,
        random_size=False,
    )
    dataset = monai.data.CacheDataset(
        volumes, crop, copy_cache=not tuned, progress=False
    )
    sampler = torch.utils.data.RandomSampler(
        dataset, replacement=True, num_samples=MANY_BATCHES * options.batch_size
    )
    loader = monai.data.DataLoader(
        dataset,
        batch_size=max(1, options.batch_size // crops),
        sampler=sampler,
        num_workers=num_workers,
    )
    return iter(loader)


def torchio_batches(volumes, options, num_workers: int, crops: int):
    """Queue with a UniformSampler."""
    subjects = [
        torchio.Subject(
            {name: torchio.ScalarImage(tensor=array) for name, array in volume.items()}
        )
        for volume in volumes
    ]
    queue = torchio.Queue(
        torchio.SubjectsDataset(subjects),
        max_length=QUEUED_PATCHES,
        samples_per_volume=crops,
        sampler=torchio.UniformSampler(options.patch_size),
        num_workers=num_workers,
    )
    while True:
        yield from torchio.SubjectsLoader(
            queue, batch_size=options.batch_size, drop_last=True
        )


def measure(make_batches, volumes, options, crops_per_volume) -> dict:
    """The rates of a peer in all its settings, the best one first."""
    settings = []
    for num_workers in WORKERS:
        for crops in crops_per_volume:
            batches = make_batches(volumes, options, num_workers, crops)
            rate = pairs_per_second(batches, options.batch_size, options.seconds)
            settings.append(
                {
                    "pairs_per_second": rate,
                    "num_workers": num_workers,
                    "crops_per_volume": crops,
                }
            )
    return sorted(settings, key=lambda s: s["pairs_per_second"], reverse=True)


def run() -> None:
    """Measures all."""
    options = parse_arguments()
    shape = tuple(int(n) for n in options.shape.split(","))
    volumes = make_volumes(shape, options.num_volumes)
    queued = QUEUED_PATCHES // options.num_volumes
    default, tuned = (functools.partial(monai_batches, tuned=t) for t in (False, True))
    result = {
        "MONAI": measure(default, volumes, options, CROPS_PER_VOLUME),
        "MONAI, tuned": measure(tuned, volumes, options, CROPS_PER_VOLUME),
        "TorchIO": measure(torchio_batches, volumes, options, (queued,)),
    }
    versions = {m.__name__: m.__version__ for m in (monai, torchio, torch)}
    print(json.dumps({"versions": versions, "pipelines": result}))


if __name__ == "__main__":
    run()
