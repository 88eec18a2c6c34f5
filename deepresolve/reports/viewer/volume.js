// Voxels in memory, and slices of planes out of them.
//
// Which planes there are, how they run along a volume's axes, and how large their pixels
// are, is worked out in Python (`reports.cuts`). A plane here is
//
//   name      "sagittal", ...
//   axes      the volume's axes that its rows, columns and slices run along
//   flipped   for each, whether the index falls where the volume's own grows
//   pixel_mm  between rows and between columns
//   edges     letters of the top, right, bottom and left edge
//   start     the slice to begin with
//   ticks     {along: "rows" or "columns", at: places} to mark beside it, or null; n is
//             the middle of number n, n + 0.5 lies between it and the next one
//
// and what a viewer shows is
//
//   id, version      they change where voxels change
//   shape, planes    as above
//   values, range    how many values are stored; what the first and the last stand for
//   window           what is black and what is white at first, in the unit of the range
//   images           [{grey: Layer, overlay: null or {labels: Layer, classes, heat}}], from
//                    left to right; of a class, its line: {colour, dashes}; heat is null
//                    for a label map, else {colours, half}: the colour of each stored
//                    value, and the first one that is outlined, as the one class

/** An image or a label map. */
export class Layer {
  /**
   * @param voxels what is stored
   * @param shape of what is shown
   * @param strides from a voxel to the next one along each axis of `shape`
   * @param nearest for each axis the stored index that each index shows, or null: itself
   */
  constructor(voxels, shape, strides, nearest = [null, null, null]) {
    Object.assign(this, { voxels, shape, strides, nearest });
    this.known = new Map();
  }

  /** Number of [rows, columns, slices]. */
  size(plane) {
    return plane.axes.map((axis) => this.shape[axis]);
  }

  /** For rows, columns and slices the offsets whose sum is the place of a voxel. */
  offsets(plane) {
    if (!this.known.has(plane.name)) {
      const tables = plane.axes.map((axis, i) => {
        const { [axis]: count } = this.shape;
        const own = (n) => (plane.flipped[i] ? count - 1 - n : n);
        const stored = (n) => this.nearest[axis]?.[own(n)] ?? own(n);
        return Int32Array.from({ length: count }, (_, n) => stored(n) * this.strides[axis]);
      });
      this.known.set(plane.name, tables);
    }
    return this.known.get(plane.name);
  }

  /** Writes a slice, row by row, each voxel looked up in a table, into `out`. */
  cut(plane, index, table, out) {
    const { voxels } = this;
    const [rows, columns, slices] = this.offsets(plane);
    const numColumns = columns.length;
    const step = this.columnStep(plane);
    let place = 0;
    for (const row of rows) {
      let at = slices[index] + row;
      if (step === null) {
        for (const column of columns) out[place++] = table[voxels[at + column]];
        continue;
      }
      // Without a second table it takes two thirds of the time.
      at += columns[0];
      for (let column = 0; column < numColumns; column++) {
        out[place++] = table[voxels[at]];
        at += step;
      }
    }
  }

  /** From a column to the next one; null where not all of them are stored. */
  columnStep(plane) {
    const [, axis] = plane.axes;
    if (this.nearest[axis]) return null;
    return plane.flipped[1] ? -this.strides[axis] : this.strides[axis];
  }
}
