// Convergence curves: one value of all runs against iterations, evaluations or seconds.

class Curves {
  /** `view` is shared by the curves of a section: {x: column, log, zoom: [low, high] or null, time, hidden}. */
  constructor(parent, runs, column, view, section) {
    Object.assign(this, { parent, runs, column, view, section });
    this.gap = column === "objective" && section.lowest !== null;
    this.title = this.gap ? "objective above the lowest" : column.replace("_", " ");
    this.svg = svg("svg", { class: "plot", tabindex: 0, role: "img", "aria-label": `Convergence: ${this.title}` }, parent);
    this.tooltip = new Tooltip(parent);
    this.cursor = null;
    this.values = runs.map((run) => this.prepared(run));
    this.listen();
    this.redraw = once(() => this.draw());
    new ResizeObserver(this.redraw).observe(parent);
  }

  /** What is drawn of a run; the gap to the lowest value for the objective. */
  prepared(run) {
    if (!this.gap) return run.columns[this.column];
    return run.columns.objective.map((v) => v - this.section.lowest);
  }

  shown() {
    return this.runs.map((run, k) => [run, this.values[k]]).filter(([run]) => !this.view.hidden.has(run.solver));
  }

  /** Scales of both axes: x as zoomed, y around what is visible. */
  rescale() {
    const all = this.view.range();
    const [low, high] = this.view.zoom ?? all;
    const offset = this.view.log ? this.view.offset() : null;
    this.x = scale(low, high, offset);
    let [bottom, top, positive] = [Infinity, -Infinity, Infinity];
    for (const [run, values] of this.shown()) {
      const xs = run.columns[this.view.x];
      for (let k = Math.max(last(xs, low), 0); k < values.length && xs[k] <= high; k++) {
        const v = values[k];
        if (!Number.isFinite(v)) continue;
        if (v < bottom) bottom = v;
        if (v > top) top = v;
        if (v > 0 && v < positive) positive = v;
      }
    }
    if (!(top > -Infinity)) [bottom, top] = [0, 1];
    this.logY = bottom >= 0 && top > 30 * positive;
    this.floor = this.logY ? Math.max(positive / 2, top * 1e-30) : null;
    if (this.logY) this.y = scale(this.floor, top * 1.5, 0);
    else this.y = scale(bottom > 0 && bottom < top / 2 ? 0 : bottom, top + (top - bottom) * 0.05 || 1);
  }

  /** The place of values in the drawing, in CSS pixels. */
  toPixel(x, y) {
    const { left, top, right, bottom } = this.frame;
    const v = this.logY ? Math.max(y, this.floor) : y;
    return [left + this.x.at(x) * (right - left), bottom - this.y.at(v) * (bottom - top)];
  }

  draw() {
    const [width, height] = [this.parent.clientWidth, Math.max(220, Math.min(320, this.parent.clientWidth * 0.62))];
    this.frame = { left: 58, top: 28, right: width - 12, bottom: height - 30 };
    this.rescale();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    this.drawAxes();
    const { left, top, right, bottom } = this.frame;
    const id = `clip-${this.section.id}-${this.column}`;
    svg("rect", { x: left, y: top, width: Math.max(right - left, 1), height: bottom - top }, svg("clipPath", { id }, this.svg));
    const group = svg("g", { "clip-path": `url(#${id})` }, this.svg);
    for (const [run, values] of this.shown()) this.drawRun(run, values, group);
    this.now = svg("line", { class: "now", y1: top, y2: bottom }, group);
    this.overlay = svg("g", { class: "hover" }, this.svg);
    this.drawTime();
    if (this.cursor !== null) this.drawCursor();
  }

  drawAxes() {
    const { left, top, right, bottom } = this.frame;
    svg("text", { x: left, y: 17, class: "title" }, this.svg).textContent = this.title;
    const across = ticks(this.x, (right - left) / 70, this.view.x !== "seconds");
    let free = -Infinity;
    for (const [value, label] of across) {
      const [x] = this.toPixel(value, this.y.high);
      svg("path", { class: "grid", d: `M${x.toFixed(1)} ${top}V${bottom}` }, this.svg);
      if (x - label.length * 3.5 < free) continue;
      free = x + label.length * 3.5 + 8;
      tickBelow(x, bottom + 17, label, right + 11, this.svg);
    }
    for (const [value, label] of ticks(this.y, (bottom - top) / 34)) {
      const [, y] = this.toPixel(this.x.low, value);
      svg("path", { class: "grid", d: `M${left} ${y.toFixed(1)}H${right}` }, this.svg);
      svg("text", { class: "tick", x: left - 7, y: (y + 4).toFixed(1), "text-anchor": "end" }, this.svg).textContent = label;
    }
  }

  drawRun(run, values, group) {
    const xs = run.columns[this.view.x];
    const [from, to] = [Math.max(last(xs, this.x.low) - 1, 0), Math.min(last(xs, this.x.high) + 2, xs.length)];
    let d = "";
    let pen = "M";
    for (let k = from; k < to; k++) {
      if (!Number.isFinite(values[k])) {
        pen = "M";
        continue;
      }
      const [x, y] = this.toPixel(xs[k], values[k]);
      d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    }
    const look = { class: "curve", d, stroke: solverColor(run.solver), "stroke-dasharray": solverDash(run.solver), "data-run": run.run };
    svg("path", look, group);
    for (const iteration of run.escapes) {
      const k = Math.max(last(run.columns.iteration, iteration), 0);
      const [x, y] = this.toPixel(xs[k], values[k]);
      const mark = svg("circle", { class: "escape", cx: x, cy: y, r: 4, stroke: solverColor(run.solver) }, group);
      svg("title", {}, mark).textContent = `left a saddle or a maximum at iteration ${iteration}`;
    }
  }

  drawTime() {
    if (!this.now) return;
    const [x] = this.toPixel(this.view.time, this.y.high);
    const whole = this.view.time >= this.view.range()[1];
    for (const name of ["x1", "x2"]) this.now.setAttribute(name, x);
    this.now.toggleAttribute("hidden", whole);
    this.now.style.display = whole ? "none" : "";
  }

  /** The values of all runs at the cursor: of each the last row up to there. */
  drawCursor() {
    const { left, top, right, bottom } = this.frame;
    const [x] = this.toPixel(this.cursor, this.y.high);
    this.overlay.replaceChildren();
    if (x < left - 1 || x > right + 1) return this.tooltip.hide();
    svg("path", { class: "cursor", d: `M${x.toFixed(1)} ${top}V${bottom}` }, this.overlay);
    const found = [];
    for (const [run, values] of this.shown()) {
      const k = last(run.columns[this.view.x], this.cursor);
      if (k < 0) continue;
      const [, y] = this.toPixel(this.cursor, values[k]);
      const ended = k === values.length - 1;
      if (Number.isFinite(y)) svg("circle", { class: "dot", cx: x, cy: y, r: ended ? 2.5 : 4, fill: solverColor(run.solver) }, this.overlay);
      const raw = this.column === "objective" ? run.columns.objective[k] : values[k];
      found.push([values[k], [solverColor(run.solver), run.name + (ended ? " (end)" : ""), number(raw, 6)]]);
    }
    found.sort((a, b) => b[0] - a[0]);
    const lines = found.slice(0, 14).map(([, line]) => line);
    if (found.length > 14) lines.push([null, `and ${found.length - 14} more`, ""]);
    this.tooltip.show(x, (top + bottom) / 2, `${this.view.x} ${number(this.cursor, 4)}`, lines);
  }

  hover(x) {
    this.cursor = x;
    if (x === null) {
      this.overlay?.replaceChildren();
      this.tooltip.hide();
    } else if (this.frame) this.drawCursor();
  }

  /** x at a place of the pointer; whole numbers for counts. */
  xAt(event) {
    const { left, right } = this.frame;
    const t = (event.clientX - this.svg.getBoundingClientRect().left - left) / (right - left);
    return this.view.rounded(this.x.value(Math.min(Math.max(t, 0), 1)));
  }

  listen() {
    let start = null;
    const svgElement = this.svg;
    svgElement.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      start = event;
      svgElement.setPointerCapture(event.pointerId);
    });
    svgElement.addEventListener("pointermove", (event) => {
      this.hover(this.xAt(event));
      if (start) this.drawBand(start, event);
    });
    svgElement.addEventListener("pointerup", (event) => {
      if (start && Math.abs(event.clientX - start.clientX) > 6) this.view.zoomTo(this.xAt(start), this.xAt(event));
      start = null;
    });
    svgElement.addEventListener("pointercancel", () => (start = null));
    svgElement.addEventListener("pointerleave", () => this.hover(null));
    svgElement.addEventListener("blur", () => this.hover(null));
    svgElement.addEventListener("dblclick", () => this.view.reset());
    svgElement.addEventListener("keydown", (event) => this.key(event));
  }

  drawBand(start, event) {
    const { left, top, right, bottom } = this.frame;
    const zero = this.svg.getBoundingClientRect().left;
    const [a, b] = [start.clientX - zero, event.clientX - zero].map((x) => Math.min(Math.max(x, left), right)).sort((p, q) => p - q);
    svg("rect", { class: "band", x: a, y: top, width: b - a, height: bottom - top }, this.overlay);
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) {
      if (this.cursor === null) return this.hover(this.x.low);
      const t = this.x.at(this.cursor);
      const step = (steps[event.key] * (event.shiftKey ? 10 : 1)) / 100;
      const next = this.view.rounded(this.x.value(Math.min(Math.max(t + step, 0), 1)));
      const moved = this.view.x !== "seconds" && next === this.cursor ? next + steps[event.key] : next;
      this.hover(Math.min(Math.max(moved, this.x.low), this.x.high));
    } else if (event.key === "+" || event.key === "=") this.view.zoomBy(0.5, this.cursor);
    else if (event.key === "-") this.view.zoomBy(2, this.cursor);
    else if (event.key === "Escape") this.view.reset();
    else return;
    event.preventDefault();
  }
}
