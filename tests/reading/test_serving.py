import subprocess
import sys

import pytest

from deepresolve.reading import commands

_LIST_MODULES = """
import sys
from deepresolve.reading import serving
print(*sys.modules)
"""


def test_a_server_loads_nothing_heavy():
    pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
    loaded = subprocess.run(
        [sys.executable, "-c", _LIST_MODULES],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "waitress" in loaded
    heavy = {"tensorflow", "keras", "scipy", "skimage", "matplotlib", "nibabel"}
    assert not set(loaded) & heavy


def test_without_flask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "waitress", None)
    monkeypatch.delitem(sys.modules, "deepresolve.reading.serving", raising=False)
    with pytest.raises(ValueError, match=r"pip install '\.\[reading\]'"):
        commands.serve(None)
