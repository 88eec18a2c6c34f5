// Where the panes of a study stand: a row a plane, a column an image.

import { element } from "../viewer/dom.js";
import { helpLine } from "../viewer/help.js";

export class Layout {
  /** @param section that the panes, their heads and the line of help fill */
  constructor(section) {
    this.section = section;
    this.grid = element("div", { id: "panes" });
    this.heads = [];
    this.labels = [];
  }

  build(viewer) {
    const { planes, images } = viewer.shown;
    this.heads = images.map((_, place) => element("h2", {}, placeName(place)));
    this.labels = planes.map(() => element("div", { className: "plane" }));
    this.grid.append(element("div"), ...this.heads);
    this.labels.forEach((label, number) => {
      const own = viewer.panes.filter((pane) => pane.number === number);
      this.grid.append(label, ...own.map((pane) => pane.element));
    });
    this.section.replaceChildren(this.grid, helpLine(viewer));
  }

  arrange({ enlarged, active, shown }) {
    const { number = null, place = null } = enlarged ?? {};
    this.labels.forEach((label, n) => {
      label.hidden = number !== null && n !== number;
      label.classList.toggle("active", n === active);
    });
    this.heads.forEach((head, n) => {
      head.hidden = place !== null && n !== place;
    });
    const columns = place === null ? shown.images.length : 1;
    const rows = enlarged ? 1 : shown.planes.length;
    this.grid.style.gridTemplateColumns = `auto repeat(${columns}, minmax(0, 1fr))`;
    this.grid.style.gridTemplateRows = `auto repeat(${rows}, minmax(0, 1fr))`;
  }

  describe(viewer) {
    viewer.shown.planes.forEach(({ name }, number) => {
      const place = `${viewer.slice(number) + 1}/${viewer.numSlices(number)}`;
      this.labels[number].textContent = `${name}  ${place}`;
    });
  }

  /** For benchmarks/reading.py. */
  drawn({ shown }) {
    if (shown.loaded && !performance.getEntriesByName("first image").length) {
      performance.mark("first image");
    }
  }

  /** Marks the image that is being scored; null for none. */
  mark(place) {
    this.heads.forEach((head, n) => head.classList.toggle("asked", n === place));
  }
}

export function placeName(place) {
  return String.fromCharCode(65 + place);
}
