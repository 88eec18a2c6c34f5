import functools
import hashlib
import json

import numpy as np
import pytest

from deepresolve import tasks
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.outputs import trust_beside
from deepresolve.prediction.trust import report
from deepresolve.prediction.trust.report import Trust
from deepresolve.runs import training_set
from deepresolve.tasks.segmentation.settings import SegmentationConfig


def seen_by(config):
    return functools.partial(tasks.find(config.task).seen, config)


@pytest.fixture
def scan():
    """Voxels without noise: half of them 0, half 900."""
    array = np.zeros((12, 12, 8), np.int16)
    array[6:] = 900
    return Volume(array, np.diag([0.5, 0.5, 0.7, 1]))


@pytest.fixture
def trained(scan):
    noise = np.random.default_rng(0).normal(0, 50, scan.shape)
    noisy = scan.with_array(scan.array + noise)
    config = SegmentationConfig(model="seg_cnn")
    return training_set.measure(seen_by(config), [noisy], 1, "abc")


def test_infinity_is_no_json(scan, trained):
    trust = Trust("segmentation", trained, {}, ())
    content, flags = trust.examine(scan, scan, None)
    assert "signal_to_noise" in [flag.what for flag in flags]
    told = json.loads(json.dumps(content, allow_nan=False))
    (noise,) = [f for f in told["flags"] if f["what"] == "signal_to_noise"]
    assert noise["found"] is None
    assert told["consistency"]["measured"] is False


def test_names_that_are_no_unicode_are_told_in_json(scan, trained, tmp_path):
    target = tmp_path / "result.nii"
    formats.write(target, scan)
    trust = Trust("segmentation", trained, {}, ("--input=b\udcff.nii",))
    trust.report(target, scan, scan, target, None)
    told = json.loads(trust_beside(target).read_text(encoding="utf-8"))
    assert told["provenance"]["command"] == ["--input=b\udcff.nii"]
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    assert told["provenance"]["output_sha256"] == sha256


def test_a_network_of_the_package_says_so():
    trust = report.load("pretrained:seg_knee_phantom", "best", (), anonymous=True)
    assert "synthetic" in trust.model["about"]


def test_gaps_are_told_though_nothing_was_recorded(scan):
    gaps = Volume(scan.array, scan.affine, 2, slice_thickness_mm=0.5)
    trust = Trust("segmentation", None, {}, ())
    content, (flag,) = trust.examine(gaps, gaps, None)
    assert flag.what == "gap_share"
    assert content["verdict"] == "flagged"
    assert content["mismatch"]["compared"] is False


def test_the_class_whose_volume_varies_is_flagged(scan, trained):
    of_class = {"coefficient_of_variation": 0.1, "volumes_mm3": [90.0, 104.0]}
    numbers = {"measured": True, "classes": {"femur": of_class}}
    _, flags = Trust("segmentation", trained, {}, ()).examine(scan, scan, numbers)
    assert "spread: femur" in [flag.what for flag in flags]


@pytest.mark.parametrize(
    ("target", "report"),
    [
        ("thin.nii.gz", "thin_trust.json"),
        ("knee.1.nii", "knee.1_trust.json"),
        ("seg.dcm", "seg_trust.json"),
        ("series.2", "series.2_trust.json"),
    ],
)
def test_the_report_lies_beside_the_result(tmp_path, target, report):
    assert trust_beside(tmp_path / target) == tmp_path / report
