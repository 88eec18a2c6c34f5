// The page of a reader study: who reads, then the cases.

import { byId, element } from "../viewer/dom.js";
import { change, get } from "./api.js";
import { listen, toggleHelp } from "./keys.js";
import { Session } from "./session.js";
import * as status from "./status.js";

const LEAVE_PATIENCE_MS = 2000;
const LEFT_BEHIND =
  "The server does not have all of your answers yet. They stay in this browser and are " +
  "sent when you come in here again. Leave all the same?";

async function begin() {
  await enterByLink();
  const overview = await status.untilReached(() => get("/api/study"));
  document.title = overview.title;
  byId("title").textContent = overview.title;
  if (!overview.reader) return askWho(overview.readers);
  byId("notice").hidden = true;
  byId("reader").textContent = overview.reader;
  for (const id of ["title", "reader"]) byId(id).title = byId(id).textContent;
  for (const id of ["leave", "progress", "help-button"]) byId(id).hidden = false;
  const session = new Session(overview);
  byId("leave").addEventListener("click", () => leave(session));
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

/** Leaves once the server has all answers; asks where it cannot have them now. */
async function leave({ scoring, outbox }) {
  scoring.flush();
  const patience = new Promise((resolve) => setTimeout(resolve, LEAVE_PATIENCE_MS));
  await Promise.race([outbox.drained(), patience]);
  if (outbox.count && !confirm(LEFT_BEHIND)) return;
  try {
    await change("POST", "/api/leave", {});
    location.reload();
  } catch (error) {
    status.message(`${error.message} You are still in.`);
  }
}

begin().catch((error) => status.notice("This did not work", error.message));
