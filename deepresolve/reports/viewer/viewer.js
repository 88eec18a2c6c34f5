// All panes of a case: one cursor, one scale, one window.
//
// The kernel of every page that shows slices. A page brings the data (see volume.js) and
// the layout:
//
//   build(viewer)     puts the elements of `viewer.panes` where they belong
//   arrange(viewer)   follows `viewer.enlarged`, `viewer.active`; panes are hidden here
//   describe(viewer)  writes which slices are shown, before they are drawn
//   drawn(viewer)     is told that they are

import { countOf, indexOf, turned } from "./geometry.js";
import { Gestures } from "./gestures.js";
import { fillGreys } from "./grey.js";
import { OVERLAYS } from "./overlay.js";
import { Pane } from "./pane.js";

const LARGEST_ZOOM = 20;
const BUSY_MS = 300;

export class Viewer {
  /**
   * @param element around all panes, where gestures are heard
   * @param layout of the page, as above
   */
  constructor(element, layout) {
    Object.assign(this, { element, layout });
    this.shown = null;
    this.panes = [];
    this.view = null;
    this.active = 0; // number of the plane that keys scroll
    this.enlarged = null; // {number, place}; place null: the plane of all images
    this.drawnAt = -Infinity;
    this.measured = false;
    this.gestures = new Gestures(this);
    new ResizeObserver(() => this.measure()).observe(element);
  }

  /** Shows another case, from its middle. */
  show(shown) {
    this.shown = shown;
    if (!this.panes.length) this.build();
    for (const pane of this.panes) pane.show(shown);
    const kept = this.view ?? { marks: true, smooth: true, overlay: 0 };
    const { marks, smooth, overlay } = kept;
    this.view = { cursor: [0, 0, 0], ...this.whole(), marks, smooth, overlay };
    shown.planes.forEach((plane, number) => this.moveTo(number, 2, plane.start));
    this.table = new Uint32Array(shown.values);
    this.setWindow(shown.window);
  }

  build() {
    this.shown.planes.forEach(({ name }, number) => {
      this.shown.images.forEach((_, place) => this.panes.push(new Pane(place, number, name)));
    });
    this.layout.build(this);
    this.arrange();
  }

  /** The view in which all of every slice can be seen; `pan` is [right, down] in mm. */
  whole() {
    return { zoom: 1, pan: this.shown.planes.map(() => [0, 0]) };
  }

  reset() {
    Object.assign(this.view, this.whole());
    this.setWindow(this.shown.window);
  }

  setWindow([black, white]) {
    this.view.window = [black, white];
    fillGreys(this.table, this.shown.range, this.view.window);
    this.redraw();
  }

  /** The slice of a plane that is shown, from 0. */
  slice(number) {
    return indexOf(this.shown, this.shown.planes[number], 2, this.view.cursor);
  }

  /** How many slices a plane has. */
  numSlices(number) {
    return countOf(this.shown, this.shown.planes[number], 2);
  }

  /** The cursor to a row (i = 0), column (1) or slice (2) of a plane, or the nearest. */
  moveTo(number, i, index) {
    const plane = this.shown.planes[number];
    const held = Math.max(0, Math.min(countOf(this.shown, plane, i) - 1, index));
    this.view.cursor[plane.axes[i]] = turned(this.shown, plane, i, held);
    this.redraw();
  }

  scroll(number, steps) {
    this.moveTo(number, 2, this.slice(number) + steps);
  }

  /** The cursor to a [row, column] of a plane, counted from the corner, not rounded. */
  point(number, place) {
    place.forEach((at, i) => this.moveTo(number, i, Math.floor(at)));
  }

  /** Zooms; in every plane the cursor's place stays where it is. */
  zoom(factor) {
    const before = this.view.zoom;
    const after = Math.max(1, Math.min(LARGEST_ZOOM, before * factor));
    this.shown.planes.forEach((plane, number) => {
      const pan = this.view.pan[number];
      [1, 0].forEach((i, direction) => {
        const index = indexOf(this.shown, plane, i, this.view.cursor);
        const fromMiddle = index + 0.5 - countOf(this.shown, plane, i) / 2;
        const mm = fromMiddle * plane.pixel_mm[i];
        pan[direction] = ((mm + pan[direction]) * before) / after - mm;
      });
    });
    this.view.zoom = after;
    if (after === 1) Object.assign(this.view, this.whole());
    this.redraw();
  }

  /** Moves a plane by millimetres, to the right and down. */
  pan(number, right, down) {
    this.view.pan[number][0] += right;
    this.view.pan[number][1] += down;
    this.redraw();
  }

  activate(number) {
    if (this.active === number) return;
    this.active = number;
    this.layout.arrange(this);
  }

  /** Chooses the plane that keys scroll; shows it where one plane is large. */
  nextPlane(step) {
    const count = this.shown.planes.length;
    const number = (this.active + step + count) % count;
    if (this.enlarged) this.enlarge(number, this.enlarged.place);
    else this.activate(number);
  }

  toggle(name) {
    this.view[name] = !this.view[name];
    this.redraw();
  }

  get hasOverlay() {
    return Boolean(this.shown?.images.some(({ overlay }) => overlay));
  }

  nextOverlay() {
    this.view.overlay = (this.view.overlay + 1) % OVERLAYS.length;
    this.redraw();
  }

  /** Lays another overlay over an image; all else stays as it is. */
  cover(place, overlay) {
    this.shown.images[place].overlay = overlay;
    for (const pane of this.panes) if (pane.place === place) pane.cover();
    this.redraw();
  }

  /** One plane large, of all images or of one; the same again, or null: all panes. */
  enlarge(number, place = null) {
    const before = this.enlarged;
    const same = before && before.number === number && before.place === place;
    this.enlarged = number === null || same ? null : { number, place };
    if (number !== null) this.active = number;
    this.arrange();
  }

  arrange() {
    for (const { element, number, place } of this.panes) {
      const { number: plane = number, place: image = null } = this.enlarged ?? {};
      element.hidden = number !== plane || (image !== null && image !== place);
    }
    this.layout.arrange(this);
    this.measure();
  }

  /** Lets all panes be measured and drawn anew. */
  measure() {
    this.measured = false;
    this.redraw();
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
    const start = performance.now();
    this.drawnAt = start;
    this.layout.describe(this);
    const visible = this.panes.filter((pane) => !pane.element.hidden);
    if (!this.measured) this.takeSizes(visible);
    for (const pane of visible) pane.draw(this.view, this.table, this.fit * this.view.zoom);
    // For benchmarks/reading.py.
    performance.clearMeasures("draw");
    performance.measure("draw", { start });
    this.layout.drawn(this);
  }

  /** All panes have one scale: as large as all of every slice can be seen. */
  takeSizes(panes) {
    const sizes = panes.map(({ canvas }) => [canvas.clientWidth, canvas.clientHeight]);
    panes.forEach((pane, n) => pane.resize(...sizes[n], window.devicePixelRatio));
    this.fit = Math.min(...panes.map((pane) => pane.fit()));
    this.measured = true;
  }
}
