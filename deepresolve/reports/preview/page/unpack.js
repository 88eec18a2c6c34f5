// Volumes out of the page.

/** Bytes of the text that `packing.pack` wrote: rows of differences, slice by slice. */
export async function unpack(id, rowLength, length) {
  const holder = document.getElementById(id);
  const text = holder.textContent;
  holder.remove();
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
