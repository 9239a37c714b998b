// Numbers, scales, colours and elements that the figures share.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

function html(name, attributes = {}, parent = null, text = null) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

/** Base 64 of little-endian floats. */
function unpack(text, kind = Float32Array) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = letters.charCodeAt(k);
  return new kind(bytes.buffer);
}

function number(value, digits = 5) {
  if (value === null || !Number.isFinite(value)) return "not finite";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e6 ? value.toExponential(digits - 1).replace(/\.?0+e/, "e") : String(+value.toPrecision(digits));
  return text.replace("e+", "e").replaceAll("-", "−");
}

/** A map of [low, high] onto [0, 1]: plain, or logarithmic above an offset, log(v + offset). */
function scale(low, high, offset = null) {
  const bend = offset === null ? (v) => v : (v) => Math.log(v + offset);
  const back = offset === null ? (t) => t : (t) => Math.exp(t) - offset;
  const [a, b] = [bend(low), bend(high)];
  const width = b - a || 1;
  return {
    low,
    high,
    offset,
    at: (v) => (bend(v) - a) / width,
    value: (t) => back(a + t * width),
  };
}

/** Round numbers between low and high, `whole` ones for counts: [value, label] pairs. */
function ticks({ low, high, offset }, count, whole = false) {
  if (offset !== null && (high + offset) / (low + offset) > 30) return decades(low, high, offset, count);
  const raw = Math.max((high - low) / Math.max(count, 1) || 1, whole ? 1 : 0);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found.map((v) => [v, number(+v.toPrecision(12))]);
}

function decades(low, high, offset, count) {
  const first = Math.ceil(Math.log10(Math.max(low, offset, 1e-320)) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(count, 1)));
  const found = low <= 0 ? [[0, "0"]] : [];
  for (let k = first; k <= last; k += every) found.push([10 ** k, k >= 0 && k <= 4 ? String(10 ** k) : `10${raised(k)}`]);
  return found;
}

function raised(power) {
  return String(power).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
}

/** A label below an axis, inside `limit` on the right. */
function tickBelow(x, y, label, limit, parent) {
  const ends = x + label.length * 3.6 > limit;
  const place = { class: "tick", x: (ends ? limit : x).toFixed(1), y, "text-anchor": ends ? "end" : "middle" };
  svg("text", place, parent).textContent = label;
}

/** Place of the last entry of the ascending `values` that is at most `value`, or -1. */
function last(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Colours of solvers, told apart by the colour-blind too [Okabe & Ito]; more than 8 are dashed. */
function solverColor(k) {
  return `var(--solver-${k % 8})`;
}

function solverDash(k) {
  return ["", "6 3", "2 3", "8 3 2 3"][Math.floor(k / 8) % 4];
}

/** The ramp of heights as red, green, blue of 256 steps. */
function ramp() {
  const stops = css("--ramp").split(/\s+/).map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
  return Array.from({ length: 256 }, (_, k) => {
    const place = (k / 255) * (stops.length - 1);
    const j = Math.min(Math.floor(place), stops.length - 2);
    return stops[j].map((c, i) => Math.round(c + (stops[j + 1][i] - c) * (place - j)));
  });
}

/** Outline of the mark of a kind of point, around 0, 0. */
function markPath(kind, r) {
  const d = r * 0.9;
  const w = r * 0.36;
  if (kind === "minimum") return `M${-d} 0a${d} ${d} 0 1 0 ${2 * d} 0a${d} ${d} 0 1 0 ${-2 * d} 0Z`;
  if (kind === "maximum") return `M0 ${-r * 1.1}L${r} ${r * 0.75}H${-r}Z`;
  if (kind === "degenerate") return `M0 ${-r * 1.15}L${r * 1.15} 0L0 ${r * 1.15}L${-r * 1.15} 0Z`;
  const plus = `M${-w} ${-r}H${w}V${-w}H${r}V${w}H${w}V${r}H${-w}V${w}H${-r}V${-w}H${-w}Z`;
  if (kind === "minmax") return plus;
  if (kind === "saddle" || kind === "not-minmax") {
    const turned = plus.match(/[MHV][^MHVZ]*/g).reduce(turn, { x: 0, y: 0, out: "" }).out;
    return `${turned}Z`;
  }
  return `M${-d} ${-d}H${d}V${d}H${-d}Z`;
}

/** Smaller where there are many. */
function markSize(points) {
  return points.length > 60 ? 3.5 : 6.5;
}

/** One stroke of a path of M, H and V, turned by 45 degrees. */
function turn(pen, stroke) {
  const values = stroke.slice(1).trim().split(/\s+/).map(Number);
  if (stroke[0] === "M") [pen.x, pen.y] = values;
  if (stroke[0] === "H") pen.x = values[0];
  if (stroke[0] === "V") pen.y = values[0];
  const s = Math.SQRT1_2;
  pen.out += `${stroke[0] === "M" ? "M" : "L"}${((pen.x - pen.y) * s).toFixed(2)} ${((pen.x + pen.y) * s).toFixed(2)}`;
  return pen;
}

/** A box of text beside a place of its parent; lines are [colour or null, text, text]. */
class Tooltip {
  constructor(parent) {
    this.parent = parent;
    this.box = html("div", { class: "tooltip", role: "status", hidden: "" }, parent);
  }

  show(x, y, head, lines) {
    this.box.replaceChildren();
    html("div", { class: "head" }, this.box, head);
    for (const [color, name, value] of lines) {
      const row = html("div", { class: "row" }, this.box);
      if (color) html("span", { class: "swatch", style: `background:${color}` }, row);
      html("span", {}, row, name);
      html("b", {}, row, value);
    }
    this.box.hidden = false;
    const { width, height } = this.box.getBoundingClientRect();
    const limit = this.parent.clientWidth;
    const left = x + 14 + width > limit ? x - 14 - width : x + 14;
    this.box.style.left = `${Math.min(Math.max(left, 4), Math.max(limit - width - 4, 4))}px`;
    this.box.style.top = `${Math.max(Math.min(y - height / 2, this.parent.clientHeight - height - 4), 4)}px`;
  }

  hide() {
    this.box.hidden = true;
  }
}

/** Run `draw` once before the next frame, however often it is asked for. */
function once(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
