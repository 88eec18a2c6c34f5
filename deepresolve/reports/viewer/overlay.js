// What lies over an image: a label map, as outlines of its classes or the classes filled;
// or heat, values in colours of their own, or the outline of the upper half of them.

import { classColours, heatColours, Picture } from "./grey.js";

export const OVERLAYS = ["contours", "filled", "none"];
const HEAT_OVERLAYS = ["filled", "contours", "none"]; // in the order in which they come
const OUTLINE = 1.5; // CSS pixels
const ITSELF = Uint8Array.from({ length: 256 }, (_, label) => label);

export class Overlay {
  /** What it takes stands in volume.js. */
  constructor({ labels, classes, heat = null }) {
    Object.assign(this, { labels, classes, heat });
    this.looks = heat ? HEAT_OVERLAYS : OVERLAYS;
    this.colours = heat ? heatColours(heat.colours) : classColours(classes);
    this.outlined = heat ? ITSELF.map((value) => Number(value >= heat.half)) : ITSELF;
    this.picture = new Picture(true);
  }

  /** Draws a slice as a view asks for it. */
  draw(context, plane, index, frame, view, ratio) {
    const kind = this.looks[view.overlay];
    if (kind === "filled") {
      this.picture.fill(this.labels, plane, index, this.colours);
      this.picture.drawOn(context, frame, Boolean(this.heat) && view.smooth);
    } else if (kind === "contours") this.drawContours(context, plane, index, frame, ratio);
  }

  drawContours(context, plane, index, { left, top, rowSize, columnSize }, ratio) {
    const [rows, columns] = this.labels.size(plane);
    const pixels = new Uint8Array(rows * columns);
    this.labels.cut(plane, index, this.outlined, pixels);
    const toCanvas = new DOMMatrix([columnSize, 0, 0, rowSize, left, top]);
    context.lineWidth = OUTLINE * ratio;
    for (const [label, path] of contours(pixels, rows, columns)) {
      const line = this.classes[label - 1];
      const onCanvas = new Path2D();
      onCanvas.addPath(path, toCanvas);
      context.strokeStyle = line.colour;
      context.setLineDash(line.dashes.map((length) => length * OUTLINE * ratio));
      context.stroke(onCanvas);
    }
    context.setLineDash([]);
  }
}

/** Along the edges of voxels, one path a class, in rows and columns of voxels. */
export function contours(pixels, rows, columns) {
  const paths = new Map();
  const edge = (label, x0, y0, x1, y1) => {
    if (!label) return;
    if (!paths.has(label)) paths.set(label, new Path2D());
    paths.get(label).moveTo(x0, y0);
    paths.get(label).lineTo(x1, y1);
  };
  const at = (r, c) =>
    r < 0 || c < 0 || r >= rows || c >= columns ? 0 : pixels[r * columns + c];
  for (let r = 0; r <= rows; r++) {
    for (let c = 0; c <= columns; c++) {
      const here = at(r, c);
      const above = at(r - 1, c);
      const before = at(r, c - 1);
      if (here !== above) {
        edge(here, c, r, c + 1, r);
        edge(above, c, r, c + 1, r);
      }
      if (here !== before) {
        edge(here, c, r, c, r + 1);
        edge(before, c, r, c, r + 1);
      }
    }
  }
  return paths;
}

/** A class's line for a legend, drawn as over an image, but wider. */
export function sample({ colour, dashes }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [60, 12];
  const context = canvas.getContext("2d");
  context.lineWidth = 5;
  context.strokeStyle = colour;
  context.setLineDash(dashes.map((length) => 5 * length));
  context.moveTo(0, 6);
  context.lineTo(60, 6);
  context.stroke();
  return canvas;
}
