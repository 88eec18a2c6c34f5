// The voxels of one case, and how they arrive.
//
// An image is a Uint16Array of shape [slices, rows, columns].

import { Layer } from "../viewer/volume.js";
import { slices } from "./api.js";

const FIRST_SLAB = 2;
const SLAB = 16;
// Between slabs of a case that nobody looks at yet, so that scrolling stays smooth.
const PAUSE_MS = 150;

const VALUES = 65536;

/** What the viewer shows; see ../viewer/volume.js. */
export class Case {
  constructor({ id, images, shape, planes, window, answers }) {
    Object.assign(this, { id, shape, planes, window, answers });
    this.values = VALUES;
    this.range = [0, VALUES - 1];
    this.imageIds = images;
    const strides = [shape[1] * shape[2], shape[2], 1];
    this.images = images.map(() => {
      const voxels = new Uint16Array(shape[0] * strides[0]);
      return { grey: new Layer(voxels, shape, strides), overlay: null };
    });
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
    const fetchSlab = ([first, count]) => {
      const slab = Promise.all(
        this.imageIds.map(async (id, place) => {
          const voxels = await slices(id, first, count, this.stopper.signal);
          this.images[place].grey.voxels.set(voxels, first * perSlice);
        }),
      ).then(() => count);
      slab.catch(() => {}); // told when its turn comes
      return slab;
    };
    this.loaded = 0;
    // Two slabs are on their way at any time.
    const todo = slabs(this.shape[0]);
    let ahead = fetchSlab(todo[0]);
    for (let n = 0; n < todo.length; n++) {
      const current = ahead;
      if (!this.hurried) await this.rest(isBusy);
      if (n + 1 < todo.length) ahead = fetchSlab(todo[n + 1]);
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
