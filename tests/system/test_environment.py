"""What a machine is set up for, each in a process of its own; none loads TensorFlow."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepresolve.system import environment

ROOT = pathlib.Path(__file__).parents[2]
PINNED = ("MPLBACKEND", "KERAS_HOME", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS")
KERAS_HOME = str(ROOT / "deepresolve" / "system" / "keras_home")

# What a command finds once it is launched.
_COMMAND = """
import json, os, sys, warnings
from deepresolve.system import entry
def run():
    names = [n for n in os.environ if n.startswith(("KERAS", "MPL", "TF_", "PYTHON"))]
    print(json.dumps({**{n: os.environ[n] for n in names}, "path": sys.path,
                      "files": sys.getfilesystemencoding(), "options": sys.warnoptions,
                      "temporary": os.environ.get("TMPDIR")}))
entry.launch(run)
"""
_LIBRARY = """
import json, os
import deepresolve
print(json.dumps(dict(os.environ)))
"""


def started(script, folder=ROOT, **changes):
    """Runs a script in another environment; a variable of value None is unset."""
    environment = {"PYTHONPATH": str(ROOT), **os.environ, **changes}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={k: v for k, v in environment.items() if v is not None},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def found(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def keras_json(tmp_path, monkeypatch):
    """Where Keras looks for its settings."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path / "keras.json"


def test_a_command_takes_nothing_that_was_meant_for_other_work():
    foreign = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    foreign |= {"KERAS_BACKEND": "jax", "KERAS_HOME": "/nonexistent"}
    foreign |= {"TF_USE_LEGACY_KERAS": "1", "KERAS_MAX_EPOCHS": "1"}
    # As Python has it while it looks for the module of `python -m records`.
    begins = "import sys; sys.argv, sys.orig_argv = ['-m'], ['python', '-m', 'records']"
    result = started(f"{begins}\n{_COMMAND}", **foreign)
    pinned = found(result)
    assert [pinned[name] for name in PINNED] == ["Agg", KERAS_HOME, "tensorflow", "0"]
    assert "KERAS_MAX_EPOCHS" not in pinned
    assert result.stderr == ""


def test_keras_own_home_holds_what_the_networks_are_made_for():
    # As keras.json is without any: the documented defaults of Keras 2.15 and 3.
    settings = json.loads((pathlib.Path(KERAS_HOME) / "keras.json").read_text())
    assert settings == {
        "floatx": "float32",
        "epsilon": 1e-07,
        "backend": "tensorflow",
        "image_data_format": "channels_last",
    }


@pytest.mark.parametrize("option", ["error", "error::DeprecationWarning", "e"])
def test_warnings_do_not_end_a_command(option):
    warns = "def run():\n    warnings.warn('old', DeprecationWarning)"
    script = _COMMAND.replace("def run():", warns)
    result = started(script, PYTHONWARNINGS=option)
    assert "PYTHONWARNINGS" not in found(result)
    assert found(result)["options"] == []


def test_other_wishes_about_warnings_stay():
    pinned = found(started(_COMMAND, PYTHONWARNINGS="ignore::UserWarning"))
    assert pinned["options"] == ["ignore::UserWarning"]


def test_names_of_files_are_utf_8_whatever_the_locale():
    # Python itself sees to that in the C locale, unless it is told not to.
    ascii_names = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain = "import sys; print(sys.getfilesystemencoding())"
    assert started(plain, **ascii_names).stdout.strip() != "utf-8"
    assert found(started(_COMMAND, **ascii_names))["files"] == "utf-8"


@pytest.mark.parametrize("home", ["/proc/nonexistent", None])
def test_a_home_that_takes_no_files_gets_matplotlib_a_temporary_one(home, tmp_path):
    if home is None:  # a file in its place
        home = tmp_path / "home"
        home.touch()
    result = started(
        _COMMAND,
        HOME=str(home),
        TMPDIR=str(tmp_path),
        **dict.fromkeys(("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")),
    )
    folder = pathlib.Path(found(result)["MPLCONFIGDIR"])
    assert folder.parent == tmp_path
    assert not folder.exists()  # removed at the end
    assert result.stderr == ""


def test_a_temporary_folder_is_removed_where_an_error_ends_the_command(tmp_path):
    fails = _COMMAND.replace("def run():", "def run():\n    raise ValueError('no')")
    changes = {"MPLCONFIGDIR": "/proc/nonexistent", "TMPDIR": str(tmp_path)}
    assert started(fails, **changes).returncode == 1
    assert not list(tmp_path.iterdir())


def test_a_home_that_takes_files_is_left_as_it_is(tmp_path):
    unset = dict.fromkeys(("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"))
    assert "MPLCONFIGDIR" not in found(started(_COMMAND, HOME=str(tmp_path), **unset))
    assert not list(tmp_path.iterdir())


def test_a_temporary_folder_that_is_not_there_is_told(tmp_path):
    asked = tmp_path / "gone"
    result = started(_COMMAND, TMPDIR=str(asked))
    assert found(result)["temporary"] != str(asked)
    assert result.stderr.startswith(f"note: TMPDIR={asked} takes no files;")


def test_a_current_folder_that_is_gone_is_told(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    script = f"import os; os.rmdir({str(folder)!r})\n{_COMMAND}"
    result = started(script, folder=folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: The folder that this command is started in")


def test_closed_streams_do_not_end_a_command():
    script = f"import os, sys; sys.stdout = None\n{_COMMAND}"
    assert started(script).returncode == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"floatx": "bfloat7"}', "floatx must be one of float16, float32, float64"),
        ('{"image_data_format": "first"}', "image_data_format must be one of"),
        ('{"epsilon": 1}', "epsilon must be a number such as 1e-07; got 1"),
        ('{"epsilon": null}', "epsilon must be a number such as 1e-07; got None"),
        ('{"backend": "theano"}', "backend 'theano': Keras has tensorflow"),
        ("[]", "expected an object of settings; got []"),
    ],
)
def test_keras_settings_that_would_end_its_import_are_named(
    content, problem, keras_json
):
    keras_json.write_text(content)
    named = environment._problem_of_keras_json()
    assert named.startswith(f"{keras_json}: {problem}")


def test_keras_settings_that_would_end_its_import_are_replaced(tmp_path):
    (tmp_path / ".keras").mkdir()
    path = tmp_path / ".keras" / "keras.json"
    path.write_text('{"floatx": "bfloat7"}')
    unset = dict.fromkeys(("KERAS_HOME", "KERAS_BACKEND"))
    result = started(_LIBRARY, HOME=str(tmp_path), **unset)
    assert found(result)["KERAS_HOME"] == KERAS_HOME
    assert result.stderr.startswith(f"{path}: floatx must be one of float16, ")


def test_keras_settings_that_cannot_be_read_are_named(keras_json):
    keras_json.mkdir()
    assert f"{keras_json} cannot be read" in environment._problem_of_keras_json()


def test_who_imports_the_package_keeps_what_keras_can_do_with(tmp_path):
    settings = {"floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    changes = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": None}
    result = started(_LIBRARY, MPLBACKEND="QtAgg", **changes)
    assert found(result)["KERAS_HOME"] == str(tmp_path)
    assert found(result)["MPLBACKEND"] == "QtAgg"
    assert result.stderr == ""


def test_damaged_json_is_left_to_keras_which_passes_over_it(keras_json):
    keras_json.write_text("{")
    assert environment._problem_of_keras_json() is None


def test_backends_that_cannot_be_imported_are_told():
    changes = {"KERAS_BACKEND": "thean", "MPLBACKEND": "module://no_such_module"}
    result = started(_LIBRARY, **changes)
    assert found(result)["KERAS_BACKEND"] == "tensorflow"
    assert found(result)["MPLBACKEND"] == "Agg"
    keras, matplotlib = result.stderr.splitlines()
    assert keras.startswith("KERAS_BACKEND='thean': Keras has tensorflow, ")
    assert matplotlib.startswith("MPLBACKEND=module://no_such_module: this Python's")


@pytest.mark.parametrize(
    ("backend", "is_known"),
    [
        *(("Agg", True), ("QtAgg", True), ("module://json", True)),
        *(("module://no_such_module.backend", False), ("no_such_backend", False)),
    ],
)
def test_matplotlib_keeps_a_backend_that_it_knows(backend, is_known):
    assert environment._can_draw_by(backend) == is_known


def test_what_is_imported_already_is_left_alone():
    imported = "import sys, types; sys.modules['matplotlib'] = types.ModuleType('m')\n"
    result = started(imported + _LIBRARY, MPLBACKEND="no_such_backend")
    assert found(result)["MPLBACKEND"] == "no_such_backend"


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
_VALUES |= st.sampled_from(["float16", "channels_first", "tensorflow", 1e-7])
_SETTINGS = st.dictionaries(
    st.sampled_from(["floatx", "epsilon", "backend", "image_data_format", "other"]),
    _VALUES | st.lists(_VALUES, max_size=2),
)


@settings(
    deadline=None,
    max_examples=80,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=20) | _SETTINGS.map(lambda s: json.dumps(s).encode()))
def test_no_keras_json_ends_the_import_of_the_package(content, keras_json):
    keras_json.write_bytes(content)
    problem = environment._problem_of_keras_json()
    assert problem is None or problem.startswith(str(keras_json))


def test_a_keras_json_that_is_nested_too_deeply_is_told(keras_json):
    keras_json.write_text("[" * 100_000)
    assert "nested too deeply" in environment._problem_of_keras_json()
