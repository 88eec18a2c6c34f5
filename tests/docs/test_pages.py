"""What the site's own build does not see: links of the pages outside of docs/."""

import re

import pytest
from doc_pages import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchor(heading):
    """What a heading's anchor is, on the site as on a forge."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.strip().replace(" ", "-")


def anchors(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {anchor(heading) for heading in headings}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        place, _, part = link.partition("#")
        target = ROOT / (place or name)
        assert target.exists(), link
        assert not part or part in anchors(target), link


def test_links_are_found():
    # That the search above can fail.
    links = LINK.findall((ROOT / "README.md").read_text("utf-8"))
    assert {"docs/one_scan.png", "docs/index.md#how-to"} <= set(links)


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages == set(LINK.findall(index)) & pages


def test_every_room_has_its_page_in_the_reference():
    described = "".join(
        path.read_text("utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    )
    for path in (ROOT / "deepresolve").iterdir():
        if (path / "__init__.py").is_file():
            assert f"::: deepresolve.{path.name}\n" in described, path.name
