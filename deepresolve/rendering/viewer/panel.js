// Drawing: one slice on a canvas, in mm, with what tells a reader where it is.

const YELLOW = "#ffd24d";
const MARGIN = 12; // CSS pixels around a slice, for the ticks of acquired slices
const BARS_MM = [50, 20, 10, 5, 2, 1];

// Grey levels of the stored bytes; black and white are in the scan's own units.
function greyLevels(range, window) {
  const levels = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const value = range[0] + (byte / 255) * (range[1] - range[0]);
    const share = (value - window[0]) / (window[1] - window[0]);
    const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
    levels[byte] = (255 << 24) | (grey << 16) | (grey << 8) | grey;
  }
  return levels;
}

// A picture of a slice, one pixel a voxel, through a table of 32-bit colours.
function picture(pixels, height, width, colours) {
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) words[i] = colours[pixels[i]];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Where a slice lies on its canvas, in CSS pixels, at `scale` pixels per mm: in the
// middle, or of two side by side near the other, with room for its name on the left.
function frameOf(canvas, [height, width], pixelMm, scale, sideBySide, side) {
  const [high, wide] = [height * pixelMm[0] * scale, width * pixelMm[1] * scale];
  const box = canvas.getBoundingClientRect();
  let left = (box.width - wide) / 2;
  if (sideBySide) left = side ? Math.min(left, 60) : Math.max(left, 2 * left - MARGIN);
  return { left, top: (box.height - high) / 2, wide, high };
}

function clear(canvas) {
  const box = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingQuality = "high";
  return context;
}

// Along the edges of pixels, one path a class.
function contours(labels, height, width, frame) {
  const [dx, dy] = [frame.wide / width, frame.high / height];
  const paths = new Map();
  const segment = (label, x0, y0, x1, y1) => {
    if (!label) return;
    if (!paths.has(label)) paths.set(label, new Path2D());
    paths.get(label).moveTo(frame.left + x0 * dx, frame.top + y0 * dy);
    paths.get(label).lineTo(frame.left + x1 * dx, frame.top + y1 * dy);
  };
  const at = (r, c) =>
    r < 0 || c < 0 || r >= height || c >= width ? 0 : labels[r * width + c];
  for (let r = 0; r <= height; r++) {
    for (let c = 0; c <= width; c++) {
      const here = at(r, c);
      for (const label of here === at(r - 1, c) ? [] : [here, at(r - 1, c)]) {
        segment(label, c, r, c + 1, r);
      }
      for (const label of here === at(r, c - 1) ? [] : [here, at(r, c - 1)]) {
        segment(label, c, r, c, r + 1);
      }
    }
  }
  return paths;
}

function drawContours(context, paths, classes) {
  context.lineWidth = 1.5;
  for (const [label, path] of paths) {
    const { colour, dashes } = classes[label - 1];
    context.strokeStyle = colour;
    context.setLineDash(dashes.map((length) => 1.5 * length));
    context.stroke(path);
  }
  context.setLineDash([]);
}

function write(context, text, x, y, align, baseline, colour) {
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = align;
  context.textBaseline = baseline;
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

// Where the patient's sides lie.
function letterEdges(context, [top, right, bottom, left], f) {
  const [x, y] = [f.left + f.wide / 2, f.top + f.high / 2];
  write(context, top, x, f.top + 4, "center", "top", YELLOW);
  write(context, right, f.left + f.wide - 4, y, "right", "middle", YELLOW);
  write(context, bottom, x, f.top + f.high - 4, "center", "bottom", YELLOW);
  write(context, left, f.left + 4, y, "left", "middle", YELLOW);
}

function scaleBar(context, f, scale) {
  const length = BARS_MM.find((mm) => mm * scale < f.high / 2) || 1;
  const [x, bottom] = [f.left + 8, f.top + f.high - 8];
  for (const [width, colour] of [[4, "#000"], [2, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(x, bottom);
    context.lineTo(x, bottom - length * scale);
    context.stroke();
  }
  write(context, `${length} mm`, x + 6, bottom, "left", "bottom", "#fff");
}

// Ticks outside the slice, where every `factor`-th row or column was acquired.
function acquiredTicks(context, plane, count, factor, f) {
  if (factor === 1 || plane.axes[2] === 2) return;
  const down = plane.axes[0] === 2;
  context.strokeStyle = "#fff";
  context.lineWidth = 1;
  context.beginPath();
  for (let index = 0; index < count; index += factor) {
    const share = (index + 0.5) / count;
    if (down) {
      context.moveTo(f.left - 3, f.top + share * f.high);
      context.lineTo(f.left - 9, f.top + share * f.high);
    } else {
      context.moveTo(f.left + share * f.wide, f.top + f.high + 3);
      context.lineTo(f.left + share * f.wide, f.top + f.high + 9);
    }
  }
  context.stroke();
}

// Where the other two planes cut this one; open in the middle.
function crosshair(context, rowShare, columnShare, f) {
  const [x, y] = [f.left + columnShare * f.wide, f.top + rowShare * f.high];
  context.strokeStyle = "rgba(255, 210, 77, 0.75)";
  context.lineWidth = 1;
  context.beginPath();
  for (const [x0, y0, x1, y1] of [
    [f.left, y, x - 12, y], [x + 12, y, f.left + f.wide, y],
    [x, f.top, x, y - 12], [x, y + 12, x, f.top + f.high],
  ]) {
    if (x1 <= x0 && y1 <= y0) continue;
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
  }
  context.stroke();
}
