// One plane of one image on a canvas, and the cursor's lines over it: elements of their
// own, so that a canvas is painted anew only where its own slice or view changes.

import { element } from "./dom.js";
import { PLANES } from "./volume.js";

// Room for the orientation letters, in CSS pixels.
const MARGIN = 14;
const LETTER = "#93a1ad";
// The cursor's lines leave the place itself free.
const GAP = 9;

export class Pane {
  constructor(place, plane) {
    this.place = place;
    this.plane = plane;
    this.canvas = document.createElement("canvas");
    this.canvas.dataset.plane = plane;
    this.canvas.dataset.place = place;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.slice = document.createElement("canvas");
    this.sliceContext = this.slice.getContext("2d", { alpha: false });
    // Above, below, left and right of the cursor.
    this.lines = Array.from({ length: 4 }, () => element("i"));
    this.element = element("div", { className: "pane" }, this.canvas, ...this.lines);
    this.filled = "";
    this.painted = "";
  }

  /** Takes the size that the layout gave it, in CSS pixels, and their ratio. */
  resize(width, height, ratio) {
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.ratio = ratio;
    if (this.canvas.width === w && this.canvas.height === h) return;
    this.canvas.width = w;
    this.canvas.height = h;
  }

  /** Canvas pixels per mm, and the canvas pixel of the slice's top left corner. */
  geometry(shown, view) {
    const [rows, columns] = shown.size(this.plane);
    const [rowMm, columnMm] = shown.pixel(this.plane);
    const margin = 2 * MARGIN * this.ratio;
    const { width, height } = this.canvas;
    const fit = Math.min(
      (width - margin) / (columns * columnMm),
      (height - margin) / (rows * rowMm),
    );
    const scale = Math.max(fit, 1e-3) * view.zoom;
    const [panX, panY] = view.pan[this.plane];
    return {
      scale,
      x: width / 2 + (panX - (columns * columnMm) / 2) * scale,
      y: height / 2 + (panY - (rows * rowMm) / 2) * scale,
      columnSize: columnMm * scale,
      rowSize: rowMm * scale,
    };
  }

  draw(shown, view, table) {
    const [rows, columns] = shown.size(this.plane);
    const index = view.cursor[PLANES[this.plane].through];
    const slice = `${shown.id} ${shown.version} ${index} ${view.window}`;
    const geometry = this.geometry(shown, view);
    const { context, canvas } = this;
    const { width, height } = canvas;
    const picture = [slice, width, height, view.smooth, view.marks];
    const wanted = [...picture, ...Object.values(geometry)].join(" ");
    this.placeLines(view, geometry);
    if (this.painted === wanted) return;
    this.painted = wanted;
    if (this.filled !== slice) this.fill(shown, index, table, rows, columns);
    this.filled = slice;
    const { x, y, columnSize, rowSize } = geometry;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = view.smooth;
    context.drawImage(this.slice, x, y, columns * columnSize, rows * rowSize);
    if (view.marks) this.drawLetters(shown.letters(this.plane));
  }

  fill(shown, index, table, rows, columns) {
    if (this.slice.width !== columns || this.slice.height !== rows || !this.pixels) {
      this.slice.width = columns;
      this.slice.height = rows;
      this.pixels = new ImageData(columns, rows);
      this.words = new Uint32Array(this.pixels.data.buffer);
    }
    shown.reslice(this.place, this.plane, index, table, this.words);
    this.sliceContext.putImageData(this.pixels, 0, 0);
  }

  placeLines(view, { x, y, columnSize, rowSize }) {
    const { rows, columns } = PLANES[this.plane];
    const { canvas, ratio } = this;
    const thick = Math.max(1, Math.round(ratio));
    const atX = Math.round(x + (view.cursor[columns] + 0.5) * columnSize);
    const atY = Math.round(y + (view.cursor[rows] + 0.5) * rowSize);
    const gap = GAP * ratio;
    const margin = MARGIN * ratio;
    const [right, bottom] = [canvas.width - margin, canvas.height - margin];
    const boxes = [
      [atX, margin, thick, atY - gap - margin],
      [atX, atY + gap, thick, bottom - atY - gap],
      [margin, atY, atX - gap - margin, thick],
      [atX + gap, atY, right - atX - gap, thick],
    ];
    boxes.forEach(([left, top, width, height], n) => {
      const line = this.lines[n];
      line.hidden = !view.marks || width <= 0 || height <= 0;
      const box = { left, top, width, height };
      for (const [name, size] of Object.entries(box)) line.style[name] = `${size / ratio}px`;
    });
  }

  drawLetters([top, right, bottom, left]) {
    const { context, ratio } = this;
    const { width, height } = this.canvas;
    const inset = (MARGIN / 2) * ratio;
    context.fillStyle = LETTER;
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(top, width / 2, inset);
    context.fillText(bottom, width / 2, height - inset);
    context.fillText(left, inset, height / 2);
    context.fillText(right, width - inset, height / 2);
  }

  /** The (column, row) under a pointer, not rounded. */
  voxel(event, shown, view) {
    const { x, y, columnSize, rowSize } = this.geometry(shown, view);
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * this.ratio - x) / columnSize,
      ((event.clientY - box.top) * this.ratio - y) / rowSize,
    ];
  }
}
