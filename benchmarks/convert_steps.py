"""What `convert.py` measures: inflating, converting, and the steps of one scan."""

from __future__ import annotations

import gzip
import multiprocessing
import pathlib
import resource
import shutil
import time
from collections.abc import Callable

import memory
import synthetic

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume

_CHUNK_BYTES = 2**24
_RUNS = 5
_BEAM_OPTIONS = "--direct_num_workers={} --direct_running_mode=multi_processing"


def write_scans(folder: pathlib.Path, count: int, distinct: int, shape) -> None:
    """Writes .nii.gz files; those beyond the first `distinct` are links to them."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:04d}.nii.gz"
        if number < distinct:
            voxels, _ = synthetic.scan(number, shape)
            formats.write(path, Volume(voxels, synthetic.AFFINE, slice_axis=2))
        else:
            path.hardlink_to(folder / f"{number % distinct:04d}.nii.gz")


def inflate_all(folder: pathlib.Path, num_workers: int) -> dict:
    """Reads and inflates all files, the start of the processes not counted."""
    paths = sorted(folder.iterdir())
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_workers) as processes:
        processes.map(_inflate, paths[:num_workers], chunksize=1)
        start = time.perf_counter()
        peaks = processes.map(_inflate, paths, chunksize=1)
        rate = len(paths) / (time.perf_counter() - start)
    return {
        "whole_per_second": rate,
        "sustained_per_second": rate,
        "peak_gib": max(peaks),
    }


def convert(queue, source: str, output: str, runner: str, num_workers: int) -> None:
    """Converts scans, one to a shard; puts scans/s and the peak into a queue."""
    from records import conversion
    from records.datasets import Folder
    from records.runners import RUNNERS

    settings = {
        "pool": {"num_workers": num_workers},
        "beam": {"beam_options": _BEAM_OPTIONS.format(num_workers)},
    }
    recipe = conversion.Recipe("folder", Folder(source), (100, 0, 0), num_shards=10**6)
    start = time.perf_counter()
    conversion.convert(recipe, output, RUNNERS[runner](**settings[runner]))
    seconds = time.perf_counter() - start
    written = sorted(p.stat().st_mtime for p in pathlib.Path(output).glob("*.tfrecord"))
    shutil.rmtree(output)
    # From when each worker has done its first scan.
    rest = written[num_workers - 1 :]
    queue.put(
        {
            "whole_per_second": len(written) / seconds,
            "sustained_per_second": (len(rest) - 1) / (rest[-1] - rest[0]),
            "peak_gib": _peak_gib(),
        }
    )


def time_steps(scans: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    """Milliseconds of a processor for each step of one scan's way into a shard.

    Of some runs the shortest: others have the processor's caches, too.
    """
    import tensorflow as tf

    from deepresolve.imaging.intensity import estimate_scale
    from deepresolve.system import storage
    from records import manifest, schema, stored
    from records.datasets import Folder

    subject = next(Folder(str(scans)).subjects(0))
    record_path = str(folder / "one.tfrecord")
    milliseconds = {}

    def timed(name: str, step: Callable):
        seconds = []
        for _ in range(_RUNS):
            start = time.process_time()
            result = step()
            seconds.append(time.process_time() - start)
        milliseconds[name] = 1e3 * min(seconds)
        return result

    def write():
        with storage.replacing(record_path) as path:
            with tf.io.TFRecordWriter(path) as writer:
                writer.write(record)
            storage.sha256(path)

    timed("read and inflate with zlib, nothing else", lambda: _inflate(subject.path))
    timed("hash the file", subject.hashes)
    image = timed("read, inflate and check", subject.load).image
    canonical = image.canonical()
    array = timed("put the axes in order", lambda: stored.storable(canonical.array))
    timed("percentiles", lambda: estimate_scale(array))
    whole = stored.load(subject, {})
    record = timed("encode", lambda: schema.encode(whole))
    timed("hash the voxels, for the manifest", lambda: manifest.entry(whole))
    timed("write, hash and flush to the disk", write)
    return milliseconds


def _inflate(path: pathlib.Path) -> float:
    """Reads a file to its end; returns the peak of this process's memory."""
    with gzip.open(path) as stream:
        while stream.read(_CHUNK_BYTES):
            pass
    return _peak_gib()


def _peak_gib() -> float:
    """Of the largest process: this one, or one that it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return max(memory.peak_gib(), children)
