// One plane of one image on a canvas, and the cursor's lines over it: elements of their
// own, so that a canvas is painted anew only where its own slice or view changes.

import { element } from "./dom.js";
import { fittingScale, frameOf, indexOf, seen, voxelAt } from "./geometry.js";
import { Picture } from "./grey.js";
import { drawTicks, letterEdges, MARGIN, MARGIN_WITH_TICKS, scaleBar } from "./marks.js";
import { Overlay } from "./overlay.js";

// The cursor's lines leave the place itself free; CSS pixels.
const GAP = 9;

export class Pane {
  /**
   * @param place of the image among those shown side by side, from 0
   * @param number of the plane, from 0
   * @param name of the plane
   */
  constructor(place, number, name) {
    Object.assign(this, { place, number });
    this.canvas = element("canvas");
    this.canvas.dataset.plane = name;
    this.canvas.dataset.place = place;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.picture = new Picture();
    // Above, below, left and right of the cursor.
    this.lines = Array.from({ length: 4 }, () => element("i"));
    this.element = element("div", { className: "pane" }, this.canvas, ...this.lines);
  }

  /** Shows another case. */
  show(shown) {
    this.shown = shown;
    this.plane = shown.planes[this.number];
    this.image = shown.images[this.place];
    this.cover();
    this.margin = this.plane.ticks ? MARGIN_WITH_TICKS : MARGIN;
    this.filled = "";
    this.painted = "";
  }

  /** Takes what lies over the image now. */
  cover() {
    this.overlay = this.image.overlay ? new Overlay(this.image.overlay) : null;
    this.painted = "";
  }

  /** Takes the size that the layout gave it, in CSS pixels, and their ratio. */
  resize(width, height, ratio) {
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.ratio = ratio;
    if (this.canvas.width === w && this.canvas.height === h) return;
    this.canvas.width = w;
    this.canvas.height = h;
    this.painted = "";
  }

  /** Canvas pixels per mm at which all of a slice can be seen. */
  fit() {
    const [width, height] = [this.canvas.width, this.canvas.height].map(
      (size) => size - 2 * this.margin * this.ratio,
    );
    return fittingScale(this.shown, this.plane, width, height);
  }

  /** @param scale canvas pixels per mm */
  draw(view, table, scale) {
    const { shown, plane, canvas } = this;
    const index = indexOf(shown, plane, 2, view.cursor);
    this.scale = scale;
    this.frame = frameOf(shown, plane, canvas, scale, view.pan[this.number]);
    this.box = seen(this.frame, canvas, this.margin * this.ratio);
    this.placeLines(view);
    const slice = `${shown.version} ${index} ${view.window}`;
    const look = [view.smooth, view.marks, view.overlay, ...Object.values(this.frame)];
    const wanted = [slice, ...look].join(" ");
    if (this.painted === wanted) return;
    this.painted = wanted;
    if (this.filled !== slice) this.picture.fill(this.image.grey, plane, index, table);
    this.filled = slice;
    this.paint(view, index);
  }

  paint(view, index) {
    const { context, frame, box, plane, ratio } = this;
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.picture.drawOn(context, frame, view.smooth);
    this.overlay?.draw(context, plane, index, frame, view, ratio);
    if (!view.marks) return;
    letterEdges(context, plane.edges, frame, box, this.margin, ratio);
    scaleBar(context, box, this.scale, ratio);
    if (plane.ticks) drawTicks(context, plane.ticks, frame, box, ratio);
  }

  placeLines(view) {
    const { frame, box, ratio, shown, plane } = this;
    const thick = Math.max(1, Math.round(ratio));
    const [row, column] = [0, 1].map((i) => indexOf(shown, plane, i, view.cursor) + 0.5);
    const x = Math.round(frame.left + column * frame.columnSize);
    const y = Math.round(frame.top + row * frame.rowSize);
    const gap = GAP * ratio;
    const isWithin = (at, from, to) => view.marks && at >= from && at <= to;
    const down = isWithin(x, box.left, box.right);
    const across = isWithin(y, box.top, box.bottom);
    [
      [down, x, box.top, thick, y - gap - box.top],
      [down, x, y + gap, thick, box.bottom - y - gap],
      [across, box.left, y, x - gap - box.left, thick],
      [across, x + gap, y, box.right - x - gap, thick],
    ].forEach(([isSeen, left, top, width, height], n) => {
      const line = this.lines[n];
      line.hidden = !isSeen || width <= 0 || height <= 0;
      const sides = { left, top, width, height };
      for (const [name, size] of Object.entries(sides)) line.style[name] = `${size / ratio}px`;
    });
  }

  /** The [row, column] under a pointer, not rounded. */
  voxel({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top].map((at) => at * this.ratio);
    return voxelAt(this.frame, x, y);
  }
}
