// What mouse and keys do on every page, for what listens and for what tells: the line
// below the images, a page's own help, and docs/viewing.md, which a test holds to this.

import { element } from "./dom.js";

const FAST = 10;
const KEY_ZOOM = 1.25;

/** [gesture, what it does]. */
export const MOUSE = [
  ["wheel", "slices"],
  ["drag", "cursor, in all images and planes"],
  ["right drag", "window (across) and level (up, down)"],
  ["middle or Shift drag", "move the image"],
  ["Ctrl wheel", "zoom"],
  ["double click", "one pane large, and back"],
];

/** [keys of the event, how they are written, what they do, run(event)]. */
export function viewerKeys(viewer) {
  const scroll = (event, step) =>
    viewer.scroll(viewer.active, event.shiftKey ? FAST * step : step);
  const overlay = [["l", "L"], "L", "what lies over the image: outlines, colours, none", () => viewer.nextOverlay()];
  return [
    [["ArrowUp"], "↑ ↓", "slices; with Shift ten at a time", (e) => scroll(e, -1)],
    [["ArrowDown"], "", "", (e) => scroll(e, 1)],
    [["Home"], "Home, End", "first, last slice", () => scroll({}, -Infinity)],
    [["End"], "", "", () => scroll({}, Infinity)],
    [["ArrowLeft"], "← →", "plane that the keys scroll", () => viewer.nextPlane(-1)],
    [["ArrowRight"], "", "", () => viewer.nextPlane(1)],
    [["f", "F"], "F", "one plane of all images large, and back", () => viewer.enlarge(viewer.active)],
    [["Escape"], "Esc", "all panes", () => viewer.enlarge(null)],
    [["+", "="], "+ −", "zoom", () => viewer.zoom(KEY_ZOOM)],
    [["-"], "", "", () => viewer.zoom(1 / KEY_ZOOM)],
    [["r", "R"], "R", "window, level, zoom and position as at first", () => viewer.reset()],
    [["x", "X"], "X", "cursor, letters and scale away, and back", () => viewer.toggle("marks")],
    [["s", "S"], "S", "smooth or square voxels", () => viewer.toggle("smooth")],
    ...(viewer.hasOverlay ? [overlay] : []),
  ];
}

// As many as fit on a line.
const SHORT = [
  [["wheel", "↑", "↓"], "slices"],
  [["drag"], "cursor"],
  [["right drag"], "window, level"],
  [["Ctrl wheel", "+", "−"], "zoom"],
  [["Shift drag"], "move"],
  [["double click", "F"], "large"],
  [["R"], "as at first"],
  [["X"], "marks"],
];
const SHORT_OVERLAY = [["L"], "outlines, colours"];

/** The line that stands below the images of every page; with what a page adds. */
export function helpLine(viewer, more = []) {
  const entries = [...SHORT, ...(viewer.hasOverlay ? [SHORT_OVERLAY] : []), ...more];
  const items = entries.map(([keys, meaning]) =>
    element("span", {}, ...keys.flatMap((key) => [element("kbd", {}, key), " "]), meaning),
  );
  return element("p", { className: "help" }, ...items);
}
