// Where a plane's voxels lie on a canvas, and back. Held to the affine of the scan by
// tests/reports/test_viewer_geometry.py.

/** Number of rows (i = 0), columns (1) or slices (2). */
export function countOf({ shape }, plane, i) {
  return shape[plane.axes[i]];
}

/** From an index of a plane to that along the volume's axis, or back. */
export function turned(shown, plane, i, index) {
  return plane.flipped[i] ? countOf(shown, plane, i) - 1 - index : index;
}

/** A cursor (indices along the volume's axes) as the plane's row, column or slice. */
export function indexOf(shown, plane, i, cursor) {
  return turned(shown, plane, i, cursor[plane.axes[i]]);
}

/** Pixels per mm at which a plane just fits into a box of so many pixels. */
export function fittingScale(shown, plane, width, height) {
  const [wideMm, highMm] = [1, 0].map((i) => countOf(shown, plane, i) * plane.pixel_mm[i]);
  return Math.max(Math.min(width / wideMm, height / highMm), 1e-3);
}

/**
 * Where a slice lies on a canvas, in its pixels: in the middle, but for `pan`.
 * @param scale pixels per mm
 * @param pan [to the right, down] in mm
 */
export function frameOf(shown, plane, { width, height }, scale, pan) {
  const [rowSize, columnSize] = plane.pixel_mm.map((mm) => mm * scale);
  const high = countOf(shown, plane, 0) * rowSize;
  const wide = countOf(shown, plane, 1) * columnSize;
  const left = width / 2 + pan[0] * scale - wide / 2;
  const top = height / 2 + pan[1] * scale - high / 2;
  return { left, top, wide, high, rowSize, columnSize };
}

/** [row, column] at a place of the canvas; whole numbers are the voxels' corners. */
export function voxelAt({ left, top, rowSize, columnSize }, x, y) {
  return [(y - top) / rowSize, (x - left) / columnSize];
}

/** What of a frame can be seen, in a canvas with a margin. */
export function seen({ left, top, wide, high }, { width, height }, margin) {
  const within = (from, to, end) => [
    Math.min(Math.max(from, margin), end - margin),
    Math.max(Math.min(to, end - margin), margin),
  ];
  const [x0, x1] = within(left, left + wide, width);
  const [y0, y1] = within(top, top + high, height);
  return { left: x0, top: y0, right: x1, bottom: y1 };
}
