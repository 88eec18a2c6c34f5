// What tells a reader where a slice is: letters, a scale bar, ticks.
//
// Sizes are in CSS pixels; `ratio` of the canvas's own go on one. `box` is what of the
// slice can be seen (`geometry.seen`); letters and ticks stand in the margin beside it.

export const MARGIN = 12;
export const MARGIN_WITH_TICKS = 17;
const INK = "#b9c4cd";
const TICK = [1, 5]; // from the slice outwards
const BAR_ROOM = 64; // for the bar and its length in words
const BARS_MM = [50, 20, 10, 5, 2, 1];

/** @param outlined where it may stand on an image; an outline takes time */
function write(context, text, x, y, align, baseline, ratio, outlined) {
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = align;
  context.textBaseline = baseline;
  if (outlined) {
    context.lineJoin = "round";
    context.lineWidth = 3 * ratio;
    context.strokeStyle = "#000";
    context.strokeText(text, x, y);
  }
  context.fillStyle = INK;
  context.fillText(text, x, y);
}

/** Where the patient's sides lie. */
export function letterEdges(context, [up, right, down, left], frame, box, margin, ratio) {
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const away = (margin - MARGIN / 2) * ratio;
  const outlined = frame.left < box.left || frame.top < box.top;
  const letter = (text, atX, atY) =>
    write(context, text, atX, atY, "center", "middle", ratio, outlined);
  letter(up, x, box.top - away);
  letter(right, box.right + away, y);
  letter(down, x, box.bottom + away);
  letter(left, box.left - away, y);
}

/** A vertical bar of a round length: left of the slice's lower corner, if there is room. */
export function scaleBar(context, box, pixelsPerMm, ratio) {
  const high = box.bottom - box.top;
  const length = BARS_MM.find((mm) => mm * pixelsPerMm < high / 2) ?? 1;
  const beside = box.left - BAR_ROOM * ratio;
  const x = Math.max(6 * ratio, beside);
  const bottom = box.bottom - 6 * ratio;
  const bar = (width, colour) => {
    context.fillStyle = colour;
    context.fillRect(x - (width / 2) * ratio, bottom, width * ratio, -length * pixelsPerMm);
  };
  if (x > beside) bar(4, "#000");
  bar(2, INK);
  write(context, `${length} mm`, x + 5 * ratio, bottom, "left", "bottom", ratio, x > beside);
}

/** Ticks outside the slice: on the left at rows, below at columns. */
export function drawTicks(context, { along, at }, frame, box, ratio) {
  const [near, far] = TICK.map((pixels) => pixels * ratio);
  context.strokeStyle = INK;
  context.lineWidth = ratio;
  context.beginPath();
  for (const place of at) {
    if (along === "rows") {
      const y = frame.top + (place + 0.5) * frame.rowSize;
      if (y < box.top || y > box.bottom) continue;
      context.moveTo(box.left - near, y);
      context.lineTo(box.left - far, y);
    } else {
      const x = frame.left + (place + 0.5) * frame.columnSize;
      if (x < box.left || x > box.right) continue;
      context.moveTo(x, box.bottom + near);
      context.lineTo(x, box.bottom + far);
    }
  }
  context.stroke();
}
