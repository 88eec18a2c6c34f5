// Answers on their way to the server. They wait in this browser's storage until the
// server says that it has them, so neither a closed tab nor a stopped server loses one.
//
// Each has a key of its own, whose order is that of the answers: tabs of one reader add
// to what waits and never overwrite it.

import { change, RequestError } from "./api.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const STAMP_DIGITS = 15;

export class Outbox {
  /**
   * @param name of the storage; one for each study and reader
   * @param onState called with "saved", "saving", "away" and the number that wait
   * @param onRefused called with the presentation, the server's words and the answers
   */
  constructor(name, onState, onRefused) {
    this.name = name;
    this.prefix = `${name} `;
    this.tab = Math.random().toString(36).slice(2);
    this.onState = onState;
    this.onRefused = onRefused;
    this.sending = null;
    if (this.keys().length) this.send();
  }

  /** Keys of what waits, of every tab, the oldest first. */
  keys() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    document.body.dataset.waiting = keys.length;
    return keys.sort();
  }

  item(key) {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  }

  add(presentation, answers) {
    // Later than all that waits, whatever the clock says.
    const newest = this.keys().at(-1)?.slice(this.prefix.length) ?? "0";
    const stamp = Math.max(Date.now(), parseInt(newest, 10) + 1);
    const key = `${this.prefix}${String(stamp).padStart(STAMP_DIGITS, "0")} ${this.tab}`;
    localStorage.setItem(key, JSON.stringify({ presentation, answers }));
    this.send();
  }

  /** Answers to a presentation that the server may not have yet. */
  pending(presentation) {
    const items = this.keys().map((key) => this.item(key));
    const own = items.filter((item) => item?.presentation === presentation);
    return own.flatMap((item) => item.answers);
  }

  get count() {
    return this.keys().length;
  }

  send() {
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  /** Resolves once nothing waits any more: all was taken or refused. */
  async drained() {
    while (this.count) await this.send();
  }

  async sendAll() {
    let pause = FIRST_PAUSE_MS;
    while (this.count) {
      this.onState("saving", this.count);
      const problem = await alone(this.name, () => this.sendOldest());
      if (problem) {
        this.onState("away", this.count, problem);
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      } else pause = FIRST_PAUSE_MS;
    }
    this.onState("saved", 0);
  }

  /** What kept the oldest from the server for now; null once it is done with. */
  async sendOldest() {
    const [key] = this.keys();
    const item = key && this.item(key);
    if (!item) return null; // another tab has sent it
    const { presentation, answers } = item;
    let refusal = null;
    try {
      await change("PUT", `/api/presentations/${presentation}/answers`, { answers });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (isForNow(error.status)) return error;
      refusal = error.message;
    }
    localStorage.removeItem(key);
    this.keys();
    if (refusal) this.onRefused(presentation, refusal, answers);
    return null;
  }
}

/**
 * Runs while no other tab does, so that no answer overtakes another. Browsers have such
 * locks on localhost and by https; elsewhere two tabs may send the same answer at the
 * same moment, which the server keeps once.
 */
function alone(name, run) {
  return navigator.locks ? navigator.locks.request(name, run) : run();
}

/**
 * Whether trying again may help: the server is away or failing, or the reader must come
 * in again, where another one has taken the seat in this browser (404) or a link ended.
 */
function isForNow(status) {
  return [0, 401, 403, 404].includes(status) || status >= 500;
}
