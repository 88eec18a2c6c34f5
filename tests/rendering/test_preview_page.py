"""The page as parsers and a browser see it."""

import base64
import gzip
import html.parser
import json
import pathlib
import shutil
import time

import numpy as np
import pytest

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.rendering import preview_page
from deepresolve.rendering.preview import Preview

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


def test_page_holds_labels_as_they_are(segmented, tmp_path):
    page = Page(written(tmp_path, segmented))
    expected = np.moveaxis(segmented.result.array, 2, 0)
    np.testing.assert_array_equal(page.volume("labels", expected.shape), expected)
    classes = json.loads(page.scripts["facts"])["classes"]
    assert [c["name"] for c in classes] == ["femoral cartilage", "menisci"]
    assert [c["volume_mm3"] for c in classes] == segmented.volumes_mm3()
    assert "result" not in page.scripts


def test_nothing_comes_from_elsewhere(super_resolved, segmented, tmp_path):
    for preview in (super_resolved, segmented):
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
    preview = Preview(thin, label_map, HOSTILE, "\udcff\n.nii", names)
    text = written(tmp_path, preview)
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 4 and "img" not in tags and "b" not in tags
    facts = json.loads(page.scripts["facts"])
    assert facts["input"][0] == HOSTILE
    assert [c["name"] for c in facts["classes"]] == list(names)
    assert page.title.startswith(HOSTILE)


@pytest.fixture
def browser():
    """Headless Chromium without a network; skips where it or Selenium is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs Selenium")
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(paths):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for name in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1280,900"):
        options.add_argument(f"--{name}")
    service = webdriver.ChromeService(paths[1])
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


# The grey in the middle of a voxel of the plane's input and output, as drawn.
GREYS = """
const [plane, row, column] = arguments;
const p = facts.planes[plane];
return p.panels.map((canvas, side) => {
  const f = p.frames[side];
  const x = f.left + ((column + 0.5) / countOf(p, 1)) * f.wide;
  const y = f.top + ((row + 0.5) / countOf(p, 0)) * f.high;
  const ratio = window.devicePixelRatio;
  const at = [Math.round(x * ratio), Math.round(y * ratio)];
  return canvas.getContext("2d").getImageData(...at, 1, 1).data[0];
});
"""


def test_a_browser_shows_the_slices_that_python_cuts(browser, thick, thin, tmp_path):
    """A bright block at each plane's own place; wheel, keys, drag and double click."""
    from selenium.webdriver import ActionChains, Keys

    scan = thick.with_array(np.full(thick.shape, 100, np.int16))
    result = thin.with_array(np.full(thin.shape, 100, np.int16))
    scan.array[5:9, 15:19, 1], result.array[5:9, 15:19, 3] = 900, 900
    preview = Preview(scan, result, HOSTILE, "thin.nii.gz")
    written(tmp_path, preview)
    browser.get(pathlib.Path(tmp_path, "page.html").as_uri())
    ready = "return document.body.dataset.readyAfterMs"
    until = time.monotonic() + 20
    while not browser.execute_script(ready) and time.monotonic() < until:
        time.sleep(0.05)

    def settled(script, *arguments):
        frame = "requestAnimationFrame(() => setTimeout(arguments[0]))"
        browser.execute_async_script(frame)
        return browser.execute_script(script, *arguments)

    def heading(plane):
        script = "return document.querySelectorAll('h2')[arguments[0]].textContent"
        return settled(script, plane)

    assert heading(0) == "Sagittal 7 of 13, where slice 3 was acquired"
    panel = browser.find_elements("css selector", "canvas")[0]
    wheel = "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -400}))"
    browser.execute_script(wheel, panel)
    assert heading(0) == "Sagittal 3 of 13, 1 mm from where slice 2 was acquired"
    ActionChains(browser).move_to_element(panel).send_keys(Keys.ARROW_DOWN).perform()
    assert heading(0) == "Sagittal 4 of 13, where slice 2 was acquired"

    # The middle of the bright block, and a place beside it, in all three planes.
    moves = "const [p, i] = arguments; moveTo(facts.planes[p], 2, i)"
    for number, plane in enumerate(("sagittal", "coronal", "axial")):
        brightest = max(
            range(preview.num_slices(plane)),
            key=lambda index: preview.pair(plane, index).after.astype(int).sum(),
        )
        browser.execute_script(moves, number, brightest)
        pair = preview.pair(plane, brightest)
        for pixels, side in ((pair.before, 0), (pair.after, 1)):
            rows, columns = np.nonzero(pixels == 900)
            middle = int(np.median(rows)), int(np.median(columns))
            assert settled(GREYS, number, *middle)[side] > 200
            beside = (middle[0] + 9) % pixels.shape[0], middle[1]
            assert settled(GREYS, number, *beside)[side] < 60

    readout = "return document.querySelector('.window').textContent"
    before = settled(readout)
    ActionChains(browser).drag_and_drop_by_offset(panel, 60, 30).perform()
    assert settled(readout) != before
    ActionChains(browser).double_click(panel).perform()
    assert settled(readout) == before
    assert browser.find_element("css selector", "header b").text.startswith("</script>")
