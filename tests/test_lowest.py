"""What CI takes for the lowest versions that setup.py allows."""

import importlib.util
import pathlib

import pytest

pytest.importorskip("setuptools", reason=".ci/lowest.py needs setuptools")

SCRIPT = pathlib.Path(__file__).parent.parent / ".ci" / "lowest.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("lowest", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_bound_becomes_one_version(script):
    found = script.lowest(
        ["a>=1.2", "a[x]>=1.10,<2", "a>=1.9", "b-c==3.0", "d<2", "e>=2,!=2.1.*"]
    )
    assert found == {"a": "1.10", "b-c": "3.0", "e": "2"}


def test_what_follows_tensorflow_is_left_to_pip(script):
    assert script.lowest(["tensorboard>=2.15", "tensorflow>=2.16.1"]) == {
        "tensorflow": "2.16.1"
    }


@pytest.mark.parametrize("stack", ["keras3", "addons"])
def test_every_package_of_setup_has_a_lowest_version(script, stack, capsys):
    script.main(f"{stack},test")
    pins = dict(line.split("==") for line in capsys.readouterr().out.splitlines())
    assert {"numpy", "tensorflow", "keras", "pydicom", "highdicom"} <= pins.keys()
    assert (pins["tensorflow"] >= "2.16") == (stack == "keras3")
    needed = script.requirements(f"{stack},test")
    names = {script.NAME.match(text)[0] for text in needed}
    assert names == pins.keys() | script.FOLLOWERS
