import dataclasses
import functools
import hashlib
import json

import numpy as np
import pytest

from deepresolve import tasks
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.placement import trust_beside
from deepresolve.prediction.trust.report import Trust
from deepresolve.runs import training_set
from deepresolve.tasks.findings import Finding, Section
from deepresolve.tasks.prediction import Labels, Prediction
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.trained_run import TrainedRun


def seen_by(config):
    return functools.partial(tasks.find(config.task).seen, config)


@pytest.fixture
def scan():
    """Voxels without noise: half of them 0, half 900."""
    array = np.zeros((12, 12, 8), np.int16)
    array[6:] = 900
    return Volume(array, np.diag([0.5, 0.5, 0.7, 1]))


def predicted(result, **report):
    """A label map, and what the task says of it."""
    return Prediction(Labels(("femur",)), {"label_map": result}, report, "")


@pytest.fixture
def trained(scan):
    noise = np.random.default_rng(0).normal(0, 50, scan.shape)
    noisy = scan.with_array(scan.array + noise)
    config = SegmentationConfig(model="seg_cnn")
    return training_set.measure(seen_by(config), [noisy], 1, "abc")


def test_infinity_is_no_json(scan, trained):
    nothing = Section({"measured": False})
    content, findings = Trust(trained, None, {}, ()).examine(
        scan, predicted(scan, consistency=nothing)
    )
    assert "signal_to_noise" in [finding.what for finding in findings]
    told = json.loads(json.dumps(content, allow_nan=False))
    (noise,) = [f for f in told["flags"] if f["what"] == "signal_to_noise"]
    assert noise["found"] is None
    assert told["consistency"]["measured"] is False


def test_names_that_are_no_unicode_are_told_in_json(scan, trained, tmp_path):
    target = tmp_path / "result.nii"
    formats.write(target, scan)
    trust = Trust(trained, None, {}, ("--input=b\udcff.nii",))
    trust.write(target, target, scan, predicted(scan))
    told = json.loads(trust_beside(target).read_text(encoding="utf-8"))
    assert told["provenance"]["command"] == ["--input=b\udcff.nii"]
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    assert told["provenance"]["output_sha256"] == sha256


def test_a_network_of_the_package_says_so():
    run = TrainedRun.open("pretrained:seg_knee")
    trust = Trust.of(run, None, (), anonymous=True)
    assert "synthetic" in trust.model["about"]


def test_gaps_are_told_though_nothing_was_recorded(scan):
    gaps = Volume(scan.array, scan.affine, 2, slice_thickness_mm=0.5)
    content, (finding,) = Trust(None, None, {}, ()).examine(gaps, predicted(gaps))
    assert finding.what == "gap_share"
    assert content["verdict"] == "flagged"
    assert content["mismatch"]["compared"] is False


def test_what_the_task_found_stands_among_the_rest_in_order(scan, trained):
    sections = {
        name: Section({"measured": True}, (Finding(name, 1, [0, 0], f"{name}."),))
        for name in ("undershoot", "spread", "consistency")
    }
    content, findings = Trust(trained, None, {}, ()).examine(
        scan, predicted(scan, **sections)
    )
    assert [f.what for f in findings] == [
        *("consistency", "intensities", "signal_to_noise", "spread", "undershoot")
    ]
    assert [flag["what"] for flag in content["flags"]] == [f.what for f in findings]
    assert list(content) == [
        *("version", "verdict", "flags", "consistency", "mismatch", "spread"),
        *("undershoot", "notes", "provenance"),
    ]


def test_what_the_network_saw_is_compared_where_it_was_another(scan, trained):
    fine = dataclasses.replace(scan, affine=np.diag([0.2, 0.2, 0.7, 1]))
    trust = Trust(trained, None, {}, ())
    (flag,) = [f for f in trust.examine(fine, predicted(fine))[1] if "mm" in f.what]
    assert flag.what == "in_plane_mm"
    seen = dataclasses.replace(predicted(fine), seen=scan)
    content, findings = trust.examine(fine, seen)
    assert not [f for f in findings if "mm" in f.what]
    checks = {c["what"]: c["found"] for c in content["mismatch"]["checks"]}
    assert checks["in_plane_mm"] == [0.5, 0.5]


def test_tables_alone_have_no_file_to_hash(scan, trained, tmp_path):
    source, target = tmp_path / "scan.nii", tmp_path / "result"
    formats.write(source, scan)
    prediction = Prediction(None, {}, {}, "class 2", {"grades": [(2,)]})
    Trust(trained, None, {}, ()).write(source, target, scan, prediction)
    told = json.loads(trust_beside(target).read_text(encoding="utf-8"))
    assert told["provenance"]["output_sha256"] is None
    with pytest.raises(ValueError, match="no volume"):
        prediction.main  # noqa: B018


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
