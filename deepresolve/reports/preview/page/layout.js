// Where the panes of a preview stand: a column a plane, the input above the output; of
// one large plane, one beside the other.

import { element } from "../../viewer/dom.js";
import { countOf } from "../../viewer/geometry.js";

export class Layout {
  /**
   * @param facts what Python says of the page; see page.py
   * @param followers what else is told, by `describe(viewer)`, which slices are shown
   */
  constructor(main, facts, readout, followers = []) {
    Object.assign(this, { main, facts, readout, followers });
    this.columns = [];
  }

  build(viewer) {
    this.columns = this.facts.planes.map((plane, number) => this.column(viewer, plane, number));
    this.main.append(...this.columns.map(({ section }) => section));
  }

  column(viewer, plane, number) {
    const { name } = plane;
    const heading = element("h2");
    const slider = element("input", {
      type: "range", min: 0, max: viewer.numSlices(number) - 1, step: 1,
      ariaLabel: `${name} slice`,
    });
    slider.addEventListener("input", () => viewer.moveTo(number, 2, +slider.value));
    slider.addEventListener("focus", () => viewer.activate(number));
    const own = viewer.panes.filter((pane) => pane.number === number);
    own.forEach(({ element: pane, canvas }, place) => {
      const title = this.facts.images[place].name;
      canvas.ariaLabel = `${title}, ${name}`;
      pane.append(element("b", {}, title));
    });
    const images = element("div", { className: "images" }, ...own.map((pane) => pane.element));
    const section = element("section", { className: "plane" }, heading, images, slider);
    const [highMm, wideMm] = [0, 1].map((i) => countOf(this.facts, plane, i) * plane.pixel_mm[i]);
    section.style.setProperty("--aspect", wideMm / highMm);
    return { section, heading, slider };
  }

  arrange({ enlarged, active }) {
    document.body.classList.toggle("large", enlarged !== null);
    document.body.classList.toggle("alone", enlarged !== null && enlarged.place !== null);
    this.columns.forEach(({ section }, number) => {
      section.classList.toggle("active", number === active);
    });
  }

  describe(viewer) {
    this.columns.forEach(({ heading, slider }, number) => {
      const { name, captions } = this.facts.planes[number];
      const index = viewer.slice(number);
      const title = element("b", {}, name[0].toUpperCase() + name.slice(1));
      const place = ` ${index + 1} of ${viewer.numSlices(number)}`;
      heading.replaceChildren(title, place, captions ? `, ${captions[index]}` : "");
      slider.value = index;
    });
    for (const follower of this.followers) follower.describe(viewer);
    const [black, white] = viewer.view.window;
    const [width, level] = [white - black, (white + black) / 2].map(inDigits);
    this.readout.textContent = `window ${width}, level ${level}`;
  }

  drawn() {
    document.body.dataset.readyAfterMs ??= Math.round(performance.now());
  }
}

/** As a reader notes it: whole numbers, of small ones three digits. */
function inDigits(value) {
  return String(Math.abs(value) >= 100 ? Math.round(value) : +value.toPrecision(3));
}
