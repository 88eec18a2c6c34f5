"""What the benchmark changes about scans is that alone."""

import json
import pathlib
import subprocess
import sys

import numpy as np

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
SCRIPT = """
import json
import numpy as np
import trust
from deepresolve.imaging.acquisition import describe
from deepresolve.imaging.volume import Volume

array = np.random.default_rng(0).integers(100, 3000, (24, 26, 25)).astype(np.int16)
affine = np.array([[0, 0, -1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
thin = Volume(array, affine, 2, 1.0)
scans = trust.changed(thin, 3, 0)
spoiled = trust.spoil(thin)
print(json.dumps({
    "scans": {name: describe(scan).to_dict() for name, scan in scans.items()},
    "differ": {n: int((v.array != array).sum()) for n, v in spoiled.items()},
}))
"""


def test_one_thing_is_changed_at_a_time():
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    about = {
        name: (scan["plane"], scan["slice_thickness_mm"], scan["slice_spacing_mm"])
        for name, scan in found["scans"].items()
    }
    assert about == {
        "thickness": ("sagittal", 4, 4),
        "gap": ("sagittal", 3, 4),
        "noise": ("sagittal", 3, 3),
        "axial": ("axial", 3, 3),
        "coronal": ("coronal", 3, 3),
    }
    differ = found["differ"]
    assert differ["one slice blank"] == 24 * 26
    assert differ["offset of 2%"] == np.prod((24, 26, 25))
