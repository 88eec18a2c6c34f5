// Meshes on a canvas by WebGL 2, and what lies under a place of it.

const CORNERS = `#version 300 es
in vec3 place; in vec3 normal; in vec3 measured;  // mm, whether bare, region
uniform mat3 turn; uniform vec3 middle; uniform vec2 perMm; uniform vec2 pan;
uniform float depth; uniform float lift;
out vec3 facing; out vec2 thick; flat out float region;
void main() {
  vec3 at = turn * (place - middle);
  gl_Position = vec4((at.xy + pan) * perMm, -(at.z + lift) / depth, 1.0);
  facing = turn * normal;
  thick = measured.xy;
  region = measured.z;
}`;

const LOOK = `#version 300 es
precision highp float;
in vec3 facing; in vec2 thick; flat in float region;
uniform bool isPlate; uniform vec3 stops[NUM]; uniform float most; uniform float stripe;
uniform vec3 denuded;
out vec4 colour;
vec3 shade(float mm) {
  float at = clamp(mm / most, 0.0, 1.0) * float(NUM - 1);
  int first = min(int(at), NUM - 2);
  return mix(stops[first], stops[first + 1], at - float(first));
}
void main() {
  vec3 base = vec3(0.72, 0.71, 0.69);
  if (isPlate) {
    bool isStripe = mod(gl_FragCoord.x + gl_FragCoord.y, 2.0 * stripe) < stripe;
    base = thick.y > 0.5 ? (isStripe ? denuded : vec3(1.0)) : shade(thick.x);
  }
  float light = abs(normalize(facing).z);
  colour = vec4(base * (isPlate ? 0.55 + 0.45 * light : 0.25 + 0.7 * light), 1.0);
}`;

// Thickness in parts of a mm in two bytes, the region, and the body from 1.
const TELL = `#version 300 es
precision highp float;
in vec3 facing; in vec2 thick; flat in float region;
uniform bool isPlate; uniform float number; uniform float perMmOf;
out vec4 told;
void main() {
  float value = thick.y > 0.5 ? 65535.0 : floor(thick.x * perMmOf + 0.5);
  float high = floor(value / 256.0);
  vec3 own = isPlate ? vec3(high, value - 256.0 * high, region) : vec3(0.0);
  told = vec4(own, number) / 255.0;
}`;
const BARE = 65535;
// Plates lie on bones that are drawn coarsely: so much nearer to the eye, in mm.
const LIFT_MM = 1.5;

const INPUTS = ["place", "normal", "measured"];
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);

export class Painter {
  /**
   * @param canvas to draw on
   * @param colours of thickness from 0 to `most_mm`, "#rrggbb"
   * @param denuded colour of bone without cartilage, which has white stripes, too
   * @param per_mm parts of a millimetre in which a body has thickness
   * @throws Error where there is no WebGL 2
   */
  constructor(canvas, { colours, denuded, most_mm: most, per_mm: perMm }) {
    // What is printed is what was drawn last.
    const gl = canvas.getContext("webgl2", { alpha: true, preserveDrawingBuffer: true });
    if (!gl) throw new Error("this browser has no WebGL 2");
    Object.assign(this, { gl, canvas, perMm, drawables: [] });
    this.looks = new Program(gl, LOOK.replaceAll("NUM", String(colours.length)));
    this.tells = new Program(gl, TELL);
    this.looks.use().set("most", most).set("stops", new Float32Array(colours.flatMap(rgb)));
    this.looks.set("denuded", new Float32Array(rgb(denuded)));
    this.tells.use().set("perMmOf", perMm);
    this.told = new Hidden(gl);
    gl.enable(gl.DEPTH_TEST);
  }

  /** Takes the bodies that there are. */
  load(bodies) {
    this.drawables = bodies.map((body) => drawable(this.gl, body, this.perMm));
  }

  /**
   * Draws what is visible.
   * @param view {turn, middle, radius, pan, scale}: scale is canvas pixels per mm
   * @param visible ids of bodies
   */
  draw(view, visible, ratio) {
    const { gl, canvas } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, canvas.width, canvas.height);
    this.looks.use().set("stripe", 3 * ratio);
    this.drawAll(this.looks, view, visible);
    this.told.isFresh = false;
  }

  /**
   * What lies under a place of the canvas, in its pixels from the upper left corner, as
   * it was drawn last.
   * @returns null, or {body} of a bone, {body, mm, region} of a plate: mm is 0 where
   *   bone is denuded, region the number of it, from 1, 0 in none
   */
  at(view, visible, x, y) {
    const { gl, canvas } = this;
    this.told.take(canvas.width, canvas.height);
    if (!this.told.isFresh) this.drawAll(this.tells.use(), view, visible);
    this.told.isFresh = true;
    const told = new Uint8Array(4);
    const up = canvas.height - 1 - Math.floor(y);
    gl.readPixels(Math.floor(x), up, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, told);
    if (!told[3]) return null;
    const { body } = this.drawables[told[3] - 1];
    if (!body.isPlate) return { body };
    const value = 256 * told[0] + told[1];
    return { body, mm: value === BARE ? 0 : value / this.perMm, region: told[2] };
  }

  drawAll(program, { turn, middle, radius, pan, scale }, visible) {
    const { gl, canvas } = this;
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    // WebGL has matrices column by column.
    const columns = [0, 1, 2].flatMap((axis) => turn.map((direction) => direction[axis]));
    program.set("turn", new Float32Array(columns)).set("middle", new Float32Array(middle));
    program.set("perMm", new Float32Array([2 * scale / canvas.width, 2 * scale / canvas.height]));
    program.set("pan", new Float32Array(pan)).set("depth", 2 * radius);
    this.drawables.forEach(({ body, array, length }, n) => {
      if (!visible.has(body.id)) return;
      program.set("isPlate", body.isPlate).set("number", n + 1);
      program.set("lift", body.isPlate ? LIFT_MM : 0);
      gl.bindVertexArray(array);
      gl.drawElements(gl.TRIANGLES, length, gl.UNSIGNED_INT, 0);
    });
  }
}

/** A program of both kinds of shaders, and its uniforms by name. */
class Program {
  constructor(gl, fragments) {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, CORNERS], [gl.FRAGMENT_SHADER, fragments]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    INPUTS.forEach((name, n) => gl.bindAttribLocation(program, n, name));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(gl.getProgramInfoLog(program));
    }
    Object.assign(this, { gl, program, known: new Map() });
  }

  use() {
    this.gl.useProgram(this.program);
    return this;
  }

  /** Sets a uniform of the program in use; one that it has no need of is passed over. */
  set(name, value) {
    const { gl, program, known } = this;
    if (!known.has(name)) known.set(name, gl.getUniformLocation(program, name));
    const place = known.get(name);
    if (typeof value === "boolean") gl.uniform1i(place, value);
    else if (typeof value === "number") gl.uniform1f(place, value);
    else if (value.length === 2) gl.uniform2fv(place, value);
    else if (name === "turn") gl.uniformMatrix3fv(place, false, value);
    else gl.uniform3fv(place, value);
    return this;
  }
}

/** A body in the memory of the graphics card. */
function drawable(gl, body, perMm) {
  const measured = new Float32Array(3 * body.count);
  if (body.isPlate) {
    for (let v = 0; v < body.count; v++) {
      measured[3 * v] = body.thickness[v] / perMm;
      measured[3 * v + 1] = body.covered[v] ? 0 : 1;
      measured[3 * v + 2] = body.regionNumbers[v];
    }
  }
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  [body.places, body.normals, measured].forEach((values, n) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(n);
    gl.vertexAttribPointer(n, 3, gl.FLOAT, false, 0, 0);
  });
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, body.faces, gl.STATIC_DRAW);
  return { body, array, length: body.faces.length };
}

/** As large as the canvas, and not seen. */
class Hidden {
  constructor(gl) {
    Object.assign(this, { gl, size: "", isFresh: false, buffer: gl.createFramebuffer() });
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.buffer);
    this.parts = [
      [gl.COLOR_ATTACHMENT0, gl.RGBA8],
      [gl.DEPTH_ATTACHMENT, gl.DEPTH_COMPONENT24],
    ].map(([place, format]) => ({ part: gl.createRenderbuffer(), place, format }));
  }

  /** Makes it what is drawn on, of so many pixels. */
  take(width, height) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.buffer);
    gl.viewport(0, 0, width, height);
    if (this.size === `${width} ${height}`) return;
    for (const { part, place, format } of this.parts) {
      gl.bindRenderbuffer(gl.RENDERBUFFER, part);
      gl.renderbufferStorage(gl.RENDERBUFFER, format, width, height);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, place, gl.RENDERBUFFER, part);
    }
    this.size = `${width} ${height}`;
    this.isFresh = false;
  }
}
