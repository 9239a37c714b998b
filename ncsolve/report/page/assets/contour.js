// The plane from above: filled levels, paths up to the chosen time, critical points.

const LEVELS = 22;

/** f on a grid, with heights in [0, 1] that are plain or logarithmic above the lowest value. */
class Grid {
  constructor(plane) {
    Object.assign(this, plane);
    this.z = unpack(plane.z);
    this.outside = plane.outside && unpack(plane.outside);
    this.on = plane.on.map((values) => unpack(values));
    const top = this.high - this.low || 1;
    this.whole = this.bend > 0 ? Math.log1p(top / this.bend) : top;
  }

  height(f) {
    const above = Math.max(f - this.low, 0);
    return Math.min((this.bend > 0 ? Math.log1p(above / this.bend) : above) / this.whole, 1);
  }

  /** Between the grid's points, at the place (s, t) in [0, 1]^2; NaN where f, or another `field`, is not finite. */
  value(s, t, field = this.z) {
    const n = this.size;
    const [x, y] = [s * (n - 1), t * (n - 1)];
    const [i, j] = [Math.min(Math.floor(x), n - 2), Math.min(Math.floor(y), n - 2)];
    if (!(i >= 0 && j >= 0 && x <= n - 1 && y <= n - 1)) return NaN;
    const k = j * n + i;
    const [a, b] = [x - i, y - j];
    return (1 - b) * ((1 - a) * field[k] + a * field[k + 1]) + b * ((1 - a) * field[k + n] + a * field[k + n + 1]);
  }

  /** Of a point of the plane: its place in [0, 1]^2. */
  place(u, v) {
    return [(u - this.lower[0]) / (this.upper[0] - this.lower[0]), (v - this.lower[1]) / (this.upper[1] - this.lower[1])];
  }
}

class Contour {
  constructor(parent, grid, section, view) {
    Object.assign(this, { parent, grid, section, view });
    this.canvas = html("canvas", { "aria-hidden": "true" }, parent);
    this.svg = svg("svg", { class: "plot" }, parent);
    this.tooltip = new Tooltip(parent);
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.tooltip.hide());
    this.redraw = once(() => this.draw());
    new ResizeObserver(this.redraw).observe(parent);
  }

  /** The place of a point of the plane in the drawing, in CSS pixels. */
  toPixel(u, v) {
    const { left, top, right, bottom } = this.frame;
    const [s, t] = this.grid.place(u, v);
    return [left + s * (right - left), bottom - t * (bottom - top)];
  }

  toData(x, y) {
    const { left, top, right, bottom } = this.frame;
    const { lower, upper } = this.grid;
    const [s, t] = [(x - left) / (right - left), (bottom - y) / (bottom - top)];
    return [lower[0] + s * (upper[0] - lower[0]), lower[1] + t * (upper[1] - lower[1])];
  }

  draw() {
    const width = this.parent.clientWidth;
    const height = Math.round(Math.max(260, Math.min(width * 0.86, 520)));
    this.frame = { left: 52, top: 28, right: width - 12, bottom: height - 40 };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    this.fill(width, height);
    this.axes();
    const { left, top, right, bottom } = this.frame;
    const id = `clip-${this.section.id}-contour`;
    svg("rect", { x: left, y: top, width: right - left, height: bottom - top }, svg("clipPath", { id }, this.svg));
    this.paths = svg("g", { "clip-path": `url(#${id})`, class: "paths" }, this.svg);
    this.marks = svg("g", { class: "marks" }, this.svg);
    this.drawPaths();
    for (const point of this.section.points) this.drawPoint(point);
  }

  /** Levels with lines of one pixel between them: a line is where the height's fraction is less than its slope. */
  fill(width, height) {
    const { left, top, right, bottom } = this.frame;
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    const [w, h] = [Math.max(Math.round((right - left) * dense), 2), Math.max(Math.round((bottom - top) * dense), 2)];
    Object.assign(this.canvas, { width: w, height: h });
    const sides = { left: left / width, top: top / height, width: (right - left) / width, height: (bottom - top) / height };
    for (const [side, part] of Object.entries(sides)) this.canvas.style[side] = `${100 * part}%`; // also where paper scales both
    const levels = new Float32Array(w * h);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) levels[y * w + x] = this.grid.height(this.grid.value(x / (w - 1), 1 - y / (h - 1))) * LEVELS;
    const colors = ramp();
    const line = css("--level").split(/\s+/).map(Number);
    const image = new ImageData(w, h);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const k = y * w + x;
        const level = levels[k];
        if (!(level >= 0)) continue;
        const color = colors[Math.min(Math.floor(level), LEVELS - 1) * Math.floor(255 / (LEVELS - 1))];
        const slope = Math.abs(level - levels[x + 1 < w ? k + 1 : k - 1]) + Math.abs(level - levels[y + 1 < h ? k + w : k - w]);
        const away = Math.abs(level - Math.round(level)) / (slope * dense || 1e-9);
        const ink = level > 0.5 && level < LEVELS - 0.01 && slope < 1.5 ? Math.max(0, 1 - away) * line[3] : 0;
        for (let c = 0; c < 3; c++) image.data[4 * k + c] = color[c] + (line[c] - color[c]) * ink;
        image.data[4 * k + 3] = 255;
      }
    const { outside, on } = this.grid;
    if (outside) this.limit(image, outside, dense, true);
    for (const field of on) this.limit(image, field, dense, false);
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }

  /** A line where a constraint is 0; where `shaded`, stripes on the side where it is above. Dark beside light is seen
   *  on every height. */
  limit(image, field, dense, shaded) {
    const { width: w, height: h } = image;
    const values = new Float32Array(w * h);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) values[y * w + x] = this.grid.value(x / (w - 1), 1 - y / (h - 1), field);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const k = y * w + x;
        const slope = Math.hypot(values[k] - values[x + 1 < w ? k + 1 : k - 1], values[k] - values[y + 1 < h ? k + w : k - w]);
        const away = Math.abs(values[k]) / (slope * dense || 1e-30);
        const stripe = shaded && values[k] > 0 ? ((x + y) / dense) % 10 : 10;
        const dark = away < 1.2 || stripe < 1.5;
        if (!dark && !(away < 2.4 || stripe < 3)) continue;
        const part = away < 2.4 ? 0.9 : 0.45;
        for (let c = 0; c < 3; c++) image.data[4 * k + c] += ((dark ? 20 : 255) - image.data[4 * k + c]) * part;
      }
  }

  axes() {
    const { left, top, right, bottom } = this.frame;
    const { lower, upper, names } = this.grid;
    svg("rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top }, this.svg);
    for (const [value, label] of ticks(scale(lower[0], upper[0]), (right - left) / 70)) {
      const [x] = this.toPixel(value, lower[1]);
      svg("path", { class: "notch", d: `M${x.toFixed(1)} ${bottom}v4` }, this.svg);
      tickBelow(x, bottom + 17, label, right + 11, this.svg);
    }
    for (const [value, label] of ticks(scale(lower[1], upper[1]), (bottom - top) / 50)) {
      const [, y] = this.toPixel(lower[0], value);
      svg("path", { class: "notch", d: `M${left} ${y.toFixed(1)}h-4` }, this.svg);
      svg("text", { class: "tick", x: left - 8, y: (y + 4).toFixed(1), "text-anchor": "end" }, this.svg).textContent = label;
    }
    svg("text", { class: "name", x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, this.svg).textContent = names[0];
    svg("text", { class: "name", x: left, y: 19, "text-anchor": "middle" }, this.svg).textContent = names[1];
  }

  /** Every path up to the time of the slider, and where it is then. */
  drawPaths() {
    if (!this.paths) return;
    this.paths.replaceChildren();
    for (const run of this.section.runs) {
      if (!run.path || this.view.hidden.has(run.solver)) continue;
      const end = last(run.path[this.view.x], this.view.time);
      const points = [];
      for (let k = 0; k <= end; k++) {
        const [u, v] = [run.path.u[k], run.path.v[k]];
        if (Number.isFinite(u + v)) points.push(this.toPixel(u, v).map((c) => Math.min(Math.max(c, -1e4), 1e4).toFixed(1)).join(" "));
      }
      if (!points.length) continue;
      const look = { points: points.join(","), "data-run": run.run, "data-rows": end + 1 };
      svg("polyline", { ...look, class: "casing" }, this.paths);
      svg("polyline", { ...look, class: "path", stroke: solverColor(run.solver), "stroke-dasharray": solverDash(run.solver) }, this.paths);
      const [sx, sy] = points[0].split(" ");
      svg("circle", { class: "start", cx: sx, cy: sy, r: 4, stroke: solverColor(run.solver) }, this.paths);
      const [x, y] = points[points.length - 1].split(" ");
      svg("circle", { class: "at", cx: x, cy: y, r: 5, fill: solverColor(run.solver), "data-run": run.run }, this.paths);
    }
  }

  drawPoint(point) {
    const { lower, upper } = this.grid;
    const inside = point.u >= lower[0] && point.u <= upper[0] && point.v >= lower[1] && point.v <= upper[1];
    if (!inside) return;
    const [x, y] = this.toPixel(point.u, point.v);
    const off = point.off > 1e-6 ? " off" : "";
    const said = `${point.kind} ${point.point}, f = ${number(point.objective, 7)}`;
    const look = {
      class: `mark kind-${point.kind}${off}`,
      d: markPath(point.kind, markSize(this.section.points)),
      transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
      tabindex: 0,
      role: "img",
      "aria-label": said,
      "data-point": point.point,
      "data-u": point.u,
      "data-v": point.v,
    };
    const mark = svg("path", look, this.marks);
    const place = `${this.grid.names[0]} = ${number(point.u, 7)}, ${this.grid.names[1]} = ${number(point.v, 7)}`;
    const tell = () => this.tooltip.show(x, y, `${point.kind} ${point.point}`, [[null, "f", number(point.objective, 8)], [null, "at", place]]);
    mark.addEventListener("pointerenter", tell);
    mark.addEventListener("focus", tell);
    mark.addEventListener("blur", () => this.tooltip.hide());
  }

  hover(event) {
    if (event.target.dataset.point !== undefined) return;
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [u, v] = this.toData(x, y);
    const f = this.grid.value(...this.grid.place(u, v));
    const { left, top, right, bottom } = this.frame;
    if (x < left || x > right || y < top || y > bottom) return this.tooltip.hide();
    const [one, two] = this.grid.names;
    this.tooltip.show(x, y, `f ≈ ${number(f, 4)}`, [[null, one, number(u, 4)], [null, two, number(v, 4)]]);
  }
}
