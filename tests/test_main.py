"""`deepresolve COMMAND` as its user runs it."""

import importlib
import importlib.metadata
import pathlib
import runpy
import subprocess
import sys
from unittest import mock

import pytest

import deepresolve
from deepresolve import commands

ROOT = pathlib.Path(__file__).parents[1]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "deepresolve", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_without_a_command_it_shows_what_there_is(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.split()[0] for line in done.stdout.splitlines() if line[:2] == "  "]
    assert shown == list(commands.COMMANDS)


def test_says_its_version():
    done = run("--version")
    told = f"deepresolve {deepresolve.__version__}\n"
    assert (done.returncode, done.stdout) == (0, told)


def test_says_which_command_was_meant():
    done = run("predcit", "--input=a")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: There is no command predcit. Did you mean predict? "
        "See deepresolve --help.\n"
    )


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_a_page_of_help(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: deepresolve {name} " in done.stdout


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_says_which_flag_was_meant(name):
    own = {"records": "records", "reading": "study", "evaluate": "records"}.get(
        name, "output" if name != "train" else "workdir"
    )
    inner = {"records": ["verify"], "reading": ["serve"]}.get(name, [])
    done = run(name, *inner, f"--{own}x=a")
    assert done.returncode in (1, 2)
    assert f"Did you mean --{own}?" in done.stderr


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_without_arguments_shows_what_there_is(name):
    done = run(name)
    assert done.returncode in (1, 2)
    assert f"usage: deepresolve {name} " in done.stderr


@pytest.mark.parametrize(
    "name", ["train", "evaluate", "predict", "export", "export-onnx", "phantom"]
)
def test_every_command_that_writes_takes_o(name):
    assert ("-o, --output" in run(name, "--help").stdout) == (name != "train")


def test_the_console_script_is_the_module():
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    (script,) = setup.call_args.kwargs["entry_points"]["console_scripts"]
    name, value = script.split(" = ")
    found = importlib.metadata.EntryPoint(name, value, "console_scripts").load()
    assert name == "deepresolve"
    assert found is importlib.import_module("deepresolve.__main__").main
