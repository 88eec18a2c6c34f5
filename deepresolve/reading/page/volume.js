// The voxels of one case, and planes through them.
//
// An image is a Uint16Array of shape [slices, rows, columns] whose indices grow as the
// letters of the orientation say: to the left, down and to the back ("LIP").

import { slices } from "./api.js";

// Axes of the array that run down and right in each plane, and through it: as a
// radiologist looks at it, the patient's right on the left.
export const PLANES = {
  sagittal: { rows: 1, columns: 2, through: 0 },
  coronal: { rows: 1, columns: 0, through: 2 },
  axial: { rows: 2, columns: 0, through: 1 },
};

const OPPOSITE = { L: "R", R: "L", A: "P", P: "A", S: "I", I: "S" };
const FIRST_SLAB = 2;
const SLAB = 16;
// Between slabs of a case that nobody looks at yet, so that scrolling stays smooth.
const PAUSE_MS = 150;

export class Case {
  constructor(description) {
    this.id = description.id;
    this.imageIds = description.images;
    this.shape = description.shape;
    this.spacing = description.spacing_mm;
    this.orientation = description.orientation;
    this.window = description.window;
    this.answers = description.answers;
    const size = this.shape[0] * this.shape[1] * this.shape[2];
    this.images = this.imageIds.map(() => new Uint16Array(size));
    this.loaded = 0; // slices of each image
    this.version = 0;
    this.hurried = false; // somebody waits for it
    this.stopper = new AbortController();
  }

  /**
   * Fetches all slices, the middle ones first, alike for every image.
   * @param onSlab called with the case after each slab
   * @param isBusy whether the reader scrolls just now; a case that nobody waits for rests
   */
  async load(onSlab, isBusy) {
    const perSlice = this.shape[1] * this.shape[2];
    const fetchSlab = ([first, count]) =>
      Promise.all(
        this.imageIds.map(async (id, place) => {
          const voxels = await slices(id, first, count, this.stopper.signal);
          this.images[place].set(voxels, first * perSlice);
        }),
      ).then(() => count);
    this.loaded = 0;
    // Two slabs are on their way at any time.
    const todo = slabs(this.shape[0]);
    let ahead = fetchSlab(todo[0]);
    for (let n = 0; n < todo.length; n++) {
      const current = ahead;
      if (!this.hurried) await this.rest(isBusy);
      if (n + 1 < todo.length) ahead = fetchSlab(todo[n + 1]);
      ahead.catch(() => {}); // told when its turn comes
      this.loaded += await current;
      this.version += 1;
      onSlab(this);
    }
  }

  async rest(isBusy) {
    do await new Promise((done) => setTimeout(done, PAUSE_MS));
    while (!this.hurried && isBusy());
  }

  get complete() {
    return this.loaded === this.shape[0];
  }

  stop() {
    this.stopper.abort();
  }

  /** Letters of the top, right, bottom and left edge of a plane. */
  letters(plane) {
    const { rows, columns } = PLANES[plane];
    const down = this.orientation[rows];
    const right = this.orientation[columns];
    return [OPPOSITE[down], right, down, OPPOSITE[right]];
  }

  /** Number of [rows, columns, slices] of a plane. */
  size(plane) {
    const { rows, columns, through } = PLANES[plane];
    return [rows, columns, through].map((axis) => this.shape[axis]);
  }

  /** Size of a pixel of a plane in mm: [between rows, between columns]. */
  pixel(plane) {
    const { rows, columns } = PLANES[plane];
    return [this.spacing[rows], this.spacing[columns]];
  }

  /** Writes one slice of a plane, looked up in a table of colours, into `out`. */
  reslice(place, plane, index, table, out) {
    const voxels = this.images[place];
    const { rows, columns, through } = PLANES[plane];
    const strides = [this.shape[1] * this.shape[2], this.shape[2], 1];
    const numColumns = this.shape[columns];
    const step = strides[columns];
    let n = 0;
    for (let row = 0; row < this.shape[rows]; row++) {
      let at = index * strides[through] + row * strides[rows];
      for (let column = 0; column < numColumns; column++) {
        out[n++] = table[voxels[at]];
        at += step;
      }
    }
  }
}

/** [first, count] of slabs that cover all slices, from the middle outwards. */
function slabs(count) {
  const middle = Math.max(0, Math.floor(count / 2) - 1);
  const parts = [[middle, Math.min(FIRST_SLAB, count)]];
  let low = middle;
  let high = middle + parts[0][1];
  while (low > 0 || high < count) {
    if (high < count) {
      parts.push([high, Math.min(SLAB, count - high)]);
      high += parts.at(-1)[1];
    }
    if (low > 0) {
      const size = Math.min(SLAB, low);
      low -= size;
      parts.push([low, size]);
    }
  }
  return parts;
}

/** Colours (RGBA) of all 65536 values: black up to `low`, white from `high`. */
export function fillTable(table, low, high) {
  const scale = 255 / Math.max(high - low, 1e-6);
  for (let value = 0; value < table.length; value++) {
    const grey = Math.max(0, Math.min(255, Math.round((value - low) * scale)));
    table[value] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
}
