import base64
import re
import typing
from html.parser import HTMLParser

import pytest

from deepresolve.reports import html
from deepresolve.reports.document import (
    Block,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Table,
)

PNG = b"\x89PNG\r\n\x1a\n and so on"
BLOCKS = [
    Heading("A <title> & more", level=1),
    Paragraph("p < 0.05 & <script>alert('x')</script>"),
    Table(("Measure", "Value"), (("<b>", "1.00"), ("c", "2.00"))),
    Facts({"records": 'gs://bucket/"a"<b>'}),
    Picture("a.png", 'A "picture"', "Read <it>."),
]
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Reads a page as a browser would, and checks that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data.strip())

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def page():
    return Page(html.render(BLOCKS, {"a.png": PNG}))


def test_text_is_shown_as_it_is_and_never_run(page):
    for text in (
        "A <title> & more",
        "p < 0.05 & <script>alert('x')</script>",
        "<b>",
        'gs://bucket/"a"<b>',
        "Read <it>.",
    ):
        assert any(text in words for words in page.words)
    assert not page.of("script")


def test_the_page_needs_nothing_else(page):
    for tag, attributes in page.elements:
        assert tag not in ("link", "script", "iframe", "object", "base")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "srcset"):
                assert value.startswith("data:")
    text = html.render(BLOCKS, {"a.png": PNG})
    assert not re.search(r"url\(|@import", text)


def test_pictures_are_inside(page):
    (picture,) = page.of("img")
    assert picture["alt"] == 'A "picture"'
    head, data = picture["src"].split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == PNG


def test_tables_have_headings_and_numbers_stand_right(page):
    columns = [a for a in page.of("th") if a["scope"] == "col"]
    rows = [a for a in page.of("th") if a["scope"] == "row"]
    assert [a.get("class") for a in columns] == [None, "number"]
    assert [a.get("class") for a in rows] == [None, None]
    assert [a.get("class") for a in page.of("td")] == ["number", "number"]


def test_the_title_is_that_of_the_document(page):
    assert page.words.count("A <title> & more") == 2  # of the window, and on the page
    assert page.of("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in page.of("meta")


def test_a_missing_picture_is_told():
    with pytest.raises(ValueError, match=r"shows a\.png; given are none"):
        html.render(BLOCKS, {})


@pytest.mark.parametrize("kind", typing.get_args(Block))
def test_every_part_of_a_document_has_its_markup(kind, page):
    shown = {"h1": Heading, "p": Paragraph, "table": Table, "dl": Facts, "img": Picture}
    (tag,) = (name for name, part in shown.items() if part is kind)
    assert page.of(tag)
