// The page of a preview: what is in it, on the screen. What there is to show stands in
// `facts`, which page.py writes.

import { byId, element } from "../../viewer/dom.js";
import { helpLine, viewerKeys } from "../../viewer/help.js";
import { sample } from "../../viewer/overlay.js";
import { Viewer } from "../../viewer/viewer.js";
import { Layer } from "../../viewer/volume.js";
import { Answers } from "./answers.js";
import { Layout } from "./layout.js";
import { unpack } from "./unpack.js";

const facts = JSON.parse(byId("facts").textContent);
const PAGE = 10; // slices
const MORE = [
  [["PgUp", "PgDn"], "by 10"],
  [[...facts.planes.map((_, number) => String(number + 1)), "0"], "one plane, all"],
];
const NEXT = [["N"], "next answer"];

/** What the viewer shows, and all volumes by their ids; see ../viewer/volume.js. */
async function scene() {
  const { shape, planes, range, window } = facts;
  const [rows, columns] = shape;
  const layers = {};
  for (const { id, num_slices: count, nearest } of facts.volumes) {
    const voxels = await unpack(id, columns, rows * columns * count);
    const strides = [columns, 1, rows * columns]; // slice by slice, row by row
    layers[id] = new Layer(voxels, shape, strides, [null, null, nearest]);
  }
  const images = facts.images.map(({ grey, overlay }) => ({
    grey: layers[grey],
    overlay: overlay && { ...overlay, labels: layers[overlay.labels] },
  }));
  const shown = { id: "preview", version: 0, shape, planes, range, window, values: 256, images };
  return { shown, layers };
}

function header(readout) {
  const files = facts.files.map(([role, name, text]) =>
    element("span", {}, `${role}: `, element("b", {}, name), `, ${text}`),
  );
  return element("header", {}, element("h1", {}, facts.title), ...files, readout);
}

/** Line, name and volume of every class of a label map. */
function legend() {
  const maps = facts.images.filter(({ overlay }) => overlay && !overlay.heat);
  const classes = maps.flatMap(({ overlay }) => overlay.classes);
  const items = classes.map((one) => {
    const text = `${one.name}: ${Math.round(one.volume_mm3)} mm³`;
    return element("span", { className: "class" }, sample(one), text);
  });
  return element("footer", {}, ...items);
}

function keys(viewer, answers) {
  const scroll = (steps) => viewer.scroll(viewer.active, steps);
  const next = [["n", "N"], "", "", () => answers.next(viewer)];
  return [
    ...viewerKeys(viewer),
    ...(answers ? [next] : []),
    [["PageUp"], "", "", () => scroll(-PAGE)],
    [["PageDown"], "", "", () => scroll(PAGE)],
    [["0"], "", "", () => viewer.enlarge(null)],
    ...facts.planes.map((_, number) => [
      [String(number + 1)], "", "", () => showOnly(viewer, number),
    ]),
  ];
}

function showOnly(viewer, number) {
  const { enlarged } = viewer;
  if (enlarged?.number !== number || enlarged.place !== null) viewer.enlarge(number);
}

function listen(rows) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const row = rows.find(([names]) => names.includes(event.key));
    if (!row) return;
    row[3](event);
    event.preventDefault();
  });
}

async function start() {
  const { shown, layers } = await scene();
  const [readout, planes] = [element("span", { className: "window" }), element("div", { className: "planes" })];
  const answers = facts.answers && new Answers(facts, layers);
  const followers = answers ? [answers] : [];
  const viewer = new Viewer(planes, new Layout(planes, facts, readout, followers));
  viewer.show(shown);
  answers?.build(viewer);
  const notes = element("footer", {}, ...facts.notes.map((note) => element("span", {}, note)));
  const below = [answers?.element ?? legend(), helpLine(viewer, facts.answers?.answers.length > 1 ? [...MORE, NEXT] : MORE), notes];
  byId("viewer").replaceChildren(header(readout), planes, ...below);
  listen(keys(viewer, answers));
  return viewer;
}

// Kept for whoever looks at the page from outside.
const started = start().catch((error) => {
  const text = `The slices cannot be shown: ${error.message}. `;
  byId("viewer").textContent = text + "Needed is a browser of 2023 or later.";
});
