// Volumes: out of the page, and planes out of them.

// Bytes of the text that `packing.pack` wrote: rows of differences, slice by slice.
async function unpack(id, rowLength, length) {
  const element = document.getElementById(id);
  const text = element.textContent;
  element.remove();
  const pieces = [];
  const letters = 4 * 65536;
  for (let start = 0; start < text.length; start += letters) {
    const binary = atob(text.slice(start, start + letters));
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    pieces.push(bytes);
  }
  const stream = new Blob(pieces).stream();
  const reader = stream.pipeThrough(new DecompressionStream("gzip")).getReader();
  const voxels = new Uint8Array(length);
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    voxels.set(value, filled);
    filled += value.length;
  }
  if (filled !== length) throw new Error(`${id} is cut short`);
  for (let row = 0; row < length; row += rowLength) {
    for (let i = row + 1; i < row + rowLength; i++) voxels[i] += voxels[i - 1];
  }
  return voxels;
}

// Where the voxels of a plane lie: offsets of each row, column and slice, whose sum is
// the place of a voxel. `factor` slices of the result share the nearest acquired one.
function offsets(plane, shape, factor) {
  const steps = [shape[1], 1, shape[0] * shape[1]];
  return plane.axes.map((axis, i) => {
    const table = new Int32Array(shape[axis]);
    for (let index = 0; index < table.length; index++) {
      const own = plane.flipped[i] ? table.length - 1 - index : index;
      table[index] = (axis === 2 ? acquiredSlice(own, factor) : own) * steps[axis];
    }
    return table;
  });
}

// The acquired slice that lies nearest to a slice of the result.
function acquiredSlice(index, factor) {
  return Math.floor((index + Math.floor(factor / 2)) / factor);
}

// (rows x columns) of one slice.
function cutSlice(voxels, [rows, columns, slices], index) {
  const pixels = new Uint8Array(rows.length * columns.length);
  let place = 0;
  for (let r = 0; r < rows.length; r++) {
    const start = slices[index] + rows[r];
    for (let c = 0; c < columns.length; c++) pixels[place++] = voxels[start + columns[c]];
  }
  return pixels;
}
