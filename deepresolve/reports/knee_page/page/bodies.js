// Meshes out of the page, as knee_page/meshes.py put them in.

import { unpack } from "../../preview/page/unpack.js";

/** A row of whole numbers out of rows of their bytes, the highest first. */
function numbers(bytes, count, row, numBytes) {
  const found = new Uint32Array(count);
  for (let place = 0; place < numBytes; place++) {
    const start = (row + place) * count;
    for (let i = 0; i < count; i++) found[i] = found[i] * 256 + bytes[start + i];
  }
  return found;
}

/**
 * One mesh: places (mm in the world, three a vertex), normals, faces (three vertices
 * each), and of a plate thickness in thousandths of a mm, covered and region numbers.
 */
export async function body(described) {
  const { id, low, step, num_vertices: count, num_faces: numFaces, is_plate } = described;
  const bytes = await unpack(`${id}-vertices`, count, count * (is_plate ? 10 : 6));
  const places = new Float32Array(3 * count);
  for (let axis = 0; axis < 3; axis++) {
    const column = numbers(bytes, count, 2 * axis, 2);
    for (let i = 0; i < count; i++) places[3 * i + axis] = low[axis] + step * column[i];
  }
  const faceBytes = await unpack(`${id}-faces`, numFaces, 9 * numFaces);
  const faces = new Uint32Array(3 * numFaces);
  for (let corner = 0; corner < 3; corner++) {
    const column = numbers(faceBytes, numFaces, 3 * corner, 3);
    for (let i = 0; i < numFaces; i++) faces[3 * i + corner] = column[i];
  }
  const normals = normalsOf(places, faces);
  const made = { ...described, places, faces, normals, isPlate: is_plate, count };
  if (!is_plate) return made;
  const thickness = numbers(bytes, count, 6, 2);
  const covered = bytes.slice(8 * count, 9 * count);
  const regionNumbers = bytes.slice(9 * count);
  return { ...made, thickness, covered, regionNumbers };
}

/** Of length 1; those of large triangles count for more. */
function normalsOf(places, faces) {
  const normals = new Float32Array(places.length);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
    const [ux, uy, uz] = [0, 1, 2].map((i) => places[b + i] - places[a + i]);
    const [vx, vy, vz] = [0, 1, 2].map((i) => places[c + i] - places[a + i]);
    const n = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const at of [a, b, c]) for (let i = 0; i < 3; i++) normals[at + i] += n[i];
  }
  for (let v = 0; v < normals.length; v += 3) {
    const length = Math.hypot(normals[v], normals[v + 1], normals[v + 2]) || 1;
    for (let i = 0; i < 3; i++) normals[v + i] /= length;
  }
  return normals;
}

/** The middle of the box around some meshes, and how far they reach from there. */
export function extent(bodies) {
  const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (const { places } of bodies) {
    for (let n = 0; n < places.length; n++) {
      low[n % 3] = Math.min(low[n % 3], places[n]);
      high[n % 3] = Math.max(high[n % 3], places[n]);
    }
  }
  const middle = low.map((x, i) => (x + high[i]) / 2);
  let radius = 0;
  for (const { places } of bodies) {
    for (let n = 0; n < places.length; n += 3) {
      const away = middle.map((x, i) => places[n + i] - x);
      radius = Math.max(radius, Math.hypot(...away));
    }
  }
  return { middle, radius };
}
