// The plane as a surface that turns, on a 2-D canvas: cells from back to front, paths cut into the cells they cross.

const CELLS = 64;
const PIECES = 5000; // of all paths together

class Surface {
  constructor(parent, grid, section, view) {
    Object.assign(this, { parent, grid, section, view });
    this.canvas = parent.querySelector("canvas");
    [this.yaw, this.pitch] = [-0.6, 0.62];
    this.heights = this.sampled();
    this.tracks = section.runs.filter((run) => run.path).map((run) => [run, this.track(run, PIECES / section.runs.length)]);
    this.points = section.points.map((point) => this.placed(point)).filter((point) => point.cell >= 0);
    this.listen();
    this.redraw = once(() => this.draw());
    new ResizeObserver(this.redraw).observe(parent);
    this.tell();
  }

  /** Heights at the corners of the cells, row by row. */
  sampled() {
    const heights = new Float32Array((CELLS + 1) ** 2);
    for (let j = 0; j <= CELLS; j++)
      for (let i = 0; i <= CELLS; i++) heights[j * (CELLS + 1) + i] = this.grid.height(this.grid.value(i / CELLS, j / CELLS));
    return heights;
  }

  /** A path as short pieces on the surface: [row, [s, t, height], [s', t', height'], cell]. Of a path that is too
   *  long only every second row is followed, or every fourth, ... */
  track({ path: { u, v } }, most) {
    const places = Array.from(u, (_, k) => this.grid.place(u[k], v[k]));
    const length = (one, two) => Math.max(Math.abs(two[0] - one[0]), Math.abs(two[1] - one[1])) * CELLS;
    let stride = 1;
    const total = () => {
      let sum = 0;
      for (let k = stride; k < u.length; k += stride) sum += Math.min(Math.ceil(length(places[k - stride], places[k])), 2 * CELLS) || 0;
      return sum;
    };
    while (stride < u.length && total() > most) stride *= 2;
    const pieces = [];
    let from = places[0];
    for (let k = 0; k < u.length; k = k < u.length - 1 ? Math.min(k + stride, u.length - 1) : u.length) {
      const far = length(from, places[k]);
      if (far < 0.15) continue;
      if (Number.isFinite(far)) this.cut(k, from, places[k], Math.min(Math.ceil(far), 2 * CELLS), pieces);
      from = places[k];
    }
    return pieces;
  }

  /** Add the `parts` of a step that are in the picture. */
  cut(row, from, to, parts, pieces) {
    const at = (p) => [0, 1].map((c) => from[c] + (p / parts) * (to[c] - from[c]));
    const lifted = ([s, t]) => [s, t, this.grid.height(this.grid.value(s, t)) + 0.006];
    for (let p = 0; p < parts; p++) {
      const cell = this.cellAt(...at(p + 0.5));
      if (cell >= 0) pieces.push([row, lifted(at(p)), lifted(at(p + 1)), cell]);
    }
  }

  /** The cell at (s, t), -1 outside. */
  cellAt(s, t) {
    const [i, j] = [s, t].map((c) => Math.min(Math.floor(c * CELLS), CELLS - 1));
    return s >= 0 && t >= 0 && s <= 1 && t <= 1 ? j * CELLS + i : -1;
  }

  /** A critical point with its place and its cell, which is -1 outside. */
  placed(point) {
    const [s, t] = this.grid.place(point.u, point.v);
    return { s, t, kind: point.kind, cell: this.cellAt(s, t) };
  }

  /** Place in the picture, in CSS pixels, of (s, t) in [0, 1]^2 at a height in [0, 1]. */
  project(s, t, height) {
    const [x, y, z] = [s - 0.5, t - 0.5, (height - 0.5) * 0.62];
    const [cos, sin] = [Math.cos(this.yaw), Math.sin(this.yaw)];
    const [across, deep] = [x * cos - y * sin, x * sin + y * cos];
    const up = z * Math.cos(this.pitch) + deep * Math.sin(this.pitch);
    return [this.center[0] + across * this.zoom, this.center[1] - up * this.zoom];
  }

  draw() {
    const [width, height] = [this.parent.clientWidth, Math.round(Math.max(260, Math.min(this.parent.clientWidth * 0.86, 520)))];
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    Object.assign(this.canvas, { width: width * dense, height: height * dense });
    const pen = this.canvas.getContext("2d");
    pen.scale(dense, dense);
    pen.lineJoin = pen.lineCap = "round";
    this.card = css("--card");
    if (this.theme !== document.documentElement.dataset.theme) {
      this.theme = document.documentElement.dataset.theme;
      this.paint();
    }
    this.colors = this.section.solvers.map((_, k) => css(`--solver-${k % 8}`));
    this.center = [width / 2, height * 0.47];
    this.zoom = Math.min(width / 1.7, height / 1.42);
    this.drawFloor(pen);
    this.drawCells(pen);
    pen.globalAlpha = 0.35;
    for (const [run, pieces] of this.visible()) this.drawTrack(pen, run, pieces);
    pen.globalAlpha = 0.7;
    for (const point of this.points) this.drawPoint(pen, point);
    this.tell();
  }

  /** Runs that are shown, each with its pieces up to the time of the slider. */
  visible() {
    return this.tracks
      .filter(([run]) => !this.view.hidden.has(run.solver))
      .map(([run, pieces]) => {
        const end = last(run.path[this.view.x], this.view.time);
        return [run, pieces.filter((piece) => piece[0] <= end)];
      });
  }

  /** The colour of each cell, null where f is not finite: the ramp, lit from the side. */
  paint() {
    const [n, h] = [CELLS + 1, this.heights];
    const colors = ramp();
    this.fills = Array.from({ length: CELLS * CELLS }, (_, cell) => {
      const k = Math.floor(cell / CELLS) * n + (cell % CELLS);
      const [a, b, c, d] = [h[k], h[k + 1], h[k + n + 1], h[k + n]];
      const mean = (a + b + c + d) / 4;
      if (!Number.isFinite(mean)) return null;
      const [dx, dy] = [(b + c - a - d) * CELLS * 0.31, (c + d - a - b) * CELLS * 0.31];
      const light = 1 - (0.16 * (dx * 0.6 - dy * 0.35)) / Math.hypot(1, dx, dy);
      return `rgb(${colors[Math.round(Math.min(Math.max(mean, 0), 1) * 255)].map((part) => Math.round(part * light)).join(",")})`;
    });
  }

  /** Cells from back to front, each followed by what lies in it, so that hills hide what is behind them. */
  drawCells(pen) {
    const n = CELLS + 1;
    const corners = Array.from(this.heights, (height, k) => this.project((k % n) / CELLS, Math.floor(k / n) / CELLS, height));
    const inside = new Map();
    const put = (cell, draw) => (inside.has(cell) ? inside.get(cell).push(draw) : inside.set(cell, [draw]));
    for (const [run, pieces] of this.visible()) for (const piece of pieces) put(piece[3], () => this.drawTrack(pen, run, [piece]));
    for (const point of this.points) put(point.cell, () => this.drawPoint(pen, point));
    const order = (forward) => Array.from({ length: CELLS }, (_, k) => (forward ? k : CELLS - 1 - k));
    const across = order(Math.sin(this.yaw) < 0);
    for (const j of order(Math.cos(this.yaw) < 0))
      for (const i of across) {
        const [k, cell] = [j * n + i, j * CELLS + i];
        if (!this.fills[cell]) continue;
        pen.fillStyle = pen.strokeStyle = this.fills[cell];
        pen.lineWidth = 0.7;
        pen.beginPath();
        for (const c of [k, k + 1, k + n + 1, k + n]) pen.lineTo(...corners[c]);
        pen.closePath();
        pen.fill();
        pen.stroke();
        for (const draw of inside.get(cell) ?? []) draw();
      }
  }

  drawTrack(pen, run, pieces) {
    pen.strokeStyle = this.colors[run.solver];
    pen.lineWidth = 2.2;
    pen.beginPath();
    for (const [, from, to] of pieces) {
      pen.moveTo(...this.project(...from));
      pen.lineTo(...this.project(...to));
    }
    pen.stroke();
  }

  drawPoint(pen, { s, t, kind }) {
    const [x, y] = this.project(s, t, this.grid.height(this.grid.value(s, t)) + 0.01);
    if (!Number.isFinite(y)) return;
    const mark = new Path2D();
    mark.addPath(new Path2D(markPath(kind, markSize(this.points))), new DOMMatrix([1, 0, 0, 1, x, y]));
    pen.lineWidth = 3;
    pen.fillStyle = css(`--kind-${kind}`) || css("--muted");
    pen.strokeStyle = this.card;
    pen.stroke(mark);
    pen.fill(mark);
  }

  /** The rectangle under the surface, with the ends of both axes. */
  drawFloor(pen) {
    const { lower, upper, names } = this.grid;
    const floor = -0.06;
    pen.strokeStyle = css("--line");
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [s, t] of [[0, 0], [1, 0], [1, 1], [0, 1]]) pen.lineTo(...this.project(s, t, floor));
    pen.closePath();
    pen.stroke();
    pen.fillStyle = css("--muted");
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    const out = Math.max(0.09, 30 / this.zoom); // the labels of two axes meet at a corner
    const near = Math.cos(this.yaw) > 0 ? -out : 1 + out;
    const side = Math.sin(this.yaw) > 0 ? -out : 1 + out;
    const labels = [0, 1].flatMap((e) => [[e, near, number([lower, upper][e][0], 3)], [side, e, number([lower, upper][e][1], 3)]]);
    for (const [s, t, text] of labels) pen.fillText(text, ...this.project(s, t, floor));
    pen.fillStyle = css("--ink");
    pen.font = "italic 14px serif";
    pen.fillText(names[0], ...this.project(0.5, near, floor));
    pen.fillText(names[1], ...this.project(side, 0.5, floor));
  }

  turn(across, up) {
    this.yaw += across;
    this.pitch = Math.min(Math.max(this.pitch + up, 0.05), 1.5);
    this.redraw();
  }

  /** For readers of the page that are programs. */
  tell() {
    Object.assign(this.canvas.dataset, { yaw: this.yaw.toFixed(3), pitch: this.pitch.toFixed(3) });
  }

  listen() {
    let held = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      held = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      this.turn((event.clientX - held[0]) * -0.008, (event.clientY - held[1]) * 0.006);
      held = [event.clientX, event.clientY];
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => (held = null));
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08] }[event.key];
      if (!step) return;
      event.preventDefault();
      this.turn(...step);
    });
  }
}
