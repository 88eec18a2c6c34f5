"""The tutorial runs from its first line to its last, and prints what the page says."""

import re

import matplotlib.image
import pytest
from doc_pages import ROOT, blocks, run

PAGE = ROOT / "docs" / "tutorial.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Of a number that is printed; bfloat16 moves the last digits on some processors.
TOLERANCE = 0.02


def assert_alike(printed, expected):
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", expected)
    numbers = [list(map(float, NUMBER.findall(text))) for text in (printed, expected)]
    assert numbers[0] == pytest.approx(numbers[1], rel=TOLERANCE)


def test_the_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, printed, compared = {}, "", 0
    for block in blocks(PAGE):
        if block.language == "python":
            assert not printed, f"before line {block.line} is printed: {printed}"
            printed = run(block, PAGE, namespace)
        else:
            assert_alike(printed, block.text)
            printed = ""
            compared += 1
    assert compared == 5
    drawn = matplotlib.image.imread(tmp_path / "knee.png")
    shown = matplotlib.image.imread(ROOT / "docs" / "knee.png")
    assert drawn.shape == shown.shape
    assert {path.name for path in tmp_path.iterdir()} == {
        *("clinical.nii.gz", "cartilage.nii.gz", "knee.png")
    }


@pytest.mark.parametrize("printed", ["Dice 88.1 %\n", "Dice 95.2 mm\n", "Dice\n"])
def test_what_differs_is_seen(printed):
    with pytest.raises(AssertionError):
        assert_alike(printed, "Dice 95.2 %\n")
