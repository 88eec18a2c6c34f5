// Mouse, pen and wheel on the panes; what they do is listed in help.js.

const WHEEL_NOTCH = 100;
const SMALLEST_NOTCH = 40;
const WHEEL_LINE = 33; // pixels, where a browser counts lines
const WHEEL_ZOOM = 1.15;
// Dragging across this many CSS pixels changes the window by its own width.
const WINDOW_DRAG = 400;

export class Gestures {
  constructor(viewer) {
    this.viewer = viewer;
    this.drag = null;
    this.wheel = 0;
    const { element } = viewer;
    const on = (name, run, options) =>
      element.addEventListener(name, (event) => this.onPane(event, run), options);
    on("pointerdown", (event, pane) => this.down(event, pane));
    on("pointermove", (event, pane) => this.hover(event, pane));
    on("dblclick", (event, pane) => viewer.enlarge(pane.number, pane.place));
    on("wheel", (event, pane) => this.roll(event, pane), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    element.addEventListener("pointerup", () => (this.drag = null));
    element.addEventListener("pointercancel", () => (this.drag = null));
  }

  onPane(event, run) {
    if (!this.viewer.shown) return;
    const pane = this.viewer.panes.find(({ canvas }) => canvas === event.target);
    if (pane) run(event, pane);
  }

  down(event, pane) {
    event.preventDefault();
    document.activeElement?.blur();
    const panning = event.button === 1 || (event.button === 0 && event.shiftKey);
    const kind = panning ? "pan" : event.button === 2 ? "window" : "cursor";
    this.drag = { kind, pane, x: event.clientX, y: event.clientY };
    this.drag.window = [...this.viewer.view.window];
    pane.canvas.setPointerCapture(event.pointerId);
    if (kind === "cursor") this.point(event, pane);
  }

  hover(event, pane) {
    if (!this.drag) {
      this.viewer.activate(pane.number);
      return;
    }
    const { kind } = this.drag;
    if (kind === "cursor") this.point(event, this.drag.pane);
    if (kind === "pan") this.pan(event);
    if (kind === "window") this.window(event);
  }

  point(event, pane) {
    this.viewer.point(pane.number, pane.voxel(event));
  }

  pan(event) {
    const { pane } = this.drag;
    const mm = pane.ratio / pane.scale;
    const [x, y] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
    [this.drag.x, this.drag.y] = [event.clientX, event.clientY];
    this.viewer.pan(pane.number, x * mm, y * mm);
  }

  /** To the right: wider, less contrast. Down: higher level, darker. */
  window(event) {
    const [black, white] = this.drag.window;
    const width = white - black;
    const wider = Math.exp((event.clientX - this.drag.x) / WINDOW_DRAG) * width;
    const shift = ((event.clientY - this.drag.y) / WINDOW_DRAG) * width;
    const level = (black + white) / 2 + shift;
    this.viewer.setWindow([level - wider / 2, level + wider / 2]);
  }

  roll(event, pane) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? WHEEL_LINE : 1);
    if (event.ctrlKey || event.metaKey) {
      this.viewer.zoom(pixels < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM);
      return;
    }
    const steps = this.steps(pixels);
    this.viewer.activate(pane.number);
    if (steps) this.viewer.scroll(pane.number, steps);
  }

  /** Slices to go: one a notch of a wheel; a touchpad's small steps add up. */
  steps(pixels) {
    if (Math.abs(pixels) >= SMALLEST_NOTCH) {
      this.wheel = 0;
      return Math.sign(pixels) * Math.max(1, Math.round(Math.abs(pixels) / WHEEL_NOTCH));
    }
    this.wheel += pixels;
    if (Math.abs(this.wheel) < SMALLEST_NOTCH) return 0;
    const step = Math.sign(this.wheel);
    this.wheel = 0;
    return step;
  }
}
