"use strict";
// From a map to its box, as dogcam's localize.py: float32 wherever numpy and OpenCV compute in it, so that the boxes are
// the same ones. tests/report/test_viewer.py holds the two against each other.
const localize = (() => {
  const f32 = Math.fround;

  /** Some bytes of a text in base64, without decoding the rest: four letters hold three. */
  function bytes(text, start, end) {
    const first = Math.floor(start / 3);
    const binary = atob(text.slice(first * 4, Math.ceil(end / 3) * 4).replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from({ length: end - start }, (_, at) => binary.charCodeAt(start - first * 3 + at));
  }

  /** The float32 map of one picture out of a set of maps in 8 bits; null where the set has none of it. */
  function restored(set, place) {
    const slot = set.places.indexOf(place);
    if (slot < 0) return null;
    const size = set.height * set.width;
    const levels = bytes(set.levels, slot * size, (slot + 1) * size);
    const [zero, above, below] = [set.zero[slot], f32(set.above[slot]), f32(set.below[slot])];
    const values = new Float32Array(size);
    for (let at = 0; at < size; at++) {
      const step = levels[at] - zero;
      values[at] = step * Math.abs(step) * (step > 0 ? above : below);
    }
    return { values, height: set.height, width: set.width };
  }

  /** Where each of `large` pixels lies between two of `small` ones: half-pixel centres, the edge repeated. */
  function linearTaps(small, large) {
    return Array.from({ length: large }, (_, at) => {
      const place = (at + 0.5) * (small / large) - 0.5;
      const floor = Math.floor(place);
      if (floor < 0) return [0, 0, 0];
      if (floor >= small - 1) return [small - 1, small - 1, 0];
      return [floor, floor + 1, f32(place - floor)];
    });
  }

  // A float32 product is exact in double precision: this rounds once, as OpenCV's fused multiply-add does.
  const between = (a, b, share) => f32(a + f32(b - a) * share);

  function bilinear(map, width, height) {
    const [across, down] = [linearTaps(map.width, width), linearTaps(map.height, height)];
    const wide = new Float32Array(map.height * width);
    for (let y = 0; y < map.height; y++)
      for (let x = 0; x < width; x++) {
        const [left, right, share] = across[x];
        wide[y * width + x] = between(map.values[y * map.width + left], map.values[y * map.width + right], share);
      }
    const large = new Float32Array(height * width);
    for (let y = 0; y < height; y++) {
      const [top, bottom, share] = down[y];
      for (let x = 0; x < width; x++) large[y * width + x] = between(wide[top * width + x], wide[bottom * width + x], share);
    }
    return large;
  }

  /** OpenCV's cubic, a = -0.75: four places and their weights. */
  function cubicTaps(small, large) {
    const a = -0.75;
    const inner = (t) => ((a + 2) * t - (a + 3)) * t * t + 1;
    const inside = (place) => Math.min(Math.max(place, 0), small - 1);
    return Array.from({ length: large }, (_, at) => {
      const place = (at + 0.5) * (small / large) - 0.5;
      const floor = Math.floor(place);
      const t = f32(place - floor);
      const first = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
      const weights = [first, inner(t), inner(1 - t), 1 - first - inner(t) - inner(1 - t)].map(f32);
      return [[-1, 0, 1, 2].map((step) => inside(floor + step)), weights];
    });
  }

  const weighed = (a, b, c, d, w) => f32(f32(f32(a * w[0]) + f32(b * w[1])) + f32(f32(c * w[2]) + f32(d * w[3])));

  function cubic(map, width, height) {
    const [across, down] = [cubicTaps(map.width, width), cubicTaps(map.height, height)];
    const wide = new Float32Array(map.height * width);
    for (let y = 0; y < map.height; y++) {
      const row = map.values.subarray(y * map.width, (y + 1) * map.width);
      for (let x = 0; x < width; x++) {
        const [p, w] = across[x];
        wide[y * width + x] = weighed(row[p[0]], row[p[1]], row[p[2]], row[p[3]], w);
      }
    }
    const large = new Float32Array(height * width);
    for (let y = 0; y < height; y++) {
      const [p, w] = down[y];
      const rows = p.map((each) => wide.subarray(each * width, (each + 1) * width));
      for (let x = 0; x < width; x++) large[y * width + x] = weighed(rows[0][x], rows[1][x], rows[2][x], rows[3][x], w);
    }
    return large;
  }

  function extremes(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  }

  /** `localize.prepare`: cut, enlarged, normalised. */
  function prepare(map, protocol, shape) {
    const [height, width] = protocol.size ? [protocol.size, protocol.size] : shape;
    const nothing = { values: new Float32Array(height * width), height, width };
    const [least, most] = extremes(map.values);
    if (!(most > 0) && protocol.normalise === "max") return nothing;
    const cut = protocol.relu ? { ...map, values: map.values.map((value) => Math.max(value, 0)) } : map;
    const flat = protocol.relu ? Math.max(least, 0) === Math.max(most, 0) : least === most;
    if (flat && protocol.normalise === "minmax") return nothing;
    const large = (protocol.upsample === "cubic" ? cubic : bilinear)(cut, width, height);
    const [bottom, top] = extremes(large);
    const low = protocol.normalise === "minmax" ? bottom : 0;
    const span = f32(top - low);
    if (!(span > 0)) return nothing;
    for (let at = 0; at < large.length; at++) large[at] = f32(large[at] - low) / span;
    // Cut to 8 bits after the threshold, what is below 1 is above no threshold.
    if (protocol.quantise) for (let at = 0; at < large.length; at++) if (f32(large[at] * 255) < 1) large[at] = 0;
    return { values: large, height, width };
  }

  /** Half-open pixels of the largest 4-connected component above the threshold, of equal ones the first; or null. */
  function largest(heat, threshold) {
    const { values, width, height } = heat;
    const limit = f32(threshold);
    const open = new Uint8Array(values.length);
    for (let at = 0; at < values.length; at++) open[at] = values[at] > limit ? 1 : 0;
    const stack = new Int32Array(values.length);
    let [best, most] = [null, 0];
    for (let start = 0; start < open.length; start++) {
      if (!open[start]) continue;
      let [depth, area, x0, y0, x1, y1] = [1, 0, width, height, 0, 0];
      stack[0] = start;
      open[start] = 0;
      while (depth) {
        const at = stack[--depth];
        const x = at % width;
        const y = (at - x) / width;
        area++;
        if (x < x0) x0 = x;
        if (x >= x1) x1 = x + 1;
        if (y < y0) y0 = y;
        if (y >= y1) y1 = y + 1;
        if (x > 0 && open[at - 1]) { open[at - 1] = 0; stack[depth++] = at - 1; }
        if (x < width - 1 && open[at + 1]) { open[at + 1] = 0; stack[depth++] = at + 1; }
        if (y > 0 && open[at - width]) { open[at - width] = 0; stack[depth++] = at - width; }
        if (y < height - 1 && open[at + width]) { open[at + width] = 0; stack[depth++] = at + width; }
      }
      if (area > most) [best, most] = [[x0, y0, x1, y1], area];
    }
    return best;
  }

  /** The relative box, float32 as dogcam keeps it, or null. */
  function box(heat, threshold) {
    const found = largest(heat, threshold);
    return found && found.map((corner, side) => f32(corner / (side % 2 ? heat.height : heat.width)));
  }

  const size = (box) => Math.max(box[2] - box[0], 0) * Math.max(box[3] - box[1], 0);

  function overlap(a, b) {
    const sides = [0, 1].map((axis) => Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]));
    const shared = Math.max(sides[0], 0) * Math.max(sides[1], 0);
    const union = size(a) + size(b) - shared;
    return union > 0 ? shared / union : 0;
  }

  /** IoU with the annotated box that the protocol compares with: the best one or the first. */
  function iou(box, truth, protocol) {
    if (!box || !truth.length) return 0;
    return Math.max(...(protocol.truth === "first" ? truth.slice(0, 1) : truth).map((each) => overlap(box, each)));
  }

  return { restored, prepare, box, iou };
})();
