// The knee in three dimensions: what is shown, how it is turned, what is read out.

import { element } from "../../viewer/dom.js";
import { extent } from "./bodies.js";
import { Painter } from "./painter.js";
import { onScreen, sides, turnedBy, TURNS } from "./turning.js";

const KEY_TURN = Math.PI / 18;
const DRAG_TURN = Math.PI / 300; // a CSS pixel
const STEP_ZOOM = 1.15;
const LEAST_TURNED_ZOOM = 0.5;
const LARGEST_TURNED_ZOOM = 12;
const FILLED = 0.86; // of the canvas, by the knee at first
const LETTERS = 45; // percent of the canvas's sides, from its middle
const LEAST_LETTER = 0.4; // a side that looks more at the eye has no letter

// What is shown with each view: the bones whose plates are seen then.
const VIEWS = [
  { name: "Femur from below", turn: "below", bones: ["femur"] },
  { name: "Tibia from above", turn: "above", bones: ["tibia"] },
  { name: "Patella from behind", turn: "back", bones: ["patella"] },
  { name: "Front", turn: "front", bones: null },
  { name: "Back", turn: "back", bones: null },
];

export class Surfaces {
  /**
   * @param holder element of the page
   * @param bodies as bodies.js makes them
   * @param facts of the page: regions, colours, denuded, most_mm, per_mm, medial_is_right
   * @throws Error where there is no WebGL 2
   */
  constructor(holder, bodies, facts) {
    this.canvas = element("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.ariaLabel =
      "Thickness on the bones. Arrow keys turn, plus and minus zoom, digits choose a view; " +
      "what is in the middle is read out.";
    this.painter = new Painter(this.canvas, facts);
    this.painter.load(bodies);
    Object.assign(this, { bodies, facts, pointers: new Map(), visible: new Set() });
    const isThere = (bone) => bodies.some((body) => body.isPlate && body.bone === bone);
    this.views = VIEWS.filter(({ bones }) => !bones || bones.some(isThere));
    this.build(holder);
    this.listen();
    this.choose(this.views[0]);
    new ResizeObserver(() => this.measure()).observe(this.canvas);
  }

  build(holder) {
    this.letters = sides(this.facts.medial_is_right).map(([letter, direction]) => ({
      direction, mark: element("b", { className: "letter" }, letter),
    }));
    this.cross = element("i", { className: "cross", hidden: true });
    this.readout = element("output", {}, HINT);
    const marks = this.letters.map(({ mark }) => mark);
    const stage = element("div", { className: "turned" }, this.canvas, this.cross, ...marks);
    this.buttons = this.views.map((view, n) => {
      const button = element("button", { type: "button", title: `Key ${n + 1}` }, view.name);
      button.addEventListener("click", () => this.choose(view));
      return button;
    });
    this.boxes = new Map(this.bodies.map((body) => [body.id, this.box(body)]));
    holder.append(
      element("div", { className: "choices" }, ...this.buttons),
      stage,
      this.readout,
      this.group("Cartilage", (body) => body.isPlate),
      this.group("Bones", (body) => !body.isPlate),
    );
  }

  /** The boxes of some bodies. */
  group(name, isOwn) {
    const labels = this.bodies.filter(isOwn).map(({ id }) => this.boxes.get(id).label);
    const group = element("div", { className: "choices" }, element("span", {}, name), ...labels);
    group.setAttribute("role", "group");
    group.ariaLabel = name;
    return group;
  }

  /** A box that takes a body away and brings it back. */
  box({ id, words }) {
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      if (box.checked) this.visible.add(id);
      else this.visible.delete(id);
      this.redraw();
    });
    return { box, label: element("label", {}, box, ` ${words.toLowerCase()}`) };
  }

  /** Shows the bones of a view from where it looks. */
  choose(view) {
    const shown = this.bodies.filter(({ bone }) => !view.bones || view.bones.includes(bone));
    this.visible = new Set(shown.map(({ id }) => id));
    for (const [id, { box }] of this.boxes) box.checked = this.visible.has(id);
    // As large as its plates allow; of a whole knee, as its bones.
    const plates = shown.filter(({ isPlate }) => isPlate);
    Object.assign(this, extent(view.bones ? plates : shown));
    this.turn = TURNS[view.turn];
    this.zoom = 1;
    this.pan = [0, 0];
    this.chosen = view;
    this.buttons.forEach((button, n) => {
      button.setAttribute("aria-pressed", this.views[n] === view);
    });
    this.redraw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, ({ pointerId }) => this.pointers.delete(pointerId));
    }
    canvas.addEventListener("pointerleave", () => this.tell(null));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // The page goes on.
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? STEP_ZOOM : 1 / STEP_ZOOM);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => (this.cross.hidden = true));
    canvas.addEventListener("webglcontextlost", () => {
      this.readout.value = "The graphics card gave up: load the page again.";
    });
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.cross.hidden = true;
    this.read(event);
  }

  /** One pointer turns, with Shift it moves the knee; two zoom. */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.read(event);
      return;
    }
    const now = [event.clientX, event.clientY];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const [right, down] = now.map((at, i) => at - before[i]);
    this.pointers.set(event.pointerId, now);
    if (other) {
      const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
      this.zoomBy(apart(now) / apart(before));
    } else if (event.shiftKey) {
      const mm = this.ratio / this.scale;
      this.pan = [this.pan[0] + right * mm, this.pan[1] - down * mm];
    } else {
      this.turn = turnedBy(this.turn, right * DRAG_TURN, -down * DRAG_TURN);
    }
    this.redraw();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = Number(event.key);
    const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const zooms = { "+": STEP_ZOOM, "=": STEP_ZOOM, "-": 1 / STEP_ZOOM };
    if (turns[event.key]) {
      this.turn = turnedBy(this.turn, ...turns[event.key].map((n) => n * KEY_TURN));
    } else if (zooms[event.key]) this.zoomBy(zooms[event.key]);
    else if (event.key.toLowerCase() === "r") this.choose(this.chosen);
    else if (digit && this.views[digit - 1]) this.choose(this.views[digit - 1]);
    else return;
    event.preventDefault();
    this.cross.hidden = false;
    this.redraw();
  }

  zoomBy(factor) {
    this.zoom = Math.max(LEAST_TURNED_ZOOM, Math.min(LARGEST_TURNED_ZOOM, this.zoom * factor));
    this.redraw();
  }

  measure() {
    const { canvas } = this;
    this.ratio = window.devicePixelRatio;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * this.ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * this.ratio));
    this.redraw();
  }

  redraw() {
    if (this.frame || !this.ratio) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    this.painter.draw(this.view, this.visible, this.ratio);
    this.placeLetters();
    if (!this.cross.hidden) this.readAt(this.canvas.width / 2, this.canvas.height / 2);
  }

  /** Canvas pixels per mm. */
  get scale() {
    const { width, height } = this.canvas;
    return (this.zoom * FILLED * Math.min(width, height)) / (2 * this.radius);
  }

  get view() {
    const { turn, middle, radius, pan, scale } = this;
    return { turn, middle, radius, pan, scale };
  }

  placeLetters() {
    for (const { direction, mark } of this.letters) {
      const [right, up] = onScreen(this.turn, direction);
      mark.hidden = Math.hypot(right, up) < LEAST_LETTER;
      mark.style.left = `${50 + LETTERS * right}%`;
      mark.style.top = `${50 - LETTERS * up}%`;
    }
  }

  /** Reads out what is under a pointer. */
  read({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    this.readAt((clientX - box.left) * this.ratio, (clientY - box.top) * this.ratio);
  }

  readAt(x, y) {
    this.tell(this.painter.at(this.view, this.visible, x, y));
  }

  tell(found) {
    this.readout.value = found ? inWords(found, this.facts.regions) : HINT;
  }
}

const HINT = "Point at a plate: its thickness is read out here.";

function inWords({ body, mm, region }, regions) {
  if (!body.isPlate) return `${body.words}, bone outside of the plates`;
  const own = regions[region - 1];
  const where = own ? `${body.words}, ${own.words} (${own.name})` : body.words;
  return mm ? `${mm.toFixed(2)} mm: ${where}` : `denuded: ${where}`;
}
