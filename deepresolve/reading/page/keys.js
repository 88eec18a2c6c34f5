// The keyboard: one table for what keys do and for what the help says.

import { byId, element } from "../viewer/dom.js";
import { MOUSE, viewerKeys } from "../viewer/help.js";

/** [keys of the event, how they are written, what they do, run(event)]. */
function table({ scoring, session }) {
  return [
    [[], "0 – 9", "score, and on to the next", null],
    [["Tab"], "Tab, Shift Tab", "next, last answer", (e) => scoring.move(e.shiftKey ? -1 : 1)],
    [["Backspace", "Delete"], "Backspace", "take the answer back", () => scoring.clear()],
    [["m", "M"], "M", "remark, again the next one; Esc leaves it", () => scoring.remark()],
    [["Enter"], "Enter", "lock the case (asks once)", () => session.lock()],
    [["PageUp"], "Page up", "case before", () => session.step(-1)],
    [["PageDown"], "Page down", "next case", () => session.step(1)],
    [["?", "h", "H"], "? or H", "this help", () => toggleHelp()],
  ];
}

/** Listens for keys; returns what stops listening. */
export function listen(parts) {
  const [own, ofImages] = [table(parts), viewerKeys(parts.viewer)];
  const rows = [...own, ...ofImages];
  fillHelp(written(own), [...MOUSE, ...written(ofImages)]);
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

/** [how keys are written, what they do] of the rows that say so. */
function written(rows) {
  return rows.filter(([, shown]) => shown).map(([, shown, text]) => [shown, text]);
}

function fillHelp(own, ofImages) {
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
    element("div", { className: "columns" }, list(own), list(ofImages)),
    close,
  );
}
