// All panes of a case: one cursor, one zoom, one window.

import { Pane } from "./pane.js";
import { Pointer } from "./pointer.js";
import { fillTable, PLANES } from "./volume.js";

const NAMES = Object.keys(PLANES);
const LARGEST_ZOOM = 20;
const BUSY_MS = 300;

export class Viewer {
  constructor(element, numImages) {
    this.element = element;
    this.numImages = numImages;
    this.table = new Uint32Array(65536);
    this.shown = null;
    this.view = freshView();
    this.active = "sagittal";
    this.drawnAt = -Infinity;
    this.enlarged = null; // {plane, place}; place null: the plane of all images
    this.build();
    this.pointer = new Pointer(this);
    new ResizeObserver(() => this.redraw()).observe(element);
  }

  build() {
    this.element.replaceChildren();
    this.heads = [];
    this.labels = {};
    this.panes = [];
    for (let place = 0; place < this.numImages; place++) {
      const head = document.createElement("h2");
      head.textContent = placeName(place);
      this.heads.push(head);
    }
    for (const plane of NAMES) {
      const label = document.createElement("div");
      label.className = "plane";
      this.labels[plane] = label;
      for (let place = 0; place < this.numImages; place++) {
        this.panes.push(new Pane(place, plane));
      }
    }
    const corner = document.createElement("div");
    this.element.append(corner, ...this.heads);
    for (const plane of NAMES) {
      const own = this.panes.filter((pane) => pane.plane === plane);
      this.element.append(this.labels[plane], ...own.map((pane) => pane.element));
    }
    this.arrange();
  }

  /** Shows another case, from its middle. */
  show(shown) {
    this.shown = shown;
    this.view = { ...freshView(), marks: this.view.marks, smooth: this.view.smooth };
    this.view.cursor = shown.shape.map((count) => Math.floor(count / 2));
    this.setWindow(shown.window);
  }

  reset() {
    this.view.zoom = 1;
    this.view.pan = freshView().pan;
    this.setWindow(this.shown.window);
  }

  setWindow([low, high]) {
    this.view.window = [low, high];
    fillTable(this.table, low, high);
    this.redraw();
  }

  scroll(plane, steps) {
    const axis = PLANES[plane].through;
    this.moveTo(axis, this.view.cursor[axis] + steps);
    this.redraw();
  }

  moveTo(axis, index) {
    const last = this.shown.shape[axis] - 1;
    this.view.cursor[axis] = Math.max(0, Math.min(last, Math.round(index)));
  }

  /** The cursor to a (column, row) of a plane. */
  point(plane, [column, row]) {
    const { rows, columns } = PLANES[plane];
    this.moveTo(columns, column - 0.5);
    this.moveTo(rows, row - 0.5);
    this.redraw();
  }

  /** Zooms; in every plane the cursor's place stays where it is. */
  zoom(factor) {
    const before = this.view.zoom;
    const after = Math.max(1, Math.min(LARGEST_ZOOM, before * factor));
    for (const plane of NAMES) {
      const { rows, columns } = PLANES[plane];
      const [rowMm, columnMm] = this.shown.pixel(plane);
      const fromMiddle = (axis, mm) =>
        (this.view.cursor[axis] + 0.5 - this.shown.shape[axis] / 2) * mm;
      const [x, y] = [fromMiddle(columns, columnMm), fromMiddle(rows, rowMm)];
      const pan = this.view.pan[plane];
      pan[0] = ((x + pan[0]) * before) / after - x;
      pan[1] = ((y + pan[1]) * before) / after - y;
    }
    this.view.zoom = after;
    if (after === 1) this.view.pan = freshView().pan;
    this.redraw();
  }

  /** Moves a plane by millimetres. */
  pan(plane, x, y) {
    this.view.pan[plane][0] += x;
    this.view.pan[plane][1] += y;
    this.redraw();
  }

  activate(plane) {
    this.active = plane;
    for (const name of NAMES) {
      this.labels[name].classList.toggle("active", name === plane);
    }
  }

  nextPlane(step) {
    const at = NAMES.indexOf(this.active) + step + NAMES.length;
    this.activate(NAMES[at % NAMES.length]);
    if (this.enlarged) this.enlarge(this.active, this.enlarged.place);
  }

  toggle(name) {
    this.view[name] = !this.view[name];
    this.redraw();
  }

  /** One plane large, of all images or of one; again, or null: all panes. */
  enlarge(plane, place = null) {
    const before = this.enlarged;
    const same = before && before.plane === plane && before.place === place;
    this.enlarged = plane === null || same ? null : { plane, place };
    if (plane) this.activate(plane);
    this.arrange();
  }

  arrange() {
    const isShown = (pane) =>
      (!this.enlarged || pane.plane === this.enlarged.plane) &&
      (this.enlarged?.place == null || pane.place === this.enlarged.place);
    for (const pane of this.panes) pane.element.hidden = !isShown(pane);
    for (const name of NAMES) {
      this.labels[name].hidden = !this.panes.some((p) => p.plane === name && isShown(p));
    }
    this.heads.forEach((head, place) => {
      head.hidden = this.enlarged?.place != null && this.enlarged.place !== place;
    });
    const columns = this.enlarged?.place == null ? this.numImages : 1;
    this.element.style.gridTemplateColumns = `auto repeat(${columns}, minmax(0, 1fr))`;
    const rows = this.enlarged ? 1 : NAMES.length;
    this.element.style.gridTemplateRows = `auto repeat(${rows}, minmax(0, 1fr))`;
    this.activate(this.active);
    this.redraw();
  }

  /** Marks the image that is being scored; null for none. */
  mark(place) {
    this.heads.forEach((head, n) => head.classList.toggle("asked", n === place));
  }

  redraw() {
    if (!this.shown || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** Whether something has just been drawn, as while the reader scrolls. */
  get isBusy() {
    return performance.now() - this.drawnAt < BUSY_MS;
  }

  draw() {
    this.drawnAt = performance.now();
    const visible = this.panes.filter((pane) => !pane.element.hidden);
    const sizes = visible.map(({ canvas }) => [canvas.clientWidth, canvas.clientHeight]);
    const start = performance.now();
    visible.forEach((pane, n) => {
      pane.resize(...sizes[n], window.devicePixelRatio);
      pane.draw(this.shown, this.view, this.table);
    });
    for (const name of NAMES) {
      const { through } = PLANES[name];
      const place = `${this.view.cursor[through] + 1}/${this.shown.shape[through]}`;
      this.labels[name].textContent = `${name}  ${place}`;
    }
    // For benchmarks/reading.py.
    performance.clearMeasures("draw");
    performance.measure("draw", { start });
    if (this.shown.loaded && !performance.getEntriesByName("first image").length) {
      performance.mark("first image");
    }
  }
}

export function placeName(place) {
  return String.fromCharCode(65 + place);
}

function freshView() {
  return {
    cursor: [0, 0, 0],
    window: [0, 65535],
    zoom: 1,
    pan: Object.fromEntries(NAMES.map((name) => [name, [0, 0]])), // mm: x, y
    marks: true,
    smooth: true,
  };
}
