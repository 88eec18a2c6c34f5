import argparse
import os
import pathlib
import subprocess
import sys

import pytest
from absl import flags

from deepresolve.system import path_flags


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("~/x", "/home/anna/x"),
        ("~", "/home/anna"),
        ("~/a b/[x=1]/é", "/home/anna/a b/[x=1]/é"),
        ("./~/x", "./~/x"),
        ("x/~/y", "x/~/y"),
        ("gs://bucket/~x", "gs://bucket/~x"),
        ("pretrained:sr", "pretrained:sr"),
        ("x/", "x/"),
    ],
)
def test_a_home_is_meant_at_the_beginning_alone(given, meant):
    assert path_flags.expand(given) == meant


def test_another_users_home():
    root = os.path.expanduser("~root")  # noqa: PTH111
    assert path_flags.expand("~root/x") == f"{root}/x"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("~no_such_user/x", r"home ~no_such_user\..* is \./~no_such_user/x"),
        ("", "the path is empty"),
    ],
)
def test_what_is_no_path_is_told_by_flag(given, message):
    values = flags.FlagValues()
    flags.DEFINE(path_flags._Parser(), "output", None, "Out.", values)
    with pytest.raises(flags.IllegalFlagValueError, match=f"--output=.*{message}"):
        values(["program", f"--output={given}"])
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        path_flags.text(given)


def test_a_local_path_for_argparse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=path_flags.path)
    assert parser.parse_args(["--output=~/x"]).output == pathlib.Path("/home/anna/x")


def test_help_of_a_command_lists_its_paths():
    # Not in this process: its flags are for the whole of it.
    command = [sys.executable, "-m", "deepresolve", "export", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    assert "--output: Folder of the model" in shown
    assert "(a path; ~ is your home)" in shown


_PATHS = {
    *("input", "output", "label_output", "workdir", "records", "preview"),
    *(
        "sr_workdir",
        "seg_workdir",
        "benchmark_workdir",
        "reading",
        "scan",
        "peer_python",
    ),
}


@pytest.mark.parametrize(
    "script", ["train.py", "evaluate.py", "benchmarks", "deepresolve"]
)
def test_no_path_is_a_mere_string(script):
    place = pathlib.Path(__file__).parents[2] / script
    for file in [place] if place.suffix else place.rglob("*.py"):
        source = file.read_text()
        for name in _PATHS:
            assert f'DEFINE_string("{name}"' not in source.replace("\n    ", ""), file
