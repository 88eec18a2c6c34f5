// What was answered of the scan as a whole: which answer's colours lie over it, what they
// mean, and what each slice says alone.
//
// `facts.answers` is {chosen, plane, answers}: the number of the answer to begin with, of
// the acquired plane, and of each answer
//
//   id           of its volume
//   question     "acl above 0"
//   grade        "acl: grade 1 of 0 to 1"
//   probability  by the whole scan
//   of_slices    by each slice of that plane alone, as it shows them
//   starts       for each plane the slice to begin with

import { element } from "../../viewer/dom.js";

const MEANING =
  "Colour: the probability that the network would give a scan that looked everywhere as " +
  "it does there. It is coarse, and no outline of a lesion; L leaves it out.";

export class Answers {
  constructor({ answers: { chosen, plane, answers }, images }, layers) {
    Object.assign(this, { chosen, plane, answers, layers });
    this.place = images.findIndex(({ overlay }) => overlay);
    this.overlay = images[this.place].overlay;
  }

  build(viewer) {
    this.buttons = this.answers.map(({ question, probability }, number) => {
      const button = element("button", { type: "button" }, `${question}: ${digits(probability)}`);
      button.addEventListener("click", () => this.choose(viewer, number));
      return button;
    });
    this.grade = element("b");
    this.bars = element("div", { className: "bars" });
    this.told = element("span");
    const choice = element("p", {}, this.grade, ...this.buttons);
    const graph = element("div", { className: "graph" }, element("p", {}, this.told), this.bars);
    this.element = element("div", { className: "answers" }, element("div", {}, choice, this.scale()), graph);
    this.fill(viewer);
  }

  /** The colours from 0 to 1, on grey as tissue has it, and what they mean. */
  scale() {
    const bar = element("i");
    const { colours } = this.overlay.heat;
    bar.style.backgroundImage = `linear-gradient(to right, ${colours.join(", ")})`;
    return element("p", { className: "scale" }, "0 ", bar, " 1. ", MEANING);
  }

  next(viewer) {
    this.choose(viewer, (this.chosen + 1) % this.answers.length);
  }

  /** Lays an answer's colours over the scan, and goes to where it was decided. */
  choose(viewer, number) {
    this.chosen = number;
    const { id, starts } = this.answers[number];
    viewer.cover(this.place, { ...this.overlay, labels: this.layers[id] });
    starts.forEach((index, plane) => viewer.moveTo(plane, 2, index));
    this.fill(viewer);
  }

  /** Buttons and bars of the answer that is chosen; without moving what is shown. */
  fill(viewer) {
    const { grade, of_slices: ofSlices } = this.answers[this.chosen];
    this.grade.textContent = grade;
    this.buttons.forEach((button, n) => button.classList.toggle("on", n === this.chosen));
    this.columns = ofSlices.map((probability, index) => {
      const column = element("i", { title: `slice ${index + 1}: ${digits(probability)}` }, element("u"));
      column.firstChild.style.height = `${100 * probability}%`;
      column.addEventListener("click", () => viewer.moveTo(this.plane, 2, index));
      return column;
    });
    this.bars.replaceChildren(...this.columns);
    this.describe(viewer);
  }

  /** Marks the slice that is shown; called before anything is built, too. */
  describe(viewer) {
    if (!this.columns) return;
    const { of_slices: ofSlices, starts } = this.answers[this.chosen];
    const [index, decided] = [viewer.slice(this.plane), starts[this.plane]];
    this.columns.forEach((column, n) => {
      column.classList.toggle("shown", n === index);
      column.classList.toggle("decided", n === decided);
    });
    const said = (n) => `slice ${n + 1}: ${digits(ofSlices[n])}`;
    this.told.textContent =
      `Each slice alone, 0 to 1; decided by ${said(decided)}` + (index === decided ? "" : `; shown, ${said(index)}`);
  }
}

function digits(probability) {
  return probability.toFixed(2);
}
