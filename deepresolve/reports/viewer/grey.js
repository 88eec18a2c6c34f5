// What stored values look like: greys by the window, colours by the class.

const OPAQUE = 0xff000000;
const FILL = 115; // of 255: how opaque a filled class is

/**
 * Fills a table of colours (32-bit words, red lowest), one a stored value.
 * @param table Uint32Array of as many entries as values can be stored
 * @param range what the first and the last of them stand for
 * @param window what is black and what is white, in the same unit
 */
export function fillGreys(table, range, [black, white]) {
  const perStep = (range[1] - range[0]) / (table.length - 1);
  const first = (black - range[0]) / perStep;
  const scale = 255 / Math.max((white - black) / perStep, 1e-6);
  for (let value = 0; value < table.length; value++) {
    const grey = Math.max(0, Math.min(255, Math.round((value - first) * scale)));
    table[value] = OPAQUE | (grey << 16) | (grey << 8) | grey;
  }
}

/** See-through colours of classes 1, 2, ... ("#rrggbb"); 0 is nothing. */
export function classColours(classes) {
  const table = new Uint32Array(256);
  classes.forEach(({ colour }, n) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    table[n + 1] = (FILL << 24) | (blue << 16) | (green << 8) | red;
  });
  return table;
}

/** Colours of stored values ("#rrggbbaa"), from 0 on. */
export function heatColours(colours) {
  return Uint32Array.from(colours, (colour) => {
    const [red, green, blue, alpha] = [1, 3, 5, 7].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return (alpha << 24) | (blue << 16) | (green << 8) | red;
  });
}

/** One slice as a picture of a pixel a voxel, which is drawn at any size. */
export class Picture {
  /** @param alpha whether it can be seen through */
  constructor(alpha = false) {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha });
    this.words = null;
  }

  /** Takes a slice of a layer, through a table of colours. */
  fill(layer, plane, index, table) {
    const [rows, columns] = layer.size(plane);
    const { canvas } = this;
    if (!this.words || canvas.width !== columns || canvas.height !== rows) {
      [canvas.width, canvas.height] = [columns, rows];
      this.pixels = new ImageData(columns, rows);
      this.words = new Uint32Array(this.pixels.data.buffer);
    }
    layer.cut(plane, index, table, this.words);
    this.context.putImageData(this.pixels, 0, 0);
  }

  drawOn(context, { left, top, wide, high }, smooth) {
    context.imageSmoothingEnabled = smooth;
    context.drawImage(this.canvas, left, top, wide, high);
  }
}
