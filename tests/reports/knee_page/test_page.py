"""The page of a knee as parsers and a browser see it."""

import dataclasses
import html.parser
import json
import re
import struct
import zlib
from typing import NamedTuple

import numpy as np
import pytest

from deepresolve.reports import knee_page, thickness_figure

HOSTILE = "</script><script>alert(1)</script><!-- & \"'<img src=x onerror=alert(1)>"


class Finding(NamedTuple):
    text: str


class Page(html.parser.HTMLParser):
    """Elements with their attributes, the text of scripts by id, and of all else."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text, self._id = [], {}, "", None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._id = tag in ("script", "style") and dict(attributes).get("id", tag)

    def handle_endtag(self, tag):
        self._id = None

    def handle_data(self, data):
        if self._id:
            self.scripts[self._id] = self.scripts.get(self._id, "") + data
        else:
            self.text += data

    @property
    def facts(self):
        return json.loads(self.scripts["facts"])


def png():
    """A picture of one white pixel."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(b"\0\xff")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def rendered(measured, names, name="knee", **beside):
    supplement = knee_page.Supplement(**beside)
    return knee_page.render(measured.knee, measured.label, names, name, supplement)


def test_what_is_off_stands_before_the_numbers(left, names):
    page = Page(rendered(left, names, findings=(Finding("The mean is off."),)))
    numbers = page.text.index("Plates and their regions")
    assert page.text.index("The mean is off.") < numbers
    assert "No report" not in page.text
    (trust,) = (a for tag, a in page.elements if a.get("id") == "trust")
    assert trust["class"] == "warned"


def test_the_page_says_where_no_report_was_given(left, names):
    page = Page(rendered(left, names))
    assert "No report on how far the label map can be trusted was given" in page.text
    assert "The measurement has no remark" in page.text
    nothing = Page(rendered(left, names, findings=()))
    assert "The report on the label map found nothing" in nothing.text


def test_the_page_says_why_nothing_is_compared(left, names):
    changes = knee_page.Changes({}, "side was right and is <left>.")
    page = Page(rendered(left, names, changes=changes))
    assert "Change since the baseline side was right and is <left>." in " ".join(
        page.text.split()
    )
    assert "Change since" not in Page(rendered(left, names)).text


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_head_says_what_was_measured(request, side, names):
    measured = request.getfixturevalue(side)
    page = Page(rendered(measured, names))
    assert f"{side} knee: medial is towards" in page.text
    assert "100 x 100 x 60 voxels of 1.2 x 1.2 x 1.4 mm" in page.text
    assert "60 % of the way" in page.text and "DeepResolve 0." in page.text
    thickness = measured.knee.quantities["MT"]["ThCtAB_aMe"]
    row = re.search(r"Medial tibia MT\s+([\d.]+)", page.text)
    assert float(row[1]) == pytest.approx(thickness, abs=0.0051)


def test_a_side_that_nothing_tells_is_not_guessed(left, names):
    knee = dataclasses.replace(left.knee, side="")
    page = Page(knee_page.render(knee, left.label, names, "knee"))
    assert "not known: nothing tells what is medial" in page.text
    assert "left knee" not in page.text
    assert page.facts["surfaces"]["medial_is_right"] is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_is_the_one_of_the_tables(request, side, names):
    """Tags tell it where no region does: cartilage of a tibia in one piece."""
    measured = request.getfixturevalue(side)
    knee = dataclasses.replace(measured.knee, regions={})
    page = Page(knee_page.render(knee, measured.label, names, "knee"))
    assert f"{side} knee: medial is towards" in page.text
    # The patient's left knee has its medial side towards the right knee.
    assert page.facts["surfaces"]["medial_is_right"] == (side == "left")
    unsaid = dataclasses.replace(measured.label, space="unknown")
    page = Page(knee_page.render(knee, unsaid, names, "knee"))
    assert f"{side} knee: medial" in page.text
    assert "does not say how it lies in the patient" in page.text


def test_denuded_bone_has_the_colour_of_the_figure(left, names):
    """By the figure's own pixels; the shader and the legend take it from the page."""
    colour = thickness_figure.rgb(np.zeros(1), np.zeros(1, bool))[0]
    told = "#" + colour.tobytes().hex()
    text = rendered(left, names)
    assert Page(text).facts["surfaces"]["denuded"] == told
    assert f"--denuded: {told}" in text and "#ff4033" not in text


def test_hostile_names_are_text(left, names):
    hostile = dict.fromkeys(names, HOSTILE) | {1: names[1], 5: names[5]}
    text = rendered(
        left,
        hostile,
        HOSTILE,
        findings=(Finding(HOSTILE),),
        figures=(knee_page.Illustration(png(), HOSTILE, HOSTILE),),
    )
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    volumes = ["labels"]
    meshes = [m["id"] for m in page.facts["surfaces"]["meshes"]]
    places = [f"{m}-{part}" for m in meshes for part in ("vertices", "faces")]
    assert set(page.scripts) == {"style", "script", "facts", *volumes, *places}
    assert tags.count("img") == 1 and "onerror" not in dict(page.elements)["img"]
    assert page.text.count(HOSTILE) >= 3
    assert page.facts["slices"]["classes"][1]["name"] == HOSTILE


def test_nothing_comes_from_elsewhere(left, names):
    text = rendered(left, names, scan=left.image)
    page = Page(text)
    assert "://" not in text
    for word in ("fetch(", "XMLHttpRequest", "import(", "url(", "innerHTML", "eval("):
        assert word not in text
    for tag, attributes in page.elements:
        assert not {"href", "action", "srcset"} & set(attributes), tag
    policy = next(a for _, a in page.elements if "http-equiv" in a)["content"]
    assert policy.startswith("default-src 'none'")


def test_figures_are_pictures(left, names):
    figure = knee_page.Illustration(b"%PDF-1.4", "unrolled", "")
    with pytest.raises(ValueError, match="'unrolled': expected a PNG file"):
        rendered(left, names, figures=(figure,))


def test_intervals_are_told(left, names):
    assert "interval" not in Page(rendered(left, names)).text
    page = Page(rendered(left, names, intervals={"MT": {"ThCtAB_aMe": (1.6, 1.8)}}))
    assert "1.60 to 1.80" in page.text and "lower and upper end" in page.text
