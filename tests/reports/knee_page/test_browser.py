"""The page of a knee in a browser, held to the affine, the plates and anatomy."""

import dataclasses
import types

import numpy as np
import pytest

from deepresolve.reports import knee_page

# Places of the canvas from its upper left corner, and what is there: all of what the
# page draws to look it up, for one place after the other takes a processor long.
SEEN = """
const { canvas: { width, height }, painter, view, visible } = surfaces;
painter.at(view, visible, 0, 0);
const { gl, perMm } = painter;
const told = new Uint8Array(4 * width * height);
gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, told);
const found = [];
for (let y = 4; y < height; y += 8) {
  for (let x = 4; x < width; x += 8) {
    const at = 4 * ((height - 1 - y) * width + x);
    const [high, low, region, number] = told.subarray(at, at + 4);
    if (!number) continue;
    const body = surfaces.bodies[number - 1];
    const value = 256 * high + low;
    const mm = value === 65535 ? 0 : value / perMm;
    found.push([x, y, body.id, mm, surfaces.facts.regions[region - 1]?.name]);
  }
}
return found;
"""
LETTERS = """
const box = surfaces.canvas.getBoundingClientRect();
return surfaces.letters.filter(({ mark }) => !mark.hidden).map(({ mark }) => {
  const own = mark.getBoundingClientRect();
  return [mark.textContent, own.left + own.width / 2 - box.left - box.width / 2,
          own.top + own.height / 2 - box.top - box.height / 2];
});
"""
READY = """
const done = arguments[0];
started.then(([surfaces, viewer]) => {
  Object.assign(window, { surfaces, viewer });
  requestAnimationFrame(() => requestAnimationFrame(done));
});
"""


class Opened:
    """A page in a browser."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())
        browser.execute_async_script(READY)

    def settled(self, script, *arguments):
        """What a script returns, once all that waits is drawn."""
        frame = "requestAnimationFrame(() => setTimeout(arguments[0]))"
        self.browser.execute_async_script(frame)
        return self.browser.execute_script(script, *arguments)

    def choose(self, name):
        self.settled(
            "surfaces.choose(surfaces.views.find(({ name }) => name === arguments[0]))",
            name,
        )

    def middles(self, wanted):
        """Mean (x, y) where plates, regions or bones are seen, by their names."""
        seen = self.settled(SEEN)
        found = {}
        for name in wanted:
            at = [one[:2] for one in seen if name in (one[2], one[4])]
            found[name] = np.mean(at, axis=0) if at else None
        return found

    def letters(self):
        """Letters, and where they stand from the middle of the canvas."""
        return {letter: np.array(at) for letter, *at in self.settled(LETTERS)}


@pytest.fixture(scope="module")
def opened(drawing_browser, tmp_path_factory, names):
    """Opens the page of a knee; of each knee one is written."""
    folder, written = tmp_path_factory.mktemp("pages"), {}

    def open_page(measured, scan=None):
        path = folder / f"{len(written)}.html"
        path = written.setdefault((id(measured), scan is None), path)
        if not path.exists():
            beside = knee_page.Supplement(scan)
            given = measured.knee, measured.label, names, "knee", beside
            path.write_text(knee_page.render(*given), encoding="utf-8")
        return Opened(drawing_browser, path)

    return open_page


@pytest.mark.parametrize("side", ["left", "right"])
def test_letters_stand_where_the_knee_has_these_sides(request, opened, side):
    """Plates, regions and bones of a drawn knee, whose anatomy is known."""
    page = opened(request.getfixturevalue(side))
    # Seen from the front or from below, the patient's right is on the left.
    medial_on_screen = {"left": -1, "right": 1}[side]
    for view, medial, lateral, sign in (
        ("Tibia from above", "MT", "LT", -medial_on_screen),
        ("Femur from below", "ccMF", "ccLF", medial_on_screen),
        ("Back", "pMF", "pLF", -medial_on_screen),
    ):
        page.choose(view)
        at, letters = page.middles([medial, lateral]), page.letters()
        towards_medial = at[medial] - at[lateral]
        assert np.sign(towards_medial[0]) == sign, view
        assert np.dot(towards_medial, letters["M"] - letters["Lat"]) > 0, view
    page.choose("Femur from below")
    at, letters = page.middles(["TrF", "pMF"]), page.letters()
    assert at["TrF"][1] < at["pMF"][1]  # the trochlea is on top,
    assert letters["A"][1] < 0 < letters["P"][1]  # and so is anterior
    page.choose("Front")
    at, letters = (
        page.middles(["femur-bone", "tibia-bone", "fibula-bone"]),
        (page.letters()),
    )
    assert at["femur-bone"][1] < at["tibia-bone"][1]
    assert letters["S"][1] < 0 < letters["I"][1]
    fibula = at["fibula-bone"] - at["tibia-bone"]
    assert np.dot(fibula, letters["Lat"]) > 0
    assert "A" not in letters  # it looks at the eye


def test_thickness_under_the_pointer_is_that_of_the_plate(opened, left):
    page = opened(left)
    page.choose("Tibia from above")
    view = page.settled("return surfaces.view")
    size = page.settled("return [surfaces.canvas.width, surfaces.canvas.height]")
    plates = {n: left.knee.plates[n] for n in ("MT", "LT")}
    errors, num_regions = [], 0
    for x, y, body, mm, region in page.settled(SEEN):
        if body not in plates:
            continue
        # From above: to the right is the patient's right, up is the front.
        from_middle = np.array([x + 0.5 - size[0] / 2, size[1] / 2 - y - 0.5])
        place = np.add(view["middle"][:2], from_middle / view["scale"])
        world = left.knee.in_world(plates[body].bone.vertices)
        nearest = np.argmin(np.linalg.norm(world[:, :2] - place, axis=1))
        errors.append(mm - plates[body].thickness_mm[nearest])
        num_regions += bool(left.knee.regions[region][1][nearest])
    assert len(errors) > 40
    # Between vertices thickness runs straight; they are 1.2 mm apart.
    assert abs(np.mean(errors)) < 0.03 and np.quantile(np.abs(errors), 0.9) < 0.3
    assert num_regions > 0.8 * len(errors)


def test_a_pointer_reads_out_and_turns(opened, left):
    from selenium.webdriver import ActionChains

    page = opened(left)
    page.choose("Tibia from above")
    canvas = page.browser.find_element("css selector", "#stage canvas")
    middle = page.middles(["MT"])["MT"]
    width, height = page.settled(
        "return [surfaces.canvas.width, surfaces.canvas.height]"
    )
    right, down = (int(at) for at in middle - (width / 2, height / 2))
    pointer = ActionChains(page.browser)
    pointer.move_to_element_with_offset(canvas, right, down).perform()
    text = page.settled("return surfaces.readout.value")
    assert text[0].isdigit() and " mm: Medial tibia, centre (cMT)" in text
    before = page.letters()
    pointer.click_and_hold().move_by_offset(0, 60).release().perform()
    after = page.letters()
    # What looks at the eye goes with the hand: the front comes nearer to the middle.
    assert after["A"][1] > before["A"][1] + 5
    assert after["S"][1] > 0


def test_keys_turn_zoom_choose_and_read_out_the_middle(opened, left):
    from selenium.webdriver import Keys

    page = opened(left)
    canvas = page.browser.find_element("css selector", "#stage canvas")
    turn = page.settled("return surfaces.turn")
    canvas.send_keys(Keys.ARROW_RIGHT * 36)
    np.testing.assert_allclose(page.settled("return surfaces.turn"), turn, atol=1e-6)
    canvas.send_keys(Keys.ARROW_UP, "+")
    assert not np.allclose(page.settled("return surfaces.turn"), turn, atol=0.1)
    assert page.settled("return surfaces.zoom") > 1
    canvas.send_keys("r")
    np.testing.assert_allclose(page.settled("return surfaces.turn"), turn)
    canvas.send_keys("2")
    assert page.settled("return surfaces.chosen.name") == "Tibia from above"
    assert page.settled("return surfaces.cross.hidden") is False
    assert "tibia, bone" in page.settled("return surfaces.readout.value")


def test_a_hand_takes_the_surface_with_it(opened, left):
    """A turn by 0.2 to the right and 0.1 up, of what looks at the eye."""
    page = opened(left)
    script = "const t = turnedBy(TURNS.front, 0.2, 0.1); return [t, onScreen(t, FRONT)]"
    turn, front = page.settled(script)
    np.testing.assert_allclose(
        np.matmul(turn, np.transpose(turn)), np.eye(3), atol=1e-9
    )
    assert np.linalg.det(turn) == pytest.approx(1)
    angle = np.hypot(0.2, 0.1)
    expected = np.array([0.2, 0.1]) / angle * np.sin(angle)
    np.testing.assert_allclose(front, [*expected, np.cos(angle)], atol=1e-9)


def test_a_box_takes_a_plate_away(opened, left):
    page = opened(left)
    page.choose("Tibia from above")
    assert page.middles(["MT", "LT"])["MT"] is not None
    page.settled("surfaces.boxes.get('MT').box.click()")
    found = page.middles(["MT", "LT", "tibia-bone"])
    assert found["MT"] is None and found["LT"] is not None


def test_without_medial_and_lateral_letters_are_the_patients(opened, left):
    knee = dataclasses.replace(
        left.knee,
        side="",
        regions={},
        quantities={name: left.knee.quantities[name] for name in left.knee.plates},
    )
    measured = types.SimpleNamespace(knee=knee, label=left.label)
    page = opened(measured)
    page.choose("Front")
    letters = page.letters()
    assert letters["R"][0] < 0 < letters["L"][0] and "M" not in letters


def test_a_browser_without_webgl_says_so_and_shows_the_rest(opened, left):
    hide = "HTMLCanvasElement.prototype.getContext = new Proxy("
    hide += "HTMLCanvasElement.prototype.getContext, { apply: (get, canvas, given) => "
    hide += "given[0] === 'webgl2' ? null : Reflect.apply(get, canvas, given) })"
    browser = opened(left).browser
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = browser.execute_cdp_cmd(command, {"source": hide})
    page = opened(left)
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    text = page.settled("return byId('stage').textContent")
    assert "cannot be shown: this browser has no WebGL 2" in text
    assert page.settled("return viewer.panes.length") == 3


def test_slices_follow_keys_while_they_have_the_focus(opened, left):
    from selenium.webdriver import ActionChains, Keys

    page = opened(left, scan=left.image)
    first = page.settled("return viewer.slice(0)")
    ActionChains(page.browser).send_keys(Keys.ARROW_DOWN).perform()
    assert page.settled("return viewer.slice(0)") == first
    pane = page.browser.find_element("css selector", ".pane canvas")
    page.settled("arguments[0].scrollIntoView()", pane)
    ActionChains(page.browser).click(pane).send_keys(Keys.ARROW_DOWN).perform()
    assert page.settled("return viewer.slice(0)") == first + 1
    heading = page.settled("return document.querySelector('.plane h2').textContent")
    assert heading.startswith(f"Sagittal {first + 2} of ")
