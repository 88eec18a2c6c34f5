// What the bar on top tells: how far, whether saved, what is wrong.

import { byId, element } from "../viewer/dom.js";
import { RequestError } from "./api.js";

// Shorter waits are not worth a word, which would only flicker.
const PATIENCE_MS = 400;
const PAUSE_MS = 1000;

let patience = 0;

export function progress(cases, number) {
  const locked = cases.filter((one) => one.locked).length;
  const bar = byId("progress");
  bar.firstElementChild.style.width = `${(100 * locked) / cases.length}%`;
  bar.setAttribute("aria-valuemax", cases.length);
  bar.setAttribute("aria-valuenow", locked);
  document.body.dataset.loaded = "";
  const at = number < 0 ? "" : `Case ${number + 1} of ${cases.length} · `;
  byId("case").textContent = `${at}${locked} locked`;
}

/** State of the answers: "saved", "saving" or "away". */
export function saved(state, count, error) {
  clearTimeout(patience);
  if (state === "saving") {
    patience = setTimeout(() => (byId("saved").textContent = "Saving …"), PATIENCE_MS);
    return;
  }
  byId("saved").textContent = state === "saved" ? "✓ Saved" : "Not saved yet";
  document.body.classList.toggle("away", state === "away");
  if (state === "away") message(wait(count, error));
  else if (byId("message").dataset.kind === "away") message("");
  byId("message").dataset.kind = state;
}

function wait(count, error) {
  const waiting = count === 1 ? "1 entry is" : `${count} entries are`;
  const left = [401, 403, 404].includes(error.status);
  const why = left ? "Come in again." : error.status ? error.message : "No server.";
  return `${why} ${waiting} kept in this browser and will be sent.`;
}

export function message(text) {
  byId("message").textContent = text;
  byId("message").title = text;
  byId("message").dataset.kind = "";
}

export function loaded(shown) {
  const part = Math.floor((100 * shown.loaded) / shown.shape[0]);
  document.body.dataset.loaded = part;
  if (shown.complete) performance.mark("whole case");
  if (byId("message").dataset.kind === "away") return;
  byId("message").textContent = shown.complete ? "" : `Loading ${part}%`;
}

/** What `run` gives, however long the server is away. */
export async function untilReached(run) {
  for (;;) {
    try {
      const result = await run();
      if (document.body.classList.contains("unreached")) {
        document.body.classList.remove("unreached");
        message("");
      }
      return result;
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 0) throw error;
      document.body.classList.add("unreached");
      message("No server. Trying again …");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** A page without images. */
export function notice(heading, text, ...more) {
  const box = byId("notice");
  box.replaceChildren(element("h2", {}, heading), element("p", {}, text), ...more);
  box.hidden = false;
}
