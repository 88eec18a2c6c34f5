// What mouse, wheel and keys do to `state`, which viewer.js shows.

// Wheel, drag and double click on one panel.
function listen(canvas, plane) {
  let turned = 0;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    // A notch of a wheel is 3 lines, or 100 pixels, fewer on scaled displays; touchpads
    // send many small steps.
    const notches = event.deltaMode ? event.deltaY / 3 : event.deltaY / 100;
    const whole = Math.abs(notches) >= 0.4;
    turned = whole ? 0 : turned + notches;
    const summed = Math.abs(turned) >= 0.4 ? Math.sign(turned) : 0;
    if (summed) turned = 0;
    const steps = whole
      ? Math.sign(notches) * Math.max(1, Math.round(Math.abs(notches))) : summed;
    if (steps) moveTo(plane, 2, indexOf(plane, 2) + steps);
  }, { passive: false });
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    from = { x: event.clientX, y: event.clientY, window: [...state.window], moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    from.moved ||= Math.hypot(dx, dy) > 3;
    if (from.moved) dragWindow(from.window, dx, dy);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !from.moved && state.crosshair) placeCrosshair(canvas, plane, event);
    from = null;
  });
  canvas.addEventListener("pointercancel", () => { from = null; });
  canvas.addEventListener("dblclick", resetWindow);
}

// To the right widens the window, upwards lowers its level: brighter.
function dragWindow([low, high], dx, dy) {
  const range = facts.range[1] - facts.range[0];
  const width = Math.max(range / 255, high - low + (dx / 400) * range);
  const level = (low + high) / 2 + (dy / 400) * range;
  state.window = [level - width / 2, level + width / 2];
  redraw();
}

function resetWindow() {
  state.window = [...facts.window];
  redraw();
}

function placeCrosshair(canvas, plane, event) {
  const f = plane.frames[plane.panels.indexOf(canvas)];
  const box = canvas.getBoundingClientRect();
  const row = ((event.clientY - box.top - f.top) / f.high) * countOf(plane, 0);
  const column = ((event.clientX - box.left - f.left) / f.wide) * countOf(plane, 1);
  moveTo(plane, 0, Math.floor(row));
  moveTo(plane, 1, Math.floor(column));
}

function showOnly(plane) {
  state.single = Boolean(plane);
  state.active = plane || state.active;
  redraw();
}

const STEPS = {
  ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10,
  Home: -Infinity, End: Infinity,
};
const COMMANDS = {
  0: () => showOnly(null),
  1: () => showOnly(facts.planes[0]),
  2: () => showOnly(facts.planes[1]),
  3: () => showOnly(facts.planes[2]),
  x: () => { state.crosshair = !state.crosshair; redraw(); },
  l: () => { state.overlay = (state.overlay + 1) % OVERLAYS.length; redraw(); },
  r: resetWindow,
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const step = STEPS[event.key];
  const command = COMMANDS[event.key.toLowerCase()];
  if (step) moveTo(state.active, 2, indexOf(state.active, 2) + step);
  else if (command) command();
  else return;
  event.preventDefault();
}
