"""The page as parsers and a browser see it."""

import base64
import gzip
import html.parser
import json
import pathlib

import numpy as np
import pytest

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.reports import heat_scale
from deepresolve.reports.preview import ImagePreview, LabelMapPreview
from deepresolve.reports.preview import page as preview_page

HOSTILE = "</script><script>alert(1)</script><!-- & \"'.nii"


class Page(html.parser.HTMLParser):
    """Elements with their attributes, and the text of scripts by id."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self._id = [], {}, None
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._id = tag == "script" and dict(attributes).get("id", "code")

    def handle_endtag(self, tag):
        self._id = None

    def handle_data(self, data):
        if self._id:
            self.scripts[self._id] = self.scripts.get(self._id, "") + data
        elif self.elements and self.elements[-1][0] == "title":
            self.title += data

    def volume(self, name, shape):
        """(slices, rows, columns) uint8, unpacked by the standard library."""
        stored = gzip.decompress(base64.b64decode(self.scripts[name], validate=True))
        differences = np.frombuffer(stored, np.uint8).reshape(shape)
        return np.cumsum(differences, axis=2, dtype=np.uint8)


def written(tmp_path, preview):
    path = tmp_path / "page.html"
    preview_page.write(path, preview)
    return path.read_text(encoding="utf-8")


def test_page_holds_scan_and_result_in_8_bits(super_resolved, tmp_path):
    page = Page(written(tmp_path, super_resolved))
    facts = json.loads(page.scripts["facts"])
    scan, result = super_resolved.scan, super_resolved.result
    scale = estimate_scale(scan.array)
    assert facts["range"] == [scale.low, scale.high]
    assert facts["shape"] == list(result.shape)
    for name, volume in (("scan", scan), ("result", result)):
        array = np.moveaxis(volume.array, 2, 0)
        share = (array - scale.low) / (scale.high - scale.low)
        expected = np.rint(255 * np.clip(share, 0, 1))
        found = page.volume(name, array.shape)
        assert np.abs(found - expected).max() <= 1  # a half may round either way
        assert (found != expected).mean() < 0.01


def test_page_tells_how_any_grid_lies_among_the_acquired_slices(thick, tmp_path):
    thin = thick.resliced(np.ones((20, 24, 12)), step=0.4, first=-0.3)
    page = Page(written(tmp_path, ImagePreview(thick, thin, "a.nii", "b.nii")))
    facts = json.loads(page.scripts["facts"])
    nearest = facts["volumes"][0]["nearest"]
    # From right to left, as both are shown, at -0.1, 0.3, ..., 4.3 slices of 3 mm.
    assert nearest == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]
    sagittal, coronal, _ = facts["planes"]
    assert sagittal["captions"][:2] == [
        "0.3 mm from where slice 1 was acquired",
        "0.9 mm from where slice 1 was acquired",
    ]
    # A quarter of 1.2 mm after the first one, and then 2.5 apart.
    assert coronal["ticks"]["along"] == "columns"
    assert coronal["ticks"]["at"] == [0.25, 2.75, 5.25, 7.75, 10.25]


def test_page_holds_labels_as_they_are(segmented, tmp_path):
    page = Page(written(tmp_path, segmented))
    expected = np.moveaxis(segmented.result.array, 2, 0)
    np.testing.assert_array_equal(page.volume("labels", expected.shape), expected)
    before, after = json.loads(page.scripts["facts"])["images"]
    assert before["overlay"] is None
    classes = after["overlay"]["classes"]
    assert [c["name"] for c in classes] == ["femoral cartilage", "menisci"]
    assert [c["volume_mm3"] for c in classes] == [mm3 for _, mm3 in segmented.classes]
    assert "result" not in page.scripts


def test_page_holds_where_a_network_looked(graded, tmp_path):
    page = Page(written(tmp_path, graded))
    facts = json.loads(page.scripts["facts"])
    for number, id_ in enumerate(("heat0", "heat1")):
        heat = graded.looked[number].look().canonical().array
        expected = np.moveaxis(np.where(heat == 1, 255, 64), 2, 0)
        np.testing.assert_array_equal(page.volume(id_, expected.shape), expected)
    told = facts["answers"]
    assert (told["chosen"], told["plane"]) == (1, 0)
    acl, meniscus = told["answers"]
    assert acl["question"] == "acl above 0"
    assert meniscus["grade"] == "meniscus: grade 1 of 0 to 1"
    assert (acl["probability"], meniscus["probability"]) == (0.25, 0.75)
    # Shown from the right, which is the last slice of the scan.
    assert meniscus["of_slices"] == [0.125, 0.875, 0.125, 0.125, 0.125]
    assert meniscus["starts"] == [facts["planes"][n]["start"] for n in range(3)]
    before, after = facts["images"]
    assert before["overlay"] is None
    assert after["overlay"]["labels"] == "heat1"
    assert after["overlay"]["heat"]["colours"] == heat_scale.colours()


def test_nothing_comes_from_elsewhere(super_resolved, segmented, graded, tmp_path):
    for preview in (super_resolved, segmented, graded):
        text = written(tmp_path, preview)
        page = Page(text)
        assert "://" not in text
        for word in ("fetch(", "XMLHttpRequest", "import(", "url(", "WebSocket"):
            assert word not in text
        for _, attributes in page.elements:
            assert not {"src", "href", "action", "srcset"} & set(attributes)
        policy = next(a for _, a in page.elements if "http-equiv" in a)["content"]
        assert policy.startswith("default-src 'none'")


def test_hostile_names_are_text(thick, thin, label_map, tmp_path):
    names = ("<img src=x onerror=alert(1)>", "</script><b>")
    preview = LabelMapPreview(thin, label_map, HOSTILE, "\udcff\n.nii", names)
    text = written(tmp_path, preview)
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 4 and "img" not in tags and "b" not in tags
    facts = json.loads(page.scripts["facts"])
    assert facts["files"][0][1] == HOSTILE
    classes = facts["images"][1]["overlay"]["classes"]
    assert [c["name"] for c in classes] == list(names)
    assert page.title.startswith(HOSTILE)


@pytest.fixture
def opened(new_browser, tmp_path):
    """Opens the page of a preview; in it, `viewer` is the viewer."""

    def open_page(preview):
        written(tmp_path, preview)
        browser = new_browser()
        browser.get(pathlib.Path(tmp_path, "page.html").as_uri())
        browser.execute_async_script(
            "const done = arguments[0];"
            "started.then((made) => { window.viewer = made; done(); })"
        )
        return Opened(browser)

    return open_page


class Opened:
    """A page in a browser."""

    def __init__(self, browser):
        self.browser = browser
        self.panes = browser.find_elements("css selector", ".pane canvas")

    def settled(self, script, *arguments):
        """What a script returns, once all that waits is drawn."""
        frame = "requestAnimationFrame(() => setTimeout(arguments[0]))"
        self.browser.execute_async_script(frame)
        return self.browser.execute_script(script, *arguments)

    def heading(self, plane):
        script = "return document.querySelectorAll('h2')[arguments[0]].textContent"
        return self.settled(script, plane)

    def window(self):
        return self.settled("return document.querySelector('.window').textContent")

    def help(self):
        return self.settled("return document.querySelector('.help').textContent")

    def shown(self):
        """Which panes are shown."""
        self.settled("return 0")
        return [n for n, pane in enumerate(self.panes) if pane.is_displayed()]

    def drag(self, pane, right, down, button=0):
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        chain = ActionBuilder(self.browser)
        pointer = chain.pointer_action
        pointer.move_to(self.panes[pane]).pointer_down(button).move_by(right, down)
        pointer.pointer_up(button)
        chain.perform()

    def greys(self, plane, row, column):
        """In the middle of a voxel of the plane's input and output, as drawn."""
        return self.settled(_GREYS, plane, row, column)


_GREYS = """
const [plane, row, column] = arguments;
return viewer.panes.filter(({ number }) => number === plane).map((pane) => {
  const { left, top, columnSize, rowSize } = pane.frame;
  const at = [left + (column + 0.5) * columnSize, top + (row + 0.5) * rowSize];
  return pane.context.getImageData(...at.map(Math.round), 1, 1).data[0];
});
"""


def test_a_browser_shows_the_slices_that_python_cuts(opened, thick, thin):
    """A bright block, in the middle of it and beside it, in all three planes."""
    scan = thick.with_array(np.full(thick.shape, 100, np.int16))
    result = thin.with_array(np.full(thin.shape, 100, np.int16))
    scan.array[5:9, 15:19, 1], result.array[5:9, 15:19, 3] = 900, 900
    preview = ImagePreview(scan, result, HOSTILE, "thin.nii.gz")
    page = opened(preview)
    for number, plane in enumerate(("sagittal", "coronal", "axial")):
        brightest = max(
            range(preview.num_slices(plane)),
            key=lambda index: preview.pair(plane, index).after.astype(int).sum(),
        )
        page.settled("viewer.moveTo(arguments[0], 2, arguments[1])", number, brightest)
        pair = preview.pair(plane, brightest)
        for pixels, side in ((pair.before, 0), (pair.after, 1)):
            rows, columns = np.nonzero(pixels == 900)
            middle = int(np.median(rows)), int(np.median(columns))
            assert page.greys(number, *middle)[side] > 200
            beside = (middle[0] + 9) % pixels.shape[0], middle[1]
            assert page.greys(number, *beside)[side] < 60
    header = page.browser.find_element("css selector", "header b")
    assert header.text.startswith("</script>")


def test_wheel_and_keys_scroll(opened, super_resolved):
    from selenium.webdriver import ActionChains, Keys

    page = opened(super_resolved)
    assert page.heading(0) == "Sagittal 7 of 13, where slice 3 was acquired"
    wheel = (
        "arguments[0].dispatchEvent("
        "new WheelEvent('wheel', {deltaY: -400, bubbles: true}))"
    )
    page.settled(wheel, page.panes[0])
    away = "Sagittal 3 of 13, 1 mm from where slice 2 was acquired"
    assert page.heading(0) == away
    keys = ActionChains(page.browser).move_to_element(page.panes[0])
    keys.send_keys(Keys.ARROW_DOWN).perform()
    assert page.heading(0) == "Sagittal 4 of 13, where slice 2 was acquired"
    for key, slice_number in ((Keys.PAGE_DOWN, 13), (Keys.HOME, 1), (Keys.END, 13)):
        ActionChains(page.browser).send_keys(key).perform()
        assert page.heading(0).startswith(f"Sagittal {slice_number} of 13")
    ActionChains(page.browser).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN).perform()
    assert page.heading(1) == "Coronal 12 of 20"  # the middle one is 11


def test_each_gesture_does_its_own(opened, super_resolved):
    """Drag: the cursor; right drag: the window; double click: one pane large."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.mouse_button import MouseButton

    page = opened(super_resolved)
    window, coronal = page.window(), page.heading(1)
    page.drag(0, 40, 10)
    assert page.window() == window
    assert page.heading(1) != coronal
    coronal = page.heading(1)
    page.drag(0, 60, 30, MouseButton.RIGHT)
    assert page.window() != window
    assert page.heading(1) == coronal
    ActionChains(page.browser).send_keys("r").perform()
    assert page.window() == window
    ActionChains(page.browser).double_click(page.panes[3]).perform()
    assert page.shown() == [3]
    ActionChains(page.browser).send_keys("3").perform()
    assert page.shown() == [4, 5]
    ActionChains(page.browser).send_keys("0").perform()
    assert page.shown() == list(range(6))


def test_labels_are_outlined_filled_and_left_out(opened, segmented):
    from selenium.webdriver import ActionChains

    page = opened(segmented)
    picture = "return viewer.panes.map(({ canvas }) => canvas.toDataURL())"
    pictures = []
    for _ in range(4):
        pictures.append(page.settled(picture))
        ActionChains(page.browser).send_keys("l").perform()
    outlined, filled, without, again = pictures
    assert outlined == again
    for plane in range(3):
        before, after = 2 * plane, 2 * plane + 1
        assert outlined[before] == filled[before] == without[before]
        assert without[after] == without[before]
        assert len({outlined[after], filled[after], without[after]}) == 3
    assert "outlines" in page.help()


def test_a_page_without_labels_offers_no_outlines(opened, super_resolved):
    page = opened(super_resolved)
    assert "outlines" not in page.help()


_COLOUR = """
const [number, row, column] = arguments;
const pane = viewer.panes.find((one) => one.number === number && one.place === 1);
const { left, top, columnSize, rowSize } = pane.frame;
const at = [left + (column + 0.5) * columnSize, top + (row + 0.5) * rowSize];
return [...pane.context.getImageData(...at.map(Math.round), 1, 1).data].slice(0, 3);
"""


def test_colours_lie_where_python_says(opened, graded):
    """With square voxels: at the place that was looked at, and beside it."""
    page = opened(graded)
    page.settled("viewer.toggle('smooth'); viewer.toggle('marks')")
    table = heat_scale.table().astype(float)
    for number, plane in enumerate(("sagittal", "coronal", "axial")):
        index = graded.first_shown[plane]
        pair = graded.pair(plane, index)
        row, column = np.argwhere(pair.heat == 255)[0]
        for at, stored in (((row, column), 255), ((row - 3, column), 64)):
            grey, colour = (
                page.greys(number, *at)[0],
                page.settled(_COLOUR, number, *at),
            )
            share = table[stored, 3] / 255
            expected = (1 - share) * grey + share * table[stored, :3]
            np.testing.assert_allclose(colour, expected, atol=2)


def test_one_chooses_an_answer_and_goes_to_a_slice(opened, graded):
    from selenium.webdriver import ActionChains

    page = opened(graded)
    buttons = page.browser.find_elements("css selector", ".answers button")
    assert [b.text for b in buttons] == ["acl above 0: 0.25", "meniscus above 0: 0.75"]
    told = page.browser.find_element("css selector", ".graph").text
    assert told == "Each slice alone, 0 to 1; decided by slice 2: 0.88"
    assert page.heading(0) == "Sagittal 2 of 5, slice 3 in the tables"
    chosen = "return document.querySelector('.answers button.on').textContent"
    picture = "return viewer.panes[1].canvas.toDataURL()"
    first = page.settled(picture)
    ActionChains(page.browser).send_keys("n").perform()
    assert page.settled(chosen) == "acl above 0: 0.25"
    assert page.heading(0) == "Sagittal 4 of 5, slice 1 in the tables"
    buttons[1].click()
    assert page.settled(picture) == first
    bars = page.browser.find_elements("css selector", ".bars i")
    assert len(bars) == 5
    bars[4].click()
    assert page.heading(0).startswith("Sagittal 5 of 5")
    told = page.settled("return document.querySelector('.graph').textContent")
    assert told.endswith("decided by slice 2: 0.88; shown, slice 5: 0.13")
    heights = [
        float(bar.get_attribute("style").split()[1][:-2])
        for bar in page.browser.find_elements("css selector", ".bars u")
    ]
    assert heights == [12.5, 87.5, 12.5, 12.5, 12.5]


def test_heat_is_coloured_outlined_and_left_out(opened, graded):
    from selenium.webdriver import ActionChains

    page = opened(graded)
    pictures = []
    for _ in range(4):
        pictures.append(page.settled("return viewer.panes[1].canvas.toDataURL()"))
        ActionChains(page.browser).send_keys("l").perform()
    coloured, outlined, without, again = pictures
    assert coloured == again
    assert len({coloured, outlined, without}) == 3
    assert without == page.settled("return viewer.panes[0].canvas.toDataURL()")
    assert "next answer" in page.help()
