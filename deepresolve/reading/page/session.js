// One reader's way through the cases.

import { byId } from "../viewer/dom.js";
import { Viewer } from "../viewer/viewer.js";
import { change, get } from "./api.js";
import { Layout } from "./layout.js";
import { Outbox } from "./outbox.js";
import { Scoring } from "./scoring.js";
import * as status from "./status.js";
import { Case } from "./volume.js";

// A click this soon after the question is the second one of a double click.
const DOUBLE_CLICK_MS = 700;

export class Session {
  constructor(overview) {
    const { study, reader } = overview;
    this.cases = overview.presentations;
    // Quoted: no reader's name is the beginning of another's.
    this.storage = (kind) => `reading ${study} ${kind} ${JSON.stringify(reader)}`;
    this.layout = new Layout(byId("viewer"));
    this.viewer = new Viewer(byId("viewer"), this.layout);
    this.scoring = new Scoring(byId("scoring"), overview, {
      onAnswer: (answers) => {
        this.unask();
        this.outbox.add(this.shown.id, answers);
      },
      onWriting: (question) => {
        this.unask();
        this.dropDrafts(this.shown.id, [question]);
      },
      onFocus: (place) => this.layout.mark(place),
      onLock: (click) => this.lock(click),
    });
    this.outbox = new Outbox(
      this.storage("outbox"),
      status.saved,
      (presentation, words, answers) => this.refused(presentation, words, answers),
    );
    this.drafts = []; // remarks that the server refused, which are shown all the same
    this.ahead = null; // {id, made}: the next case, fetched while this one is read
    this.asking = false;
    addEventListener("pointerdown", ({ target }) => {
      if (target !== this.scoring.lockButton) this.unask();
    });
    this.tooEarly = []; // keys pressed while no case was open
    this.setReady(false);
  }

  dropDrafts(presentation, questions) {
    this.drafts = this.drafts.filter(
      (draft) => draft.presentation !== presentation || !questions.includes(draft.question),
    );
  }

  /** Whether answers can be given; not between two cases. */
  setReady(ready) {
    this.ready = ready;
    byId("scoring").inert = !ready;
    if (!ready || !this.tooEarly.length) return;
    const keys = this.tooEarly.join(", ");
    this.scoring.say(`Pressed before the case was here, and not taken: ${keys}`);
    this.tooEarly = [];
  }

  /** A key that came too early, which is not known to be meant for the next case. */
  missed(key) {
    this.tooEarly.push(key);
  }

  /** Opens the case that was open last, or the first that is not locked. */
  async start() {
    const last = localStorage.getItem(this.storage("case"));
    const at = this.cases.findIndex(({ id, locked }) => id === last && !locked);
    await this.open(at >= 0 ? at : this.nextOpen(0));
  }

  nextOpen(from) {
    const count = this.cases.length;
    for (let n = 0; n < count; n++) {
      if (!this.cases[(from + n) % count].locked) return (from + n) % count;
    }
    return -1;
  }

  async open(number) {
    this.unask();
    this.setReady(false);
    this.number = number;
    status.progress(this.cases, number);
    if (number < 0) return this.finish();
    const { id } = this.cases[number];
    // Before the server is asked: what arrives there meanwhile is in neither else.
    const pending = this.outbox.pending(id);
    const shown = await this.fetch(id).catch((error) => this.closed(number, error));
    if (!shown) return;
    if (this.number !== number) return shown.stop(); // meanwhile another was asked for
    if (this.shown && this.shown !== shown) this.shown.stop();
    this.shown = shown;
    localStorage.setItem(this.storage("case"), id);
    byId("reading").hidden = false;
    status.loaded(shown);
    this.viewer.show(shown);
    const drafts = this.drafts.filter(({ presentation }) => presentation === id);
    this.scoring.show([...shown.answers, ...pending], drafts);
    this.setReady(true);
    await shown.loading;
    if (this.shown === shown) this.fetchAhead();
  }

  /** A case that was locked in another window makes way for the next one. */
  closed(number, error) {
    if (error.status !== 409) {
      status.message(`${error.message} Load the page again to come in.`);
      return;
    }
    this.cases[number].locked = true;
    if (this.number === number) this.open(this.nextOpen(number));
  }

  /** A case whose voxels are on their way. */
  async fetch(id) {
    const { ahead } = this;
    this.ahead = null;
    if (ahead && ahead.id !== id) ahead.made.then((made) => made?.stop());
    // The answers may be newer than those that came with what was fetched ahead.
    const description = await status.untilReached(() => get(`/api/presentations/${id}`));
    const known = ahead?.id === id ? await ahead.made : null;
    if (known) {
      known.hurried = true;
      known.answers = description.answers;
      return known;
    }
    const made = new Case(description);
    made.hurried = true;
    return this.load(made);
  }

  load(made) {
    made.loading = status
      .untilReached(() =>
        made.load(
          (loading) => {
            if (this.shown !== loading) return;
            status.loaded(loading);
            this.viewer.redraw();
          },
          () => this.viewer.isBusy,
        ),
      )
      .catch((error) => {
        if (error.name !== "AbortError") status.message(error.message);
      });
    return made;
  }

  fetchAhead() {
    const next = this.nextOpen(this.number + 1);
    if (next < 0 || next === this.number || this.ahead) return;
    const { id } = this.cases[next];
    const made = get(`/api/presentations/${id}`)
      .then((description) => this.load(new Case(description)))
      .catch(() => null); // It is fetched when it is opened.
    this.ahead = { id, made };
  }

  /** To another case that is not locked. */
  step(direction) {
    if (!this.ready) return;
    this.scoring.flush();
    const count = this.cases.length;
    for (let n = 1; n < count; n++) {
      const at = this.number + direction * n;
      if (at < 0 || at >= count) return;
      if (!this.cases[at].locked) return void this.open(at);
    }
  }

  /**
   * Asks first; asked again, locks the case and opens the next.
   * @param click where it is one; the second one of a double click is no answer
   */
  async lock(click) {
    if (!this.ready) return;
    const [missing] = this.scoring.missing;
    if (missing) {
      this.scoring.focus(missing);
      return;
    }
    if (!this.asking) {
      this.asking = true;
      this.askedAt = performance.now();
      this.scoring.say("Enter again closes this case for good. Any other key: not yet.");
      this.scoring.lockButton.textContent = "Lock for good";
      return;
    }
    const soon = performance.now() - this.askedAt < DOUBLE_CLICK_MS;
    if (click && (click.detail > 1 || soon)) return;
    await this.lockNow(this.cases[this.number]);
  }

  async lockNow(current) {
    this.scoring.flush();
    this.setReady(false);
    this.refusal = null;
    const meant = this.scoring.answers();
    await this.outbox.drained();
    const path = `/api/presentations/${current.id}`;
    try {
      const held = (await status.untilReached(() => get(path))).answers;
      if (!this.scoring.same(meant, held)) return this.keepOpen(current, held);
      await status.untilReached(() => change("POST", `${path}/lock`, {}));
    } catch (error) {
      this.unask();
      await this.refused(current.id, error.message);
      if (!current.locked) this.setReady(true);
      return;
    }
    current.locked = true;
    await this.open(this.nextOpen(this.number));
  }

  /** What was to be locked is not what the server holds. */
  keepOpen({ id }, held) {
    this.unask();
    this.scoring.correct([...held, ...this.outbox.pending(id)]);
    const refused = this.refusal?.presentation === id;
    const why = refused ? this.refusal.words : "Answers were changed in another window.";
    status.message(`Not locked: ${why} Look, and lock again.`);
    this.setReady(true);
  }

  unask() {
    if (!this.asking) return;
    this.asking = false;
    this.scoring.lockButton.textContent = "Lock case";
    this.scoring.refresh();
  }

  /** The server has a reason not to take answers: show what it holds, and remarks. */
  async refused(presentation, words, answers = []) {
    this.unask();
    status.message(words);
    this.refusal = { presentation, words };
    const remarks = answers.filter(({ question }) => this.scoring.remarks.has(question));
    this.dropDrafts(presentation, remarks.map(({ question }) => question));
    this.drafts.push(...remarks.map((answer) => ({ presentation, ...answer })));
    if (this.shown?.id !== presentation) return;
    const number = this.number;
    const pending = this.outbox.pending(presentation);
    try {
      const held = (await get(`/api/presentations/${presentation}`)).answers;
      if (this.number === number) this.scoring.correct([...held, ...pending]);
    } catch (error) {
      this.closed(number, error);
    }
  }

  finish() {
    this.shown?.stop();
    this.shown = null;
    byId("reading").hidden = true;
    status.notice("All cases are read and locked.", "Thank you. You can close this page.");
  }
}
