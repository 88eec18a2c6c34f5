// The page of a knee: its surfaces and its slices, as far as the browser can show them.

import { Layout } from "../../preview/page/layout.js";
import { unpack } from "../../preview/page/unpack.js";
import { byId, element } from "../../viewer/dom.js";
import { helpLine, viewerKeys } from "../../viewer/help.js";
import { sample } from "../../viewer/overlay.js";
import { Viewer } from "../../viewer/viewer.js";
import { Layer } from "../../viewer/volume.js";
import { body } from "./bodies.js";
import { Surfaces } from "./surfaces.js";

const facts = JSON.parse(byId("facts").textContent);
const FRESH = "Needed is a browser of 2023 or later.";

async function showSurfaces() {
  const bodies = await Promise.all(facts.surfaces.meshes.map(body));
  return new Surfaces(byId("stage"), bodies, facts.surfaces);
}

/** What the viewer shows; see ../../viewer/volume.js. */
async function scene() {
  const { shape, planes, range, window, grey, images, classes } = facts.slices;
  const [rows, columns, count] = shape;
  const strides = [columns, 1, rows * columns]; // slice by slice, row by row
  const layers = {};
  for (const id of new Set([grey, "labels"])) {
    layers[id] = new Layer(await unpack(id, columns, rows * columns * count), shape, strides);
  }
  const overlay = { labels: layers.labels, classes };
  const shown = images.map(() => ({ grey: layers[grey], overlay }));
  return { id: "knee", version: 0, shape, planes, range, window, values: 256, images: shown };
}

function legend(classes) {
  const held = classes.filter((one) => one.held);
  const items = held.map((one) => element("span", { className: "class" }, sample(one), one.name));
  return element("p", { className: "legend" }, ...items);
}

async function showSlices() {
  const { slices } = facts;
  const shown = await scene();
  const hasScan = slices.grey === "scan";
  const readout = element("span", { className: "window", hidden: !hasScan });
  const planes = element("div", { className: "planes" });
  const viewer = new Viewer(planes, new Layout(planes, slices, readout));
  viewer.show(shown);
  const below = [legend(slices.classes), helpLine(viewer)];
  const box = element("div", { className: "box", tabIndex: 0 }, readout, planes, ...below);
  byId("slices").append(box);
  if (slices.is_cut) {
    const text = `Cut to the soft tissues and ${slices.margin_mm} mm around them; 8 bits a voxel.`;
    byId("slices").append(element("p", { className: "remark" }, text));
  }
  listen(viewer, box);
  return viewer;
}

/** Keys go to the slices while these have the focus, which a click gives them. */
function listen(viewer, box) {
  box.addEventListener("pointerdown", () => box.focus({ preventScroll: true }));
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const row = viewerKeys(viewer).find(([names]) => names.includes(event.key));
    if (!row) return;
    row[3](event);
    event.preventDefault();
  });
}

/** Says what is missing where something cannot be shown. */
async function shownIn(id, what, show) {
  try {
    return await show();
  } catch (error) {
    const text = `${what} cannot be shown: ${error.message}. ${FRESH}`;
    byId(id).append(element("p", { className: "missing" }, text));
    return null;
  }
}

// Kept for whoever looks at the page from outside.
const started = Promise.all([
  shownIn("stage", "The surfaces", showSurfaces),
  shownIn("slices", "The slices", showSlices),
]);
