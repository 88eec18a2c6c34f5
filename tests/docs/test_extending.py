"""The examples of docs/extending.md work as they stand, by the tables' own tests."""

import sys
import types

import numpy as np
import pytest
from docs.pages import ROOT, blocks, run
from imaging.formats.test_format_table import ARRAY, check_entry
from metrics.test_table import broken_promises

from deepresolve.imaging import format_table, formats
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS, Metric

PAGE = ROOT / "docs" / "extending.md"


def example(heading):
    """The blocks of a section by their titles."""
    found = {block.title: block for block in blocks(PAGE, heading)}
    assert found
    return found


def module_of(block, monkeypatch):
    """The block as the module that its title says."""
    name = block.title.removesuffix(".py").replace("/", ".")
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    run(block, PAGE, vars(module))
    return module


def line_of(block, **names):
    """The line of a table: its name, and its entry."""
    [(name, entry)] = eval(f"{{{block.text}}}", names).items()  # noqa: S307
    return name, entry


def test_a_metric(monkeypatch):
    found = example("A metric")
    image = module_of(found["deepresolve/metrics/image.py"], monkeypatch)
    name, entry = line_of(found["a line of METRICS"], Metric=Metric, image=image)
    assert name not in METRICS
    assert list(broken_promises(name, entry)) == []
    ones = np.ones((2, 3, 4))
    assert entry.function(ones, ones * 1.5) == 0.5
    with pytest.raises(ValueError, match="one shape"):
        entry.function(ones, ones[1:])


def test_a_file_format(monkeypatch, tmp_path):
    found = example("A file format")
    title = "deepresolve/imaging/formats/plain.py"
    module_of(found[title], monkeypatch)
    name, where = line_of(found["a line of FORMATS"])
    monkeypatch.setitem(format_table.FORMATS, name, where)
    sample = tmp_path / "scan.plain"
    spacing = np.diag([0.5, 0.5, 2.0, 1.0])
    formats.write(sample, Volume(ARRAY.astype(np.float32), spacing))
    check_entry(format_table.named(name), sample, tmp_path)
    assert formats.find_scans(tmp_path)[0] == sample
    assert formats.read_image(sample).slice_axis == 2
    sample.write_bytes(sample.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut short"):
        formats.read_image(sample)


def test_every_example_is_tried():
    tried = {"A metric", "A file format"}
    headings = {
        line[3:] for line in PAGE.read_text("utf-8").splitlines() if line[:3] == "## "
    }
    assert headings == tried
