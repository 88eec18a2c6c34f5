"""evaluate.py as its user runs it: in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

ROOT = pathlib.Path(__file__).parent.parent


def run(*command):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def evaluate(*flags):
    return run("evaluate.py", *flags)


@pytest.fixture(scope="module")
def records_dir(tmp_path_factory):
    """Two smooth random scans of 24 x 22 x 20 voxels, both in the test split."""
    from records import conversion
    from records.datasets.folder import Folder

    source = tmp_path_factory.mktemp("scans")
    for seed in range(2):
        noise = np.random.default_rng(seed).standard_normal((24, 22, 20))
        smooth = ndimage.gaussian_filter(noise, 1.5)
        voxels = (1000 + 300 * smooth / smooth.std()).astype(np.int16)
        image = nib.Nifti1Image(voxels, np.diag([0.5, 0.5, 0.8, 1.0]))
        image.to_filename(source / f"knee{seed}.nii.gz")
    output = tmp_path_factory.mktemp("records")
    recipe = conversion.Recipe("folder", Folder(str(source)), split=(0.0, 0.0, 100.0))
    conversion.convert(recipe, str(output))
    return str(output)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run whose network is untrained and adds exactly nothing."""
    from deepresolve import presets
    from deepresolve.networks import build_model
    from deepresolve.workdir import Workdir

    config = presets.get("sr_cnn").replace(num_layers=2, num_features=2)
    model = build_model(config)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    run_folder = Workdir(str(tmp_path_factory.mktemp("run")))
    run_folder.start(config)
    run_folder.save_model(model, "best")
    return run_folder.path


def test_report_of_a_network_that_adds_nothing(records_dir, workdir, tmp_path):
    output = tmp_path / "report"
    done = evaluate(
        f"--records={records_dir}", f"--sr_workdir={workdir}", f"--output={output}"
    )
    assert done.returncode == 0, done.stderr
    names = ["report.json", "report.md", "subjects.csv", "super_resolution.png"]
    assert sorted(path.name for path in output.iterdir()) == names
    assert all(str(output / name) in done.stdout for name in names)
    assert "| SSIM (x100)" in done.stdout

    content = json.loads((output / "report.json").read_text())
    means = {(r["metric"], r["image_set"]): r["mean"] for r in content["rows"]}
    for metric in ("ssim", "psnr"):
        assert means[metric, "sr"] == pytest.approx(means[metric, "tci"], abs=1e-5)
    provenance = content["provenance"]
    assert provenance["records"] == records_dir
    assert (provenance["split"], provenance["preset"]) == ("test", "sr_cnn")
    assert len(provenance["records_sha256"]) == 64
    assert {"deepresolve", "tensorflow", "keras", "scipy", "skimage"} <= set(provenance)
    # Two layers are not the published network, whatever preset they came from.
    assert "79.1 ± 1.3" not in (output / "report.md").read_text(encoding="utf-8")


def test_an_error_is_one_line_and_leaves_no_file(records_dir, workdir, tmp_path):
    output = tmp_path / "report"
    done = evaluate(
        f"--records={records_dir}",
        f"--sr_workdir={workdir}",
        f"--output={output}",
        "--downsample_factor=2",
    )
    assert done.returncode == 1
    assert "error: The network was trained for downsample factors (3,)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_unknown_flags_are_refused():
    done = evaluate("--records=a", "--sr_workdir=b", "--output=c", "--spilt=test")
    assert done.returncode == 1
    assert "spilt" in done.stderr


def test_help_does_not_load_tensorflow():
    done = run("-c", "import evaluate, sys; print('tensorflow' in sys.modules)")
    assert done.stdout == "False\n", done.stderr
    assert "--sr_workdir" in evaluate("--help").stdout
