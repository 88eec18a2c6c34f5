// The page: what is shown, and where.

const facts = JSON.parse(document.getElementById("facts").textContent);
const shape = facts.shape;
const OVERLAYS = facts.classes.length ? ["contours", "filled", "off"] : ["off"];
const KEYS = [
  [["wheel", "↑", "↓"], "scroll (PgUp, PgDn: by 10)"],
  [["drag"], "window and level"],
  [["double click", "R"], "reset the window"],
  [["1", "2", "3"], "one plane, input beside output"],
  [["0"], "all planes"],
  [["X"], "lines where the planes cross"],
  ...(facts.classes.length ? [[["L"], "contours, filled, none"]] : []),
];

const COMPUTED =
  "every output slice is computed, at acquired positions (ticks), too";

const state = {
  voxel: [0, 0, 0], // (row, column, slice) of the result
  window: [...facts.window],
  active: facts.planes[0],
  single: false,
  overlay: 0,
  crosshair: false,
};
const volumes = {};

const own = (plane, i, index) =>
  plane.flipped[i] ? shape[plane.axes[i]] - 1 - index : index;
// The index along rows (0), columns (1) or slices (2) of a plane.
const indexOf = (plane, i) => own(plane, i, state.voxel[plane.axes[i]]);
const countOf = (plane, i) => shape[plane.axes[i]];

function moveTo(plane, i, index) {
  const held = Math.min(countOf(plane, i) - 1, Math.max(0, Math.round(index)));
  state.voxel[plane.axes[i]] = own(plane, i, held);
  redraw();
}

function element(parent, tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function buildHeader(main) {
  const header = element(main, "header");
  element(header, "h1", facts.title);
  for (const [name, [file, text]] of [["Input", facts.input], ["Output", facts.output]]) {
    const line = element(header, "span", `${name}: `);
    element(line, "b", file);
    line.append(`, ${text}`);
  }
  return element(header, "span", "", { class: "window" });
}

function buildPlane(parent, plane) {
  const section = element(parent, "section", "", { class: "plane" });
  plane.section = section;
  plane.frames = [];
  plane.heading = element(section, "h2");
  const pair = element(section, "div", "", { class: "pair" });
  plane.panels = ["Input", "Output"].map((name) => {
    const panel = element(pair, "div", "", { class: "panel" });
    const canvas = element(panel, "canvas", "", {
      "aria-label": `${name}, ${plane.name}`,
      role: "img",
    });
    element(panel, "span", name);
    listen(canvas, plane);
    return canvas;
  });
  plane.slider = element(section, "input", "", {
    type: "range", min: 0, max: countOf(plane, 2) - 1, step: 1,
    "aria-label": `${plane.name} slice`,
  });
  plane.slider.addEventListener("input", () => moveTo(plane, 2, +plane.slider.value));
  plane.slider.addEventListener("focus", () => activate(plane));
  section.addEventListener("pointerenter", () => activate(plane));
}

function buildFooter(main) {
  const footer = element(main, "footer");
  for (const { name, volume_mm3: volume, colour, dashes } of facts.classes) {
    const item = element(footer, "span", "", { class: "classes" });
    const line = element(item, "canvas", "", { width: 60, height: 12 });
    const context = line.getContext("2d");
    context.lineWidth = 5;
    context.strokeStyle = colour;
    context.setLineDash(dashes.map((length) => 5 * length));
    context.moveTo(0, 6);
    context.lineTo(60, 6);
    context.stroke();
    item.append(`${name}: ${Math.round(volume)} mm³`);
  }
  const help = element(main, "footer");
  for (const [keys, meaning] of KEYS) {
    const item = element(help, "span");
    for (const key of keys) element(item, "kbd", key), item.append(" ");
    item.append(meaning);
  }
  if (facts.factor > 1) element(help, "span", COMPUTED);
  element(help, "span", "8-bit preview, for research: not for diagnosis");
}

function activate(plane) {
  if (state.single || state.active === plane) return;
  state.active = plane;
  redraw();
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

// As a reader notes it: whole numbers, of small ones three digits.
const number = (value) =>
  String(Math.abs(value) >= 100 ? Math.round(value) : +value.toPrecision(3));

// All panels to one scale, as large as they go.
function draw() {
  document.body.classList.toggle("single", state.single);
  for (const plane of facts.planes) {
    plane.section.classList.toggle("active", plane === state.active);
  }
  const [low, high] = state.window;
  document.querySelector("header .window").textContent =
    `window ${number(high - low)}, level ${number((low + high) / 2)}`;
  const shown = state.single ? [state.active] : facts.planes;
  for (const plane of shown) describe(plane);
  // Measured after all text, which may need another line.
  const scale = Math.min(...shown.map((plane) => {
    const box = plane.panels[0].getBoundingClientRect();
    return Math.min(
      (box.width - 2 * MARGIN) / (countOf(plane, 1) * plane.pixel_mm[1]),
      (box.height - 2 * MARGIN) / (countOf(plane, 0) * plane.pixel_mm[0]),
    );
  }));
  const greys = greyLevels(facts.range, state.window);
  for (const plane of shown) drawPlane(plane, greys, Math.max(scale, 0.01));
}

function describe(plane) {
  const index = indexOf(plane, 2);
  plane.heading.replaceChildren();
  element(plane.heading, "b", plane.name[0].toUpperCase() + plane.name.slice(1));
  plane.heading.append(` ${index + 1} of ${countOf(plane, 2)}${acquiredText(plane)}`);
  plane.slider.value = index;
}

function drawPlane(plane, greys, scale) {
  const [height, width] = [countOf(plane, 0), countOf(plane, 1)];
  const index = indexOf(plane, 2);
  const { scan, result, labels } = volumes;
  const scanPixels = cutSlice(scan, plane.ofScan, index);
  const after = result ? cutSlice(result, plane.ofResult, index) : scanPixels;
  plane.panels.forEach((canvas, side) => {
    const context = clear(canvas);
    const size = [height, width];
    const f = frameOf(canvas, size, plane.pixel_mm, scale, state.single, side);
    plane.frames[side] = f;
    const name = canvas.nextSibling;
    name.style.left = `${Math.max(0, f.left - name.offsetWidth - 6)}px`;
    const image = picture(side ? after : scanPixels, height, width, greys);
    context.drawImage(image, f.left, f.top, f.wide, f.high);
    if (side && labels) {
      const pixels = cutSlice(labels, plane.ofResult, index);
      drawLabels(context, pixels, height, width, f);
    }
    acquiredTicks(context, plane, height * (plane.axes[0] === 2) || width, facts.factor, f);
    if (state.crosshair) {
      const shares = [0, 1].map((i) => (indexOf(plane, i) + 0.5) / countOf(plane, i));
      crosshair(context, ...shares, f);
    }
    letterEdges(context, plane.edges, f);
    if (!side && (state.single || plane === facts.planes[0])) scaleBar(context, f, scale);
  });
}

function drawLabels(context, pixels, height, width, f) {
  const overlay = OVERLAYS[state.overlay];
  if (overlay === "contours") {
    drawContours(context, contours(pixels, height, width, f), facts.classes);
  } else if (overlay === "filled") {
    const colours = new Uint32Array(256);
    facts.classes.forEach(({ colour }, i) => {
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      colours[i + 1] = (115 << 24) | (blue << 16) | (green << 8) | red;
    });
    context.imageSmoothingEnabled = false;
    const image = picture(pixels, height, width, colours);
    context.drawImage(image, f.left, f.top, f.wide, f.high);
  }
}

// Of a slice in the acquired plane: where a slice was acquired, or how far from there.
function acquiredText(plane) {
  if (facts.factor === 1 || plane.axes[2] !== 2) return "";
  const slice = state.voxel[2];
  const nearest = acquiredSlice(slice, facts.factor);
  const away = Math.abs(slice - nearest * facts.factor);
  const where = `where slice ${nearest + 1} was acquired`;
  return away ? `, ${number(away * facts.slice_mm)} mm from ${where}` : `, ${where}`;
}

async function start() {
  const began = performance.now();
  const main = document.getElementById("viewer");
  const plane = shape[0] * shape[1];
  const acquired = (shape[2] - 1) / facts.factor + 1;
  volumes.scan = await unpack("scan", shape[1], plane * acquired);
  const made = facts.classes.length ? "labels" : "result";
  volumes[made] = await unpack(made, shape[1], plane * shape[2]);
  main.replaceChildren();
  buildHeader(main);
  const planes = element(main, "div", "", { class: "planes" });
  for (const each of facts.planes) {
    each.ofScan = offsets(each, shape, facts.factor);
    each.ofResult = offsets(each, shape, 1);
    state.voxel[each.axes[2]] = own(each, 2, each.start);
    buildPlane(planes, each);
  }
  buildFooter(main);
  document.addEventListener("keydown", onKey);
  addEventListener("resize", redraw);
  draw();
  document.body.dataset.readyAfterMs = Math.round(performance.now() - began);
}

start().catch((error) => {
  const text = `The slices cannot be shown: ${error.message}. `;
  document.getElementById("viewer").textContent =
    text + "Needed is a browser of 2023 or later.";
});
