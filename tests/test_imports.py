"""Imports point one way (docs: the rooms), and light modules stay light."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# Which rooms a room may import from, beside itself and third parties; each names only
# rooms above it in this table, so that no imports go round.
ALLOWED = {
    "system": set(),
    "imaging": {"system"},
    "simulation": {"imaging", "system"},
    "metrics": set(),
    "quantification": {"imaging", "system"},
    "config": {"imaging"},
    "networks": {"config", "system"},
    "runs": {"config", "imaging", "networks", "system"},
    "pipeline": {"config", "imaging"},
    "training": {
        *("config", "imaging", "metrics", "networks", "pipeline", "runs", "system"),
    },
    "inference": {"config", "imaging", "networks", "system"},
    "tasks": {
        *("config", "imaging", "inference", "metrics", "networks", "pipeline", "runs"),
        *("quantification", "system", "training"),
    },
    "presets": {"config", "system", "tasks"},
    "reports": {"imaging", "metrics", "quantification", "system"},
    "prediction": {
        *("config", "imaging", "inference", "metrics", "quantification", "reports"),
        *("runs", "system", "tasks"),
    },
    "serving": {
        *("config", "imaging", "inference", "prediction", "runs", "system", "tasks"),
    },
    "evaluation": {
        *("config", "imaging", "metrics", "networks", "presets", "quantification"),
        *("reports", "runs", "system", "tasks"),
    },
    "reading": {"evaluation", "imaging", "metrics", "reports", "system"},
    "api": {"imaging", "quantification", "tasks"},
    "commands": {
        *("config", "evaluation", "imaging", "prediction", "presets", "reading"),
        *("quantification", "reports", "runs", "serving", "simulation", "system"),
        *("tasks", "training"),
    },
    "__main__": {"commands", "system"},
}
# Scripts that lie in the package, so that an installation has them.
SCRIPTS = {"commands", "__main__"}
HEAVY = {"tensorflow", "keras"}
WITHOUT_TENSORFLOW = {
    *("imaging", "simulation", "metrics", "config", "presets", "reports", "reading"),
    "quantification",
}
# Of `system` these alone import it.
HEAVY_IN_SYSTEM = {"hardware.py", "keras_stack.py", "storage.py"}


# Keras on any backend will do for these; what needs TensorFlow asks `keras_stack`.
FOR_EVERY_BACKEND = ("networks", "training/optimizers.py", "inference/tiling.py")


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def room_of(path):
    return path.relative_to(ROOT / "deepresolve").parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", modules("deepresolve"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_library_imports_point_one_way(path):
    here = room_of(path)
    for name in imported_names(path):
        parts = name.split(".")
        assert here in SCRIPTS or parts[0] != "records", f"{path} imports {name}"
        if parts[0] == "deepresolve" and here != "__init__" and len(parts) > 1:
            there = parts[1]
            allowed = ALLOWED[here] | {here, "__version__"}
            assert there in allowed, f"{path} imports {name}"
        if here in WITHOUT_TENSORFLOW or (
            here == "system" and path.name not in HEAVY_IN_SYSTEM
        ):
            assert parts[0] not in HEAVY, f"{path} imports {name}"


@pytest.mark.parametrize("place", FOR_EVERY_BACKEND)
def test_what_runs_on_every_backend_imports_no_tensorflow(place):
    top = ROOT / "deepresolve" / place
    paths = [top] if top.suffix else modules(f"deepresolve/{place}")
    assert paths
    for path in paths:
        packages = {name.split(".")[0] for name in imported_names(path)}
        assert not packages & {"tensorflow", "jax", "torch"}, path


@pytest.mark.parametrize(
    "path", modules("records"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_records_use_only_the_rooms_below(path):
    for name in imported_names(path):
        if name.startswith("deepresolve."):
            rooms = {"system", "imaging", "simulation", "quantification", "reports"}
            rooms |= {"__version__"}
            assert name.split(".")[1] in rooms, f"{path} imports {name}"


def test_a_reader_study_is_prepared_and_analysed_without_tensorflow():
    # Through whatever the rooms import in turn.
    script = (
        "import sys, deepresolve.reading.analysis.analyse\n"
        "import deepresolve.reading.analysis.supplement\n"
        "import deepresolve.reading.study.preparation\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_predict_reaches_its_network_without_what_it_does_not_need():
    script = (
        "import sys\n"
        "from deepresolve.system import environment\n"
        "environment.pin()\n"
        "from deepresolve.prediction import batch, result_files\n"
        "from deepresolve.prediction.trust import report\n"
        "from deepresolve.tasks.super_resolution import predictor\n"
        "unneeded = ('matplotlib', 'sklearn', 'scipy.stats', 'scipy.signal')\n"
        "unneeded += ('scipy.interpolate', 'pydicom.sr', 'highdicom')\n"
        "print(sorted(set(unneeded) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("path", sorted((ROOT / "deepresolve/evaluation").glob("*.py")))
def test_measuring_knows_no_experiment(path):
    for name in imported_names(path):
        assert not name.startswith("deepresolve.evaluation.table_1"), path


def test_no_rule_lets_imports_go_round():
    order = list(ALLOWED)
    for room, others in ALLOWED.items():
        later = {other for other in others if order.index(other) >= order.index(room)}
        assert not later, f"{room} may import {later}, which stands below it"


def test_every_room_has_a_rule():
    rooms = {room_of(path) for path in modules("deepresolve")} - {"__init__"}
    assert rooms == set(ALLOWED)


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import deepresolve, records"],
        ["train.py", "--help"],
        ["evaluate.py", "--help"],
        ["-m", "deepresolve"],
        ["-m", "deepresolve", "train", "--help"],
        ["-m", "deepresolve", "evaluate", "--help"],
        ["-m", "deepresolve", "predict", "--help"],
        ["-m", "deepresolve", "export", "--help"],
        ["-m", "deepresolve", "export-onnx", "--help"],
        ["-m", "deepresolve", "records", "convert", "--help"],
        ["-m", "records", "--help"],
        ["-m", "deepresolve", "phantom", "--help"],
        ["-m", "deepresolve", "reading", "serve", "--help"],
    ],
    ids=" ".join,
)
def test_answers_without_loading_anything_heavy(command):
    timed = [sys.executable, "-X", "importtime", *command]
    result = subprocess.run(timed, cwd=ROOT, capture_output=True, text=True)
    loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "argparse" in loaded or "absl" in loaded or "deepresolve" in loaded
    heavy = {"tensorflow", "keras", "scipy", "skimage", "matplotlib", "nibabel"}
    assert not loaded & heavy
