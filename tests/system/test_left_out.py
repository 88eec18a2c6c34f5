import importlib
import sys

import pytest

from deepresolve.system.left_out import left_out


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Name of a package that can be imported, and is not yet."""
    (tmp_path / "hardly_needed.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield "hardly_needed"
    sys.modules.pop("hardly_needed", None)


def test_a_package_is_missing_within_and_there_afterwards(package):
    with left_out((package,)), pytest.raises(ImportError):
        importlib.import_module(package)
    assert importlib.import_module(package).__name__ == package


def test_an_error_brings_it_back(package):
    with pytest.raises(KeyError), left_out((package,)):
        raise KeyError
    importlib.import_module(package)


def test_what_is_there_stays(package):
    module = importlib.import_module(package)
    with left_out((package,)):
        assert importlib.import_module(package) is module
    assert sys.modules[package] is module
