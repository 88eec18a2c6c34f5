// The keyboard: one table for what keys do and for what the help says.

import { byId, element } from "./dom.js";

const FAST = 10;
const ZOOM_STEP = 1.25;

const MOUSE = [
  ["wheel", "slices"],
  ["drag", "cursor, in all images and planes"],
  ["right drag", "window (across) and level (up, down)"],
  ["middle or Shift drag", "move the image"],
  ["Ctrl wheel", "zoom"],
  ["double click", "one pane large, and back"],
];

/** [keys of the event, how they are written, what they do, run(event)]. */
function table({ viewer, scoring, session }) {
  const scroll = (event, step) =>
    viewer.scroll(viewer.active, event.shiftKey ? FAST * step : step);
  return [
    [[], "0 – 9", "score, and on to the next", null],
    [["Tab"], "Tab, Shift Tab", "next, last answer", (e) => scoring.move(e.shiftKey ? -1 : 1)],
    [["Backspace", "Delete"], "Backspace", "take the answer back", () => scoring.clear()],
    [["m", "M"], "M", "remark, again the next one; Esc leaves it", () => scoring.remark()],
    [["Enter"], "Enter", "lock the case (asks once)", () => session.lock()],
    [["PageUp"], "Page up", "case before", () => session.step(-1)],
    [["PageDown"], "Page down", "next case", () => session.step(1)],
    [["ArrowUp"], "↑ ↓", "slices; with Shift ten at a time", (e) => scroll(e, -1)],
    [["ArrowDown"], "", "", (e) => scroll(e, 1)],
    [["ArrowLeft"], "← →", "plane that the arrows scroll", () => viewer.nextPlane(-1)],
    [["ArrowRight"], "", "", () => viewer.nextPlane(1)],
    [["f", "F"], "F", "one plane of all images large, and back", () => viewer.enlarge(viewer.active)],
    [["+", "="], "+ −", "zoom", () => viewer.zoom(ZOOM_STEP)],
    [["-"], "", "", () => viewer.zoom(1 / ZOOM_STEP)],
    [["r", "R"], "R", "window, level, zoom and position as at first", () => viewer.reset()],
    [["x", "X"], "X", "cursor and letters away, and back", () => viewer.toggle("marks")],
    [["s", "S"], "S", "smooth or square voxels", () => viewer.toggle("smooth")],
    [["Escape"], "Esc", "all panes", () => session.escape()],
    [["?", "h", "H"], "? or H", "this help", () => toggleHelp()],
  ];
}

/** Listens for keys; returns what stops listening. */
export function listen(parts) {
  const rows = table(parts);
  fillHelp(rows);
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLTextAreaElement) {
      if (event.key === "Escape" || event.key === "Tab") {
        event.preventDefault();
        event.target.blur();
      }
      return;
    }
    const row = rows.find(([keys]) => keys.includes(event.key));
    const isScore = !row && /^[0-9]$/.test(event.key);
    if (!parts.session.ready) {
      if ((row || isScore) && !event.repeat) parts.session.missed(event.key);
      return;
    }
    if (byId("help").open && !["?", "h", "H", "Escape"].includes(event.key)) return;
    if (isScore) {
      if (!event.repeat) parts.scoring.answer(Number(event.key));
    } else if (row && !(event.repeat && event.key === "Enter")) {
      row[3](event);
    } else return;
    if (event.key !== "Escape") event.preventDefault();
    if (event.key !== "Enter") parts.session.unask();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

export function toggleHelp() {
  const help = byId("help");
  if (help.open) help.close();
  else help.showModal();
}

function fillHelp(rows) {
  const named = rows.filter(([, shown]) => shown).map(([, shown, text]) => [shown, text]);
  const list = (entries) =>
    element(
      "dl",
      {},
      ...entries.flatMap(([shown, text]) => [
        element("dt", {}, shown),
        element("dd", {}, text),
      ]),
    );
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", () => byId("help").close());
  byId("help").replaceChildren(
    element("h2", {}, "Keys and mouse"),
    element("div", { className: "columns" }, list(named), list(MOUSE)),
    close,
  );
}
