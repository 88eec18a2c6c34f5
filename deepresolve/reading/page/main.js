// The page of a reader study: who reads, then the cases.

import { change, get } from "./api.js";
import { byId, element } from "./dom.js";
import { listen, toggleHelp } from "./keys.js";
import { Session } from "./session.js";
import * as status from "./status.js";

async function begin() {
  await enterByLink();
  const overview = await status.untilReached(() => get("/api/study"));
  document.title = overview.title;
  byId("title").textContent = overview.title;
  if (!overview.reader) return askWho(overview.readers);
  byId("notice").hidden = true;
  byId("reader").textContent = overview.reader;
  for (const id of ["leave", "progress", "help-button"]) byId(id).hidden = false;
  byId("leave").addEventListener("click", leave);
  const session = new Session(overview);
  listen({ session, viewer: session.viewer, scoring: session.scoring });
  byId("help-button").addEventListener("click", toggleHelp);
  addEventListener("pagehide", () => session.scoring.flush());
  await session.start();
}

/** A link ends in #token=...; the token goes to the server once, and out of sight. */
async function enterByLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", "/");
  await change("POST", "/api/enter", { token }).catch((error) =>
    status.message(error.message),
  );
}

function askWho(readers) {
  const buttons = readers.map((reader) => {
    const button = element("button", { type: "button", className: "reader" }, reader);
    button.addEventListener("click", async () => {
      await change("POST", "/api/enter", { reader });
      location.reload();
    });
    return button;
  });
  if (readers.length) status.notice("Who reads?", "", ...buttons);
  else status.notice("Open your own link", "It was printed when this study was opened.");
  buttons[0]?.focus();
}

async function leave() {
  await change("POST", "/api/leave", {});
  location.reload();
}

begin().catch((error) => status.notice("This did not work", error.message));
