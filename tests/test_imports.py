"""Imports point one way (docs: the rooms), and light modules stay light."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# Which rooms a room may import from, beside itself and third parties. Single modules of
# the top level are rooms of their own.
ALLOWED = {
    "beam": {"beam_worker", "extras", "storage"},
    "beam_worker": {"beam", "storage"},
    "imaging": {
        *("entry", "path_flags", "tables", "extras", "files", "paths", "wording"),
    },
    "config": {"config_fields", "imaging"},
    "config_fields": set(),
    "presets": {"config"},
    "pretrained": set(),
    "config_flags": {"config", "presets", "tables"},
    "entry": {"environment", "interruption"},
    "environment": {"files", "shadowing"},
    "extras": set(),
    "figure_style": set(),
    "files": set(),
    "hardware": set(),
    "interruption": set(),
    "keras_stack": set(),
    "lock_owner": set(),
    "locking": {"lock_owner", "storage"},
    "notes": set(),
    "path_flags": set(),
    "paths": {"files", "pretrained"},
    "progress_bar": set(),
    "rounding": set(),
    "shadowing": set(),
    "storage": set(),
    "tables": set(),
    "wording": set(),
    "workdir": {"config", "locking", "networks", "paths", "pretrained", "storage"},
    "training_set": {"config", "imaging", "storage", "workdir"},
    "pipeline": {"config", "imaging"},
    "networks": {"config", "keras_stack"},
    "training": {
        *("extras", "progress_bar"),
        *("config", "workdir", "imaging", "pipeline", "networks"),
        *("hardware", "interruption", "keras_stack", "storage", "training_set"),
    },
    "inference": {
        *("config", "entry", "files", "hardware", "workdir", "imaging", "networks"),
        "path_flags",
        "tables",
        "extras",
        *(
            "interruption",
            "locking",
            "notes",
            "paths",
            "progress_bar",
            "beam",
            "keras_stack",
            "pretrained",
            "rendering",
            "rounding",
            "storage",
            "training_set",
        ),
    },
    "rendering": {"figure_style", "imaging", "rounding"},
    "evaluation": {
        "figure_style",
        "files",
        "imaging",
        "progress_bar",
        "rendering",
        "rounding",
    },
    "reading": {
        *("entry", "evaluation", "extras", "files", "imaging", "paths", "rendering"),
        "figure_style",
        *("path_flags", "tables", "wording"),
    },
}
HEAVY = {"tensorflow", "keras"}
WITHOUT_TENSORFLOW = {
    *("imaging", "config", "config_fields", "presets", "config_flags", "entry"),
    *(
        "extras",
        "files",
        "interruption",
        "paths",
        "path_flags",
        "tables",
        "wording",
        "notes",
        "environment",
        "shadowing",
        "pretrained",
        "reading",
        "rendering",
    ),
}


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
        assert parts[0] != "records", f"{path} imports {name}"
        if parts[0] == "deepresolve" and here != "__init__" and len(parts) > 1:
            there = parts[1]
            allowed = ALLOWED[here] | {here, "__version__"}
            assert there in allowed, f"{path} imports {name}"
        if here in WITHOUT_TENSORFLOW:
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
            assert name.split(".")[1] in {
                "beam",
                "imaging",
                "entry",
                "interruption",
                "locking",
                "notes",
                "figure_style",
                "path_flags",
                "paths",
                "progress_bar",
                "storage",
                "tables",
                "wording",
                "__version__",
            }


def test_a_reader_study_is_prepared_and_analysed_without_tensorflow():
    # Through whatever the rooms import in turn.
    script = (
        "import sys, deepresolve.reading.analyse, deepresolve.reading.preparation\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_every_room_has_a_rule():
    rooms = {room_of(path) for path in modules("deepresolve")} - {"__init__"}
    assert rooms == set(ALLOWED)


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import deepresolve, records"],
        ["train.py", "--help"],
        ["evaluate.py", "--help"],
        ["-m", "records", "--help"],
        ["-m", "deepresolve.inference.export", "--help"],
        ["-m", "deepresolve.inference.export_onnx", "--help"],
        ["-m", "deepresolve.inference.predict", "--help"],
        ["-m", "deepresolve.imaging.write_phantom", "--help"],
        ["-m", "deepresolve.reading", "serve", "--help"],
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
