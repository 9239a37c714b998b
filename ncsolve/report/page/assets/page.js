// Wires the figures of each problem to its controls.

class View {
  /** What the figures of a problem share: the measure of time, zoom, the slider's time, hidden solvers. */
  constructor(section) {
    this.section = section;
    this.x = "iteration";
    this.zoom = null;
    this.hidden = new Set();
    this.figures = [];
    const lengths = section.runs.map((run) => run.columns.iteration.at(-1)).filter((n) => n > 0);
    this.log = lengths.length > 0 && Math.max(...lengths) > 20 * Math.min(...lengths);
    this.time = this.range()[1];
  }

  /** Lowest and highest x of all runs. */
  range() {
    const columns = this.section.runs.map((run) => run.columns[this.x]).filter((column) => column.length);
    const [low, high] = [Math.min(...columns.map((c) => c[0])), Math.max(...columns.map((c) => c.at(-1)))];
    return high > low ? [Math.max(low, 0), high] : [0, 1];
  }

  /** What is added to x before its logarithm is taken. */
  offset() {
    return this.x === "seconds" ? this.range()[1] / 1e4 : 1;
  }

  timeScale() {
    return scale(...this.range(), this.log ? this.offset() : null);
  }

  rounded(x) {
    return this.x === "seconds" ? x : Math.round(x);
  }

  zoomTo(one, other) {
    const [low, high] = [Math.min(one, other), Math.max(one, other)];
    const [first, end] = this.range();
    this.zoom = [Math.max(low, first), Math.min(Math.max(high, low + (end - first) * 1e-6), end)];
    this.redraw();
  }

  /** Show `factor` times as much, around x or the middle. */
  zoomBy(factor, x = null) {
    const whole = scale(...(this.zoom ?? this.range()), this.log ? this.offset() : null);
    const center = x === null ? 0.5 : whole.at(x);
    const all = this.timeScale();
    const ends = [center - center * factor, center + (1 - center) * factor].map((t) => Math.min(Math.max(all.at(whole.value(t)), 0), 1));
    if (ends[0] <= 0 && ends[1] >= 1) this.reset();
    else this.zoomTo(all.value(ends[0]), all.value(ends[1]));
  }

  reset() {
    this.zoom = null;
    this.redraw();
  }

  redraw() {
    for (const figure of this.figures) figure.redraw();
  }
}

function readSection(element) {
  const section = JSON.parse(element.querySelector("script.data").textContent);
  section.id = element.id;
  for (const run of section.runs) {
    for (const columns of [run.columns, run.path ?? {}])
      for (const [name, text] of Object.entries(columns)) columns[name] = unpack(text, name === "objective" ? Float64Array : Float32Array);
    run.name = section.solvers[run.solver] + (run.seed ? ` (seed ${run.seed})` : "");
  }
  return section;
}

function start(element) {
  const section = readSection(element);
  if (!section.runs.length && !section.plane) return null;
  const view = new View(section);
  const shown = { element, section, view, curves: [] };
  if (section.plane) {
    const grid = new Grid(section.plane);
    shown.contour = new Contour(element.querySelector(".contour"), grid, section, view);
    shown.surface = new Surface(element.querySelector(".surface"), grid, section, view);
    view.figures.push(shown.contour, shown.surface);
    const how = grid.bend > 0 ? "logarithmic above" : "linear above";
    element.querySelector(".heights").textContent = `Heights are ${how} ${number(grid.low, 4)}, the lowest value drawn.`;
    startSlider(shown);
  }
  for (const parent of element.querySelectorAll(".chart")) {
    shown.curves.push(new Curves(parent, section.runs, parent.dataset.curve, view, section));
  }
  view.figures.push(...shown.curves);
  const least = element.querySelector(".lowest");
  if (least && section.lowest !== null) least.textContent = `The lowest value known is ${number(section.lowest, 8)}. `;
  startControls(shown);
  startLegend(shown);
  startTables(shown);
  return shown;
}

function startSlider({ element, view, contour, surface, curves, section }) {
  const slider = element.querySelector(".time");
  const output = element.querySelector(".now");
  const play = element.querySelector(".play");
  if (!section.runs.some((run) => run.path)) return element.querySelector(".slider").remove();
  const move = () => {
    view.time = slider.value === slider.max ? view.range()[1] : view.rounded(view.timeScale().value(slider.value / slider.max));
    const said = `${view.x} ${number(view.time, 4)}`;
    output.textContent = said;
    slider.setAttribute("aria-valuetext", said);
    contour.drawPaths();
    surface.redraw();
    for (const curve of curves) curve.drawTime();
  };
  let running = false;
  const step = () => {
    if (!running) return;
    slider.value = +slider.value + 4;
    move();
    if (slider.value === slider.max) stop();
    else requestAnimationFrame(step);
  };
  const stop = () => {
    running = false;
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play the paths");
  };
  play.addEventListener("click", () => {
    if (running) return stop();
    running = true;
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Pause");
    if (slider.value === slider.max) slider.value = 0;
    requestAnimationFrame(step);
  });
  slider.addEventListener("input", () => {
    stop();
    move();
  });
  view.moveTime = move;
  view.moveTime();
}

function startControls({ element, view }) {
  const change = () => {
    view.zoom = null;
    view.moveTime?.();
    view.redraw();
  };
  for (const radio of element.querySelectorAll(".controls input[type=radio]"))
    radio.addEventListener("change", () => {
      view.x = radio.value;
      change();
    });
  const log = element.querySelector(".log-x");
  if (log) {
    log.checked = view.log;
    log.addEventListener("change", () => {
      view.log = log.checked;
      change();
    });
  }
  const actions = { in: () => view.zoomBy(0.5), out: () => view.zoomBy(2), reset: () => view.reset() };
  for (const button of element.querySelectorAll("[data-zoom]")) button.addEventListener("click", actions[button.dataset.zoom]);
}

function startLegend({ element, view }) {
  for (const button of element.querySelectorAll("[data-solver]")) {
    const k = +button.dataset.solver;
    button.querySelector(".swatch").style.background = solverColor(k);
    button.addEventListener("click", () => {
      const hide = !view.hidden.has(k);
      if (hide) view.hidden.add(k);
      else view.hidden.delete(k);
      button.setAttribute("aria-pressed", String(!hide));
      view.redraw();
    });
  }
}

/** Rows point at what is drawn of them; columns can be sorted by. */
function startTables({ element }) {
  for (const row of element.querySelectorAll("tr[data-point], tr[data-run]")) {
    const name = row.dataset.point === undefined ? "run" : "point";
    const mark = (on) => {
      const drawn = element.querySelectorAll(`svg [data-${name}="${row.dataset[name]}"]`);
      for (const each of drawn) each.classList.toggle("picked", on);
    };
    for (const event of ["pointerenter", "focus"]) row.addEventListener(event, () => mark(true));
    for (const event of ["pointerleave", "blur"]) row.addEventListener(event, () => mark(false));
  }
  for (const head of element.querySelectorAll("th[aria-sort] button")) head.addEventListener("click", () => sortBy(head.parentElement));
}

function sortBy(head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const key = (row) => {
    const cell = row.cells[head.cellIndex];
    const text = cell.dataset.sort ?? cell.textContent;
    return text !== "" && Number.isFinite(+text) ? +text : text;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const rows = [...body.rows].sort((a, b) => compare(key(a), key(b)) * (up ? 1 : -1));
  body.append(...rows);
}

/** Colours as the system has them, or as the reader chooses; on paper light ones. */
function startThemes(shown) {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  const paint = (theme) => {
    root.dataset.theme = theme;
    for (const { view } of shown) for (const figure of view.figures) figure.draw();
  };
  const chosen = () => paint(choice === "auto" ? (dark.matches ? "dark" : "light") : choice);
  const buttons = [...document.querySelectorAll("[data-theme-choice]")];
  for (const button of buttons)
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      choice = button.dataset.themeChoice;
      chosen();
    });
  dark.addEventListener("change", chosen);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    paint("light");
  });
  addEventListener("afterprint", chosen);
}

const ncsolve = [...document.querySelectorAll("section.problem")].map(start).filter(Boolean);
startThemes(ncsolve);
