"""The viewer's geometry in a browser, held to affines in Python.

The browser is told of a plane what `cuts` says; what is expected of it comes from the
affine and nibabel alone, and from where a radiologist expects the patient's sides.
"""

import itertools
import json

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import PLANES, Volume
from deepresolve.reports import cuts, viewer_files

AXCODES = [
    "".join(letters)
    for order in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*order)
]
SHAPE, SPACING_MM = (4, 5, 6), (0.5, 0.6, 0.8)
# RAS+ directions of the letters, and what is on the right of and below each plane.
TOWARDS = {"L": (-1, 0, 0), "P": (0, -1, 0), "I": (0, 0, -1)}
RIGHT_AND_DOWN = {"sagittal": "PI", "coronal": "LI", "axial": "LP"}
# Of the panes, in CSS pixels.
WIDTH, HEIGHT = 310, 240
ZOOM, PAN_MM = 1.3, (0.4, -0.3)

PAGE = f"""<!DOCTYPE html><meta charset="utf-8"><style>
{{style}}
#panes {{{{ width: {WIDTH}px }}}} .pane {{{{ height: {HEIGHT}px }}}}
</style><div id="panes"></div><script>
{{script}}
const layout = {{{{
  build: (viewer) => byId("panes").append(...viewer.panes.map((pane) => pane.element)),
  arrange() {{{{}}}}, describe() {{{{}}}}, drawn() {{{{}}}},
}}}};
const ITSELF_OF_ALL = Uint8Array.from({{{{ length: 256 }}}}, (_, value) => value);
// Voxels in C order, of values 0, 1, 2, ...
const numbered = (shape) => new Layer(
  Uint8Array.from({{{{ length: shape[0] * shape[1] * shape[2] }}}}, (_, n) => n),
  shape, [shape[1] * shape[2], shape[2], 1],
);
</script>"""

CUT = """
const [shape, planes] = arguments;
return planes.map((plane) => {
  const layer = numbered(shape);
  const [rows, columns, slices] = layer.size(plane);
  return Array.from({ length: slices }, (_, index) => {
    const pixels = new Uint8Array(rows * columns);
    layer.cut(plane, index, ITSELF_OF_ALL, pixels);
    return [...pixels];
  });
});
"""

# The cursor that a click on each of some points gives, and where its lines are then.
POINT = """
const [shape, planes, zoom, pan, points, done] = arguments;
const next = () => new Promise((drawn) =>
  requestAnimationFrame(() => requestAnimationFrame(drawn)));
const run = async () => {
  byId("panes").replaceChildren();
  const viewer = new Viewer(byId("panes"), layout);
  const images = [{ grey: numbered(shape), overlay: null }];
  viewer.show({ version: 0, shape, planes, images, values: 256, range: [0, 255],
    window: [0, 255] });
  await next();
  viewer.zoom(zoom);
  viewer.view.pan = planes.map(() => [...pan]);
  viewer.redraw();
  await next();
  const found = [];
  for (const [number, pane] of viewer.panes.entries()) {
    const box = pane.canvas.getBoundingClientRect();
    for (const [x, y] of points) {
      viewer.view.cursor = [1, 1, 1];
      const at = { clientX: box.left + x, clientY: box.top + y };
      viewer.point(number, pane.voxel(at));
      viewer.draw();
      const lines = viewer.panes.map(({ lines: [above, below, left, right] }) => [
        [above, below].filter(({ hidden }) => !hidden).map((l) => l.style.left)[0],
        [left, right].filter(({ hidden }) => !hidden).map((l) => l.style.top)[0],
      ]);
      found.push({ number, point: [x, y], cursor: [...viewer.view.cursor], lines });
    }
  }
  const scales = viewer.panes.map(({ scale, ratio }) => scale / ratio);
  const frames = viewer.panes.map(({ box }) => box);
  return { found, scales, frames };
};
run().then(done, (error) => done(String(error.stack)));
"""


@pytest.fixture
def page(new_browser, tmp_path):
    script = viewer_files.script(viewer_files.FOLDER / "viewer.js")
    style = (viewer_files.FOLDER / "viewer.css").read_text()
    layer = viewer_files.script(viewer_files.FOLDER / "volume.js")
    path = tmp_path / "viewer.html"
    path.write_text(PAGE.format(style=style, script=script + layer), "utf-8")
    browser = new_browser()
    browser.get(path.as_uri())
    return browser


def volume_of(axcodes):
    own = nib.orientations.axcodes2ornt(axcodes)
    affine = nib.orientations.inv_ornt_aff(own, SHAPE) @ np.diag([*SPACING_MM, 1.0])
    return Volume(np.arange(120, dtype=np.uint8).reshape(SHAPE), affine)


def planes_of(volume, start=1):
    of_volume = volume.orientation, volume.spacing_mm
    described = [
        cuts.for_viewer(plane, cuts.cut(*of_volume, plane), start=start)
        for plane in PLANES
    ]
    return json.loads(json.dumps(described))


def test_a_browser_cuts_what_nibabel_reorients(page):
    for axcodes in AXCODES:
        volume = volume_of(axcodes)
        found = page.execute_script(CUT, SHAPE, planes_of(volume))
        for plane, slices in zip(PLANES, found, strict=True):
            expected = np.moveaxis(volume.in_plane(plane).array, 2, 0)
            assert slices == expected.reshape(len(expected), -1).tolist(), axcodes


def directions(plane):
    """RAS+ unit vectors to the right of the plane and down."""
    return np.array([TOWARDS[letter] for letter in RIGHT_AND_DOWN[plane]], float)


def voxel_at(volume, plane, point, scale):
    """The voxel under a point of a pane (CSS pixels), through slice (1, 1, 1)."""
    middle = volume.affine @ [*(np.subtract(SHAPE, 1) / 2), 1]
    from_middle_mm = (np.array(point) - (WIDTH / 2, HEIGHT / 2)) / scale - PAN_MM
    world = middle.copy()
    world[:3] += from_middle_mm @ directions(plane)
    voxel = (np.linalg.inv(volume.affine) @ world)[:3]
    through = np.abs(np.linalg.inv(volume.affine)[:3, :3] @ directions(plane).T)
    voxel[through.sum(axis=1) < 1e-9] = 1
    return np.clip(np.floor(voxel + 0.5), 0, np.subtract(SHAPE, 1)).astype(int)


def point_of(volume, plane, voxel, scale):
    """Where the middle of a voxel lies on a pane, in CSS pixels."""
    middle = np.subtract(SHAPE, 1) / 2
    from_middle_mm = volume.affine[:3, :3] @ (voxel - middle)
    at = (directions(plane) @ from_middle_mm + PAN_MM) * scale
    return np.add(at, (WIDTH / 2, HEIGHT / 2))


@pytest.mark.parametrize("axcodes", ["LIP", "PIR", "RAS", "ASL", "SLA", "LPS"])
def test_a_click_finds_the_voxel_that_the_affine_says(page, axcodes):
    volume = volume_of(axcodes)
    points = list(itertools.product(range(5, WIDTH, 43), range(7, HEIGHT, 41)))
    answer = page.execute_async_script(
        POINT, SHAPE, planes_of(volume), ZOOM, PAN_MM, points
    )
    scale = answer["scales"][0]
    assert answer["scales"] == [scale] * 3  # one for all planes
    distinct = set()
    for one in answer["found"]:
        plane = PLANES[one["number"]]
        expected = voxel_at(volume, plane, one["point"], scale)
        np.testing.assert_array_equal(one["cursor"], expected)
        distinct.add((plane, *expected))
        for other, lines in zip(PLANES, one["lines"], strict=True):
            at = point_of(volume, other, expected, scale)
            # Rounded to whole pixels: "131px"; None where it is out of sight.
            for line, place in zip(lines, at, strict=True):
                assert line is None or abs(float(line[:-2]) - place) <= 0.51
    assert len(distinct) > 40


def test_at_first_all_of_every_slice_is_seen(page):
    volume = volume_of("PIR")
    answer = page.execute_async_script(POINT, SHAPE, planes_of(volume), 1, (0, 0), [])
    (scale,) = set(answer["scales"])
    largest = 0
    for plane, seen in zip(PLANES, answer["frames"], strict=True):
        rows_mm, columns_mm = (
            n * mm
            for n, mm in zip(
                volume.in_plane(plane).shape[:2],
                volume.in_plane(plane).spacing_mm[:2],
                strict=True,
            )
        )
        assert seen["bottom"] - seen["top"] == pytest.approx(rows_mm * scale)
        assert seen["right"] - seen["left"] == pytest.approx(columns_mm * scale)
        largest = max(largest, rows_mm * scale / HEIGHT, columns_mm * scale / WIDTH)
    assert 0.85 < largest < 1
