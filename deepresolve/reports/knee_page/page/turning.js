// How the knee is turned towards whoever looks at it.
//
// The world's axes are the patient's: x to the right, y to the front, z up. A turn is
// three unit vectors of the world: what lies to the right on the screen, what up, and
// what towards the eye. Nothing gets smaller with distance.

const RIGHT = [1, 0, 0];
const LEFT = [-1, 0, 0];
const FRONT = [0, 1, 0];
const BACK = [0, -1, 0];
const UP = [0, 0, 1];
const DOWN = [0, 0, -1];

/** By name, from where one looks: [to the right, up, towards the eye]. */
export const TURNS = {
  front: [LEFT, UP, FRONT],
  back: [RIGHT, UP, BACK],
  above: [RIGHT, FRONT, UP],
  below: [LEFT, FRONT, DOWN],
};

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0],
];
const unit = (a) => a.map((x) => x / Math.sqrt(dot(a, a)));

/** Where a direction of the world points on the screen: [right, up, towards the eye]. */
export function onScreen(turn, direction) {
  return turn.map((axis) => dot(axis, direction));
}

/**
 * Turned as by a hand on the surface that looks at the eye.
 * @param right how far the hand goes to the right, in radians
 * @param up and up
 */
export function turnedBy(turn, right, up) {
  const [x, y, z] = turn;
  const angle = Math.hypot(right, up);
  if (!angle) return turn;
  // About an axis in the screen, at right angles to the way of the hand.
  const about = unit(x.map((_, i) => -up * x[i] + right * y[i]));
  const [cos, sin] = [Math.cos(-angle), Math.sin(-angle)];
  const rotated = (v) => {
    const [side, along] = [cross(about, v), dot(about, v) * (1 - cos)];
    return v.map((value, i) => value * cos + side[i] * sin + about[i] * along);
  };
  const towards = unit(rotated(z));
  const upwards = unit(cross(towards, rotated(x)));
  return [cross(upwards, towards), upwards, towards];
}

/**
 * Letters of the patient's sides, and their directions.
 * @param medialIsRight whether medial is towards the patient's right; null: not known
 */
export function sides(medialIsRight) {
  const [onRight, onLeft] =
    medialIsRight === null ? ["R", "L"] : medialIsRight ? ["M", "Lat"] : ["Lat", "M"];
  return [
    [onRight, RIGHT], [onLeft, LEFT], ["A", FRONT], ["P", BACK], ["S", UP], ["I", DOWN],
  ];
}
