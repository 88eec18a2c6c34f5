// Answers on their way to the server. They wait in this browser's storage until the
// server says that it has them, so neither a closed tab nor a stopped server loses one.

import { change, RequestError } from "./api.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

export class Outbox {
  /**
   * @param name of the storage; one for each study and reader
   * @param onState called with "saved", "saving", "away" and the number that wait
   * @param onRefused called with the presentation and the server's words
   */
  constructor(name, onState, onRefused) {
    this.name = name;
    this.onState = onState;
    this.onRefused = onRefused;
    this.waiting = JSON.parse(localStorage.getItem(name) ?? "[]");
    this.sending = null;
    if (this.waiting.length) this.send();
  }

  add(presentation, answers) {
    this.waiting.push({ presentation, answers });
    this.store();
    this.send();
  }

  /** Answers to a presentation that the server may not have yet. */
  pending(presentation) {
    const own = this.waiting.filter((item) => item.presentation === presentation);
    return own.flatMap((item) => item.answers);
  }

  send() {
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  /** Resolves once nothing waits any more. */
  async drained() {
    while (this.waiting.length) await this.send();
  }

  async sendAll() {
    let pause = FIRST_PAUSE_MS;
    while (this.waiting.length) {
      this.onState("saving", this.waiting.length);
      const { presentation, answers } = this.waiting[0];
      try {
        await change("PUT", `/api/presentations/${presentation}/answers`, { answers });
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        if (isForNow(error.status)) {
          this.onState("away", this.waiting.length, error);
          await new Promise((resolve) => setTimeout(resolve, pause));
          pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
          continue;
        }
        this.onRefused(presentation, error.message);
      }
      pause = FIRST_PAUSE_MS;
      this.waiting.shift();
      this.store();
    }
    this.onState("saved", 0);
  }

  store() {
    localStorage.setItem(this.name, JSON.stringify(this.waiting));
    document.body.dataset.waiting = this.waiting.length;
  }
}

/**
 * Whether trying again may help: the server is away or failing, or the reader must come
 * in again, where another one has taken the seat in this browser (404) or a link ended.
 */
function isForNow(status) {
  return [0, 401, 403, 404].includes(status) || status >= 500;
}
