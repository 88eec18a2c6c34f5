"""The page of a knee as parsers and a browser see it."""

import dataclasses
import html.parser
import json
import re
import struct
import zlib
from typing import NamedTuple

import pytest

from deepresolve.reports import knee_page
from deepresolve.reports.knee_page import tables

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
    unsaid = dataclasses.replace(left.label, space="unknown")
    page = Page(knee_page.render(left.knee, unsaid, names, "knee"))
    assert "not known: the file does not say how it lies in the patient" in page.text
    knee = dataclasses.replace(left.knee, regions={})
    page = Page(knee_page.render(knee, left.label, names, "knee"))
    assert "not known: no label tells what is medial" in page.text
    assert "left knee" not in page.text


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


def test_intervals_and_changes_are_told(left, names):
    plain = Page(rendered(left, names)).text
    assert "interval" not in plain and "earlier scan" not in plain
    page = Page(
        rendered(
            left,
            names,
            intervals={"MT": {"ThCtAB_aMe": (1.6, 1.8)}},
            changes={"MT": {"ThCtAB_aMe": tables.Change(-0.2, 0.1)}},
        )
    )
    assert "1.60 to 1.80" in page.text and "lower and upper end" in page.text
    assert re.search(r"changed -0\.20\s*detectable 0\.10", page.text)
