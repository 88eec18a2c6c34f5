"""Names that a user's folder has in common with what we import."""

import os
import pathlib
import subprocess
import sys

import pytest

from deepresolve.system import shadowing

ROOT = pathlib.Path(__file__).parents[2]
_COMMANDS = ["records", "deepresolve", "deepresolve predict", "deepresolve reading"]


def run(*arguments, folder, path=ROOT):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", _COMMANDS)
def test_files_in_the_current_folder_are_not_imported(command, tmp_path):
    # Of the standard library and of ours; imported early, late, and by absl.
    for name in ("random", "tempfile", "pathlib", "keras", "numpy", "absl", "uuid"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not meant')")
    for name in ("tensorflow", "records", "deepresolve"):
        (tmp_path / name).mkdir()
    result = run("-m", *command.split(), "--help", folder=tmp_path)
    assert "RuntimeError" not in result.stderr
    assert result.returncode == 0
    assert "usage:" in result.stdout


def test_the_current_folder_stays_where_the_package_lies_in_it():
    assert run("-mrecords", "--help", folder=ROOT, path="").returncode == 0


def test_a_script_that_starts_as_commands_do_keeps_its_own_folder(tmp_path):
    (tmp_path / "beside.py").touch()
    script = "import sys\nfrom deepresolve import shadowing\n"
    script += "shadowing.leave_out_current_folder()\nimport beside\n"
    (tmp_path / "script.py").write_text(script)
    result = run("script.py", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_another_program_that_uses_the_package_finds_its_own_modules(tmp_path):
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__init__.py").write_text("import deepresolve")
    (tmp_path / "program" / "main.py").write_text("import helper")
    (tmp_path / "helper.py").touch()
    result = run("-m", "program.main", "records", folder=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("arguments", "given", "is_ours"),
    [
        (["python", "-m", "records", "convert"], ["-m", "convert"], True),
        (["python", "-Imdeepresolve", "reading"], ["-m", "reading"], True),
        (["python", "-X", "dev", "-m", "deepresolve", "a"], ["-m", "a"], True),
        (["python", "-m", "pytest", "records"], ["-m", "records"], False),
        (["python", "-mpytest"], ["-m"], False),
        (["python", "-c", "pass"], ["-c"], False),
        (["python", "train.py"], [str(ROOT / "train.py")], True),
        (["python", "/opt/bin/deepresolve"], ["/opt/bin/deepresolve"], True),
        (["python", "mine.py"], ["/home/anna/train.py"], False),
        (["python"], [""], False),
    ],
)
def test_our_commands_are_known(arguments, given, is_ours, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", arguments)
    monkeypatch.setattr(sys, "argv", given)
    assert shadowing.is_command() == is_ours


def test_who_imports_the_package_imports_from_the_current_folder_as_before(tmp_path):
    (tmp_path / "own.py").touch()
    assert run("-c", "import deepresolve, own", folder=tmp_path).returncode == 0


# As an editable install of setuptools does it: it is found last of all, and a mere
# folder of the package's name hides it, though not its modules by their full names.
_EDITABLE = f"""
import importlib.util, pathlib, sys
sys.path[:] = ["", *(p for p in sys.path if p != {str(ROOT)!r})]
class Editable:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in ("deepresolve", "records"):
            place = pathlib.Path({str(ROOT)!r}, *name.split("."))
            package = place / "__init__.py"
            file = package if package.exists() else place.with_suffix(".py")
            return importlib.util.spec_from_file_location(name, file)
sys.meta_path.append(Editable)
"""


def test_a_folder_that_hides_the_package_is_told(tmp_path):
    (tmp_path / "deepresolve").mkdir()
    # As Python has it while it looks for the module of `python -m records`.
    script = f"{_EDITABLE}\nsys.argv = ['-m']\nimport records"
    # Without the site-packages, where a whole one may lie.
    result = run("-Sc", script, folder=tmp_path, path="")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert str(tmp_path / "deepresolve") in result.stderr
    assert "pip install ." in result.stderr
    # Who imports the package gets an error of Python's own kind.
    result = run("-Sc", f"{_EDITABLE}\nimport records", folder=tmp_path, path="")
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path}/deepresolve hides the package")


def test_a_folder_that_hides_half_of_the_package_is_told(tmp_path):
    (tmp_path / "deepresolve").mkdir()
    script = (
        f"{_EDITABLE}\nfrom deepresolve.system import entry\nentry.launch(lambda: 0)"
    )
    result = run("-c", script, folder=tmp_path, path="")
    assert result.returncode == 1, result.stderr
    assert f"error: {tmp_path}/deepresolve hides the package" in result.stderr
    assert "pip install ." in result.stderr


def test_a_module_of_the_same_name_beside_ours_is_told(tmp_path):
    for name in ("records", "deepresolve"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "records.py").touch()  # as the PyPI package `records` has it
    result = run("-m", "records", "--help", folder=tmp_path, path=tmp_path)
    assert result.returncode == 0
    assert f"{tmp_path}/records.py" in result.stderr
