// The questions of a case and the answers given so far.

import { element } from "../viewer/dom.js";
import { placeName } from "./layout.js";

const REMARK_PAUSE_MS = 600;
const WHOLE_CASE = -1;
// What comes along when text is pasted; the server refuses it in a remark.
const LINE_BREAKS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
const CONTROL = /[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\p{Surrogate}]/gu;

export class Scoring {
  /**
   * @param panel where to build it
   * @param overview what the server says of the study
   * @param events onAnswer(list), onWriting(question), onFocus(place or null),
   *   onLock(click)
   */
  constructor(panel, overview, events) {
    this.questions = overview.questions;
    this.numImages = overview.num_images;
    this.longestRemark = overview.longest_remark;
    this.events = events;
    this.values = new Map();
    this.cells = [];
    this.remarks = new Map();
    this.nextRemark = 0;
    this.build(panel);
  }

  build(panel) {
    this.asked = element("div", { id: "asked" });
    this.buttons = element("div", { id: "values" });
    const rows = this.questions.map((question) => this.buildQuestion(question));
    this.lockButton = element("button", { id: "lock", type: "button" }, "Lock case");
    this.lockButton.addEventListener("click", (click) => this.events.onLock(click));
    this.hint = element("p", { id: "hint" });
    const strip = element("section", { id: "strip" }, this.asked, this.buttons);
    const list = element("div", { id: "questions" }, this.buildHead(), ...rows);
    const foot = element("footer", {}, this.hint, this.lockButton);
    panel.replaceChildren(strip, list, foot);
  }

  buildHead() {
    const names = Array.from({ length: this.numImages }, (_, place) =>
      element("b", {}, placeName(place)),
    );
    const cells = element("div", { className: "cells" }, ...names);
    return element("div", { className: "question head" }, element("span"), cells);
  }

  buildQuestion(question) {
    if (question.kind === "remark") return this.buildRemark(question);
    const cells = element("div", { className: "cells" });
    const places =
      question.scope === "case" ? [WHOLE_CASE] : [...Array(this.numImages).keys()];
    for (const place of places) {
      const button = element("button", { type: "button", tabIndex: -1 });
      button.dataset.question = question.name;
      button.dataset.place = place;
      const cell = { question, place, button };
      button.addEventListener("click", () => this.focus(cell));
      this.cells.push(cell);
      cells.append(button);
    }
    const title = element("span", {}, question.title);
    return element("div", { className: "question" }, title, cells);
  }

  buildRemark(question) {
    const area = element("textarea", { rows: 2, maxLength: this.longestRemark });
    area.dataset.question = question.name;
    area.setAttribute("aria-label", question.title);
    area.placeholder = `${question.title} (M)`;
    const send = () => {
      clearTimeout(area.timer);
      const text = area.value.replace(LINE_BREAKS, "\n").replace(CONTROL, "");
      if (text !== area.value) area.value = text;
      if (area.value !== this.value(question.name, WHOLE_CASE)) {
        this.give([{ question: question.name, place: WHOLE_CASE, value: area.value }]);
      }
    };
    area.addEventListener("input", () => {
      clearTimeout(area.timer);
      this.events.onWriting(question.name);
      area.timer = setTimeout(send, REMARK_PAUSE_MS);
    });
    area.addEventListener("blur", send);
    area.send = send;
    this.remarks.set(question.name, area);
    return element("div", { className: "question remark" }, area);
  }

  /**
   * Shows the answers to another case; asks for the first that is missing.
   * @param answers that the server has or will have
   * @param drafts remarks that it refused
   */
  show(answers, drafts = []) {
    this.hold(answers);
    for (const [name, area] of this.remarks) {
      clearTimeout(area.timer);
      const draft = drafts.find(({ question }) => question === name);
      area.value = draft?.value ?? this.value(name, WHOLE_CASE);
    }
    this.nextRemark = 0;
    this.focus(this.cells.find((cell) => !this.valueOf(cell)) ?? this.cells[0]);
  }

  /** Shows other answers to the same case; what is written as a remark stays. */
  correct(answers) {
    this.hold(answers);
    this.focus(this.focused);
  }

  hold(answers) {
    this.values.clear();
    for (const answer of answers) this.put(answer);
    this.refresh();
  }

  /** What is answered, of those given. */
  answers() {
    return new Map([...this.values].filter(([, value]) => value !== ""));
  }

  /** Whether answers (as `answers()` gave them) are those of a list. */
  same(meant, list) {
    return (
      meant.size === list.length &&
      list.every(({ question, place, value }) => meant.get(`${question} ${place}`) === value)
    );
  }

  /** Sends what is still being typed. */
  flush() {
    for (const area of this.remarks.values()) area.send();
  }

  /** Goes to the first remark, then to the next one each time. */
  remark() {
    const areas = [...this.remarks.values()];
    areas[this.nextRemark++ % areas.length]?.focus();
  }

  put({ question, place, value }) {
    this.values.set(`${question} ${place}`, value);
  }

  value(question, place) {
    return this.values.get(`${question} ${place}`) ?? "";
  }

  valueOf(cell) {
    return this.value(cell.question.name, cell.place);
  }

  give(answers) {
    for (const answer of answers) this.put(answer);
    this.refresh();
    this.events.onAnswer(answers);
  }

  /** Answers what has the focus and moves on; nothing where that is no answer. */
  answer(value) {
    const { question, place } = this.focused;
    if (value < question.lowest || value > question.highest) return;
    const text = String(value);
    const answers = [{ question: question.name, place, value: text }];
    if (question.kind === "rank" && !question.ties) {
      const before = this.valueOf(this.focused);
      const other = this.cells.find(
        (cell) => cell.question === question && this.valueOf(cell) === text,
      );
      if (other && other !== this.focused) {
        answers.push({ question: question.name, place: other.place, value: before });
      }
    }
    this.give(answers);
    const at = this.cells.indexOf(this.focused);
    this.focus(this.cells[at + 1] ?? this.focused);
  }

  clear() {
    const { question, place } = this.focused;
    this.give([{ question: question.name, place, value: "" }]);
    this.focus(this.focused);
  }

  /** Moves the focus by so many answers, round and round. */
  move(step) {
    const count = this.cells.length;
    const at = this.cells.indexOf(this.focused) + step;
    this.focus(this.cells[(at + count) % count]);
  }

  focus(cell) {
    this.focused?.button.classList.remove("focused");
    this.focused = cell;
    cell.button.classList.add("focused");
    cell.button.scrollIntoView({ block: "nearest" });
    const { question, place } = cell;
    const image = place === WHOLE_CASE ? "whole case" : `image ${placeName(place)}`;
    this.asked.replaceChildren(
      element("span", { title: question.title }, question.title),
      element("b", {}, image),
    );
    const range = question.highest - question.lowest + 1;
    const choices = Array.from({ length: range }, (_, n) => this.choice(cell, n));
    this.buttons.replaceChildren(...choices);
    this.events.onFocus(place === WHOLE_CASE ? null : place);
  }

  choice({ question }, n) {
    const value = question.lowest + n;
    const anchor = question.anchors[value] ?? rankWord(question, value);
    const button = element(
      "button",
      { type: "button", tabIndex: -1, title: anchor },
      element("b", {}, String(value)),
      element("span", {}, anchor),
    );
    button.dataset.value = value;
    button.classList.toggle("given", this.valueOf(this.focused) === String(value));
    button.addEventListener("click", () => this.answer(value));
    return button;
  }

  get missing() {
    return this.cells.filter((cell) => !this.valueOf(cell));
  }

  refresh() {
    for (const cell of this.cells) {
      const value = this.valueOf(cell);
      cell.button.textContent = value || "·";
      cell.button.classList.toggle("given", value !== "");
    }
    const left = this.missing.length;
    this.lockButton.disabled = left > 0;
    this.say(left ? `${left} to answer` : "Complete. Enter locks the case.");
  }

  say(text) {
    this.hint.textContent = text;
  }
}

function rankWord(question, value) {
  if (question.kind !== "rank") return "";
  if (value === question.highest) return "best";
  return value === question.lowest ? "worst" : "";
}
