"""The benchmark on scans of a few voxels, and what its parts are made of."""

import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
PEERS = {
    "versions": {},
    "pipelines": {"Peer": [{"pairs_per_second": 0.5}, {"pairs_per_second": 0.1}]},
}


def python(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Table and figures of a tiny run beside a peer that answers at once."""
    folder = tmp_path_factory.mktemp("benchmark")
    peer = folder / "peer"
    peer.write_text(f"#!/bin/sh\necho warning\necho '{json.dumps(PEERS)}'\n")
    peer.chmod(0o755)
    done = python(
        "input_pipeline.py",
        *("--shape=48,40,36", "--num_volumes=2", "--seconds=0.2"),
        *("--seg_patch_shape=32,32,8", f"--output={folder}", f"--peer_python={peer}"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "input_pipeline.json").read_text())


def test_every_stream_is_measured(measured):
    table, figures = measured
    assert [run["num_volumes"] for run in figures["super_resolution"]] == [2]
    for run in [*figures["super_resolution"], figures["segmentation"]]:
        assert run["pairs_per_second"] > 0
        assert run["cores_used"] > 0
        assert 0 < run["first_batch_seconds"] < 60
        # TensorFlow alone takes some 0.3 GiB; a machine's memory is the other bound.
        assert 0.2 < run["peak_gib"] < 64
    # Pairs of float32 and float32, and of float32 and uint8; read and written twice.
    for run, pair_bytes in [
        (figures["super_resolution"][0], 32**3 * 8),
        (figures["segmentation"], 32 * 32 * 8 * 5),
    ]:
        expected = 4 * pair_bytes * run["pairs_per_second"] / 1e9
        assert run["moved_gb_per_second"] == pytest.approx(expected)
    assert figures["memory_copy"]["gb_per_second"] > 0
    assert set(figures["augmentation_ms"]) == {
        *("cut", "mirror", "warp", "gamma", "bias", "noise", "blur")
    }
    assert "of the copy" in table


def test_a_peer_is_shown_beside_ours(measured):
    table, figures = measured
    assert figures["peers"] == PEERS
    (line,) = [line for line in table.splitlines() if line.startswith("Peer ")]
    ours = figures["super_resolution"][0]["pairs_per_second"]
    assert line.endswith(f" {ours / 0.5:.1f}x")


def test_scans_are_seeded_and_none_of_their_patches_is_air():
    script = (
        "import numpy as np, synthetic\n"
        "a, b, c = (synthetic.scan(seed, (64, 60, 40)) for seed in (1, 1, 2))\n"
        "assert a[0].dtype == np.int16 and a[1].dtype == np.uint8\n"
        "assert np.array_equal(a[0], b[0]) and not np.array_equal(a[0], c[0])\n"
        "low, high = np.percentile(a[0], (0.1, 99.9))\n"
        "assert (((a[0] - low) / (high - low)) > 0.05).mean() > 0.95\n"
        "assert 0 < a[1].mean() < 0.2\n"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
